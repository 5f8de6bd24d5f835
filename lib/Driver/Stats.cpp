#include "Commands.h"
#include "DriftReport.h"

#include "qopt/Support/AtomicFile.h"

#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace qopt {

namespace {

constexpr Option options[] = {
    {"-o", "FILE.stats", "merge: where the merged statistics go"},
};

Expected<std::vector<Statistics>> readAll(ArrayRef<std::string> paths) {
  std::vector<Statistics> all;
  for (const std::string &path : paths) {
    auto statistics = readStatistics(path);
    if (!statistics)
      return statistics.takeError();
    all.push_back(std::move(*statistics));
  }
  return all;
}

Expected<int> show(ArrayRef<std::string> paths, Session &session) {
  auto all = readAll(paths);
  if (!all)
    return all.takeError();
  for (auto [path, statistics] : zip(paths, *all)) {
    session.out << formatv("{0}: {1} sites, {2} samples, model {3}, data {4}, by {5}\n", path, statistics.sites.size(),
                           statistics.samples, statistics.modelHash, statistics.dataHash.hex(), statistics.tool);
    session.out << "         min          max     channels  site\n";
    for (const SiteStatistics &site : statistics.sites) {
      if (!site.reached()) {
        session.out << formatv("{0,36}  {1}\n", "no sample reached it", site.info().name);
        continue;
      }
      ValueRange range = site.histogram.range();
      session.out << formatv("{0,12:f5} {1,12:f5} {2,10}  {3}\n", range.min, range.max, site.ranges.channels(),
                             site.info().name);
    }
  }
  return Done;
}

Expected<int> merge(ArrayRef<std::string> paths, std::optional<StringRef> out) {
  if (!out)
    return usageError("`qopt stats merge` needs -o FILE.stats");
  auto all = readAll(paths);
  if (!all)
    return all.takeError();
  for (size_t i = 1; i < all->size(); ++i)
    if (Error error = (*all)[0].merge((*all)[i]))
      return inContext(paths[i], std::move(error));
  if (Error error = writeStatistics(*out, (*all)[0]))
    return std::move(error);
  return Done;
}

/// What the second file's data does that the first one's did not, the most different sites first.
Expected<int> diff(ArrayRef<std::string> paths, Session &session) {
  if (paths.size() != 2)
    return usageError("`qopt stats diff` takes two files");
  auto all = readAll(paths);
  if (!all)
    return all.takeError();
  auto drifts = driftBetween((*all)[0], (*all)[1]);
  if (!drifts)
    return inContext(paths[1], drifts.takeError());
  for (const SiteStatistics &site : (*all)[0].sites)
    if (const SiteStatistics *other = (*all)[1].find(site.info().name); !other || !other->reached())
      session.out << formatv("only in the first file, or not reached by the second: {0}\n", site.info().name);
  printDrift(session.out, *drifts, drifts->size());
  return Done;
}

Expected<int> run(const Arguments &arguments, Session &session) {
  ArrayRef<std::string> words = arguments.positional();
  if (words.size() < 2)
    return usageError("`qopt stats` takes show, merge or diff, and files");
  if (words[0] == "show")
    return show(words.drop_front(), session);
  if (words[0] == "merge")
    return merge(words.drop_front(), arguments.get("-o"));
  if (words[0] == "diff")
    return diff(words.drop_front(), session);
  return usageError("`qopt stats " + words[0] + "` is none of show, merge and diff");
}

} // namespace

const Command &statsCommand() {
  static const Command command = {"stats",
                                  "show|merge|diff FILE.stats … [-o OUT.stats]",
                                  "Look at, merge or compare calibration statistics",
                                  options,
                                  "  qopt stats merge a.stats b.stats -o all.stats\n",
                                  run};
  return command;
}

} // namespace qopt
