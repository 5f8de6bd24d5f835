#include "qopt/Calibration/Annotate.h"

#include "qopt/Analysis/Constants.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using qopt::RangeChoice;
using qopt::SiteInfo;
using qopt::SiteStatistics;
using qopt::Statistics;

namespace {

DictionaryAttr channelsOf(const SiteStatistics &site, Builder &b) {
  int64_t channels = site.ranges.channels();
  std::vector<float> min(channels), max(channels);
  for (int64_t c = 0; c < channels; ++c) {
    auto range = site.ranges.channel(c);
    min[c] = range.empty() ? 0 : range.min;
    max[c] = range.empty() ? 0 : range.max;
  }
  auto type = RankedTensorType::get({channels}, b.getF32Type());
  auto entry = [&](llvm::StringRef key, const std::vector<float> &values) {
    return b.getNamedAttr(key, qopt::makeElements<float>(type, values, "stats_" + key.str()));
  };
  return b.getDictionaryAttr(
      {entry("min", min), entry("max", max), entry("mean", site.moments.mean()), entry("mean_square", site.moments.meanSquare())});
}

} // namespace

std::vector<SiteInfo> qopt::readSites(ModuleOp module) {
  std::vector<SiteInfo> sites;
  auto names = module->getAttrOfType<ArrayAttr>("qopt.sites");
  auto axes = module->getAttrOfType<DenseI64ArrayAttr>("qopt.site_axes");
  if (!names || !axes || static_cast<size_t>(axes.size()) != names.size())
    return sites;
  for (auto [name, axis] : llvm::zip(names.getAsRange<StringAttr>(), axes.asArrayRef()))
    sites.push_back({name.str(), axis});
  return sites;
}

std::vector<std::string> qopt::annotateStatistics(ModuleOp module, const Statistics &statistics, const RangeChoice &choice) {
  Builder b(module.getContext());
  NamedAttrList ranges, channels;
  std::vector<std::string> unreached;
  for (const SiteStatistics &site : statistics.sites) {
    auto range = chooseRange(site, choice);
    if (!site.reached() || range.empty()) {
      unreached.push_back(site.info().name);
      continue;
    }
    ranges.set(site.info().name, b.getDenseF64ArrayAttr({range.min, range.max}));
    if (site.ranges.channels() > 1)
      channels.set(site.info().name, channelsOf(site, b));
  }
  module->setAttr("qopt.ranges", ranges.getDictionary(b.getContext()));
  module->setAttr("qopt.channels", channels.getDictionary(b.getContext()));
  return unreached;
}
