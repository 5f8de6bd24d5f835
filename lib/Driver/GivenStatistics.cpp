#include "Quantization.h"

using namespace llvm;

namespace qopt {

Expected<std::optional<Statistics>> givenStatistics(const Arguments &arguments, const Recipe &recipe, StringRef rewriting) {
  auto file = arguments.get("--stats");
  bool hasData = arguments.has("--calibration-data");
  if (!file) {
    if (!hasData && readsStatistics(recipe))
      return usageError("this scheme needs samples of the model's input: give --calibration-data DATA or --stats FILE");
    return std::optional<Statistics>();
  }
  if (hasData)
    return usageError("--stats and --calibration-data exclude each other");
  const std::string &path = arguments.positional()[0];
  auto statistics = readStatistics(*file);
  if (!statistics)
    return statistics.takeError();
  auto hash = modelHash(path, rewriting);
  if (!hash)
    return hash.takeError();
  if (statistics->modelHash != *hash)
    return makeError(*file + ": these are statistics of another model (" + statistics->modelHash + "), not of " + path + " (" + *hash +
                     "); calibrate this one" +
                     (rewriting.empty() ? "" : ", with the same --recipe or --scheme, which changes its weights first"));
  return std::optional<Statistics>(std::move(*statistics));
}

} // namespace qopt
