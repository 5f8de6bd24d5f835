// Moves activation outliers into weights. Groups of linears that share an activation are scaled together.
#include "ScaleChannels.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Analysis/Decisions.h"
#include "qopt/Analysis/Sites.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"

#include "mlir/IR/Builders.h"


#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace qopt {
#define GEN_PASS_DEF_SMOOTHQUANTPASS
#include "qopt/Dialect/Qopt/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;

namespace {

/// The module attribute `qopt.channels`: {site = {min = …, max = …, mean_square = …}}, f32 vectors over the last dim.
struct SiteChannels {
  FloatElements min, max, meanSquare;
  explicit SiteChannels(DictionaryAttr dict)
      : min(dict.getAs<ElementsAttr>("min")), max(dict.getAs<ElementsAttr>("max")),
        meanSquare(dict.getAs<ElementsAttr>("mean_square")) {}
  bool valid(size_t channels) const {
    return min.valid() && max.valid() && meanSquare.valid() && min.values().size() == channels &&
           max.values().size() == channels && meanSquare.values().size() == channels;
  }
  ChannelStats stats() const {
    auto span = [](ArrayRef<float> v) { return std::span<const float>(v.data(), v.size()); };
    return {span(min.values()), span(max.values()), span(meanSquare.values())};
  }
};

/// A channel stands out where it reaches so many times the median channel's magnitude; so many are named.
constexpr float kOutlier = 20;
constexpr size_t kShown = 8;

class Smoother {
public:
  Smoother(func::FuncOp func, DictionaryAttr channels, std::optional<double> alpha, const llvm::StringSet<> &targets,
           DecisionLog &log)
      : func(func), channels(channels), alpha(alpha), targets(targets), log(log), sites(func) {}

  void run() {
    auto groups = channelGroups(func, targets);
    for (auto &[activation, group] : groups)
      smooth(activation, group);
  }

private:
  void smooth(Value activation, ChannelGroup &group) {
    llvm::StringRef site = sites.name(activation);
    auto dict = channels.getAs<DictionaryAttr>(site);
    if (!dict)
      return skip(group, "no calibration sample reached its input");
    SiteChannels stats(dict);
    SmallVector<FloatElements> elements;
    SmallVector<WeightView> views;
    for (LinearLikeOpInterface op : group.linears)
      elements.emplace_back(constantWeight(op));
    for (auto [op, values] : llvm::zip(group.linears, elements))
      if (values.valid())
        views.push_back(channelView(op, values.values()));
    if (views.size() != group.linears.size() || !stats.valid(views[0].channels))
      return skip(group, "its statistics do not fit its input channels");
    std::span<const WeightView> weights(views.data(), views.size());
    SmoothChoice choice;
    if (alpha) {
      choice.scales = smoothScales(stats.stats(), weights, *alpha, /*floored=*/false);
      choice.alpha = *alpha;
    } else {
      choice = searchSmoothScales(stats.stats(), weights);
      if (!(choice.errorAfter < choice.errorBefore))
        return;
    }
    std::string told = describe(choice, stats);
    for (LinearLikeOpInterface op : group.linears)
      log.add(op, Outcome::Quantized, "SMOOTH-DONE", told);
    scaleChannels(activation, sites, "smoothed", group, choice.scales, log);
  }

  /// The strength, and the channels that stand out.
  static std::string describe(const SmoothChoice &choice, const SiteChannels &stats) {
    std::vector<std::pair<float, size_t>> reach;
    for (size_t c = 0; c < choice.scales.size(); ++c)
      reach.push_back({std::max({0.0f, std::abs(stats.min.values()[c]), std::abs(stats.max.values()[c])}), c}); // NaN counts as 0
    llvm::sort(reach, [](auto &a, auto &b) { return std::pair(-a.first, a.second) < std::pair(-b.first, b.second); });
    float median = reach[reach.size() / 2].first;
    std::string text = llvm::formatv("alpha {0:f2}", choice.alpha).str();
    size_t outliers = llvm::count_if(reach, [&](auto &r) { return r.first > kOutlier * median; });
    for (size_t i = 0; i < std::min(outliers, kShown); ++i)
      text += (i == 0 ? "; outlier channels " : ", ") + std::to_string(reach[i].second) +
              llvm::formatv(" ({0:f0} times the median)", reach[i].first / median).str();
    return outliers > kShown ? text + " and " + std::to_string(outliers - kShown) + " more" : text;
  }

  static void skip(ChannelGroup &group, const llvm::Twine &why) {
    for (LinearLikeOpInterface op : group.linears)
      op.emitRemark() << "not smoothed: " << why << " [SMOOTH-NO-STATS]";
  }

  func::FuncOp func;
  DictionaryAttr channels;
  std::optional<double> alpha;
  const llvm::StringSet<> &targets;
  DecisionLog &log;
  Sites sites;
};

struct SmoothQuant : qopt::impl::SmoothQuantPassBase<SmoothQuant> {
  using SmoothQuantPassBase::SmoothQuantPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto channels = module->getAttrOfType<DictionaryAttr>("qopt.channels");
    if (!channels) {
      module.emitError("qopt-smoothquant: the module has no per-channel statistics (attribute qopt.channels); calibrate the "
                       "model and annotate it first");
      return signalPassFailure();
    }
    if (alpha > 1) {
      module.emitError("qopt-smoothquant: alpha is ") << alpha << "; it must be from 0 to 1, or negative for a search";
      return signalPassFailure();
    }
    std::optional<double> fixed = alpha >= 0 ? std::optional<double>(alpha) : std::nullopt;
    llvm::StringSet<> names;
    for (const std::string &name : targets)
      names.insert(name);
    DecisionLog log(module);
    for (auto func : module.getOps<func::FuncOp>())
      if (!func.isExternal())
        Smoother(func, channels, fixed, names, log).run();
  }
};

} // namespace
