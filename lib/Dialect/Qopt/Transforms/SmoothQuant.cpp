// Moves activation outliers into weights. Groups of linears that share an activation are scaled together.
#include "qopt/Analysis/Constants.h"
#include "qopt/Analysis/Decisions.h"
#include "qopt/Analysis/Sites.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Interfaces/LinearLike.h"
#include "qopt/Numerics/Quantizers/SmoothSearch.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"

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

int64_t dimOf(Value value, int64_t axis) { return cast<RankedTensorType>(value.getType()).getDimSize(axis); }

/// A product whose weight is a constant matrix, its input channels along the activation's last dim.
bool canScale(LinearLikeOpInterface op) {
  ElementsAttr weight = constantWeight(op);
  Value activation = op.getActivationOperand().get();
  auto type = cast<RankedTensorType>(activation.getType());
  return weight && weight.getShapedType().getRank() == 2 && weight.getElementType().isF32() && op.getChannelGroups() == 1 &&
         op.getActivationChannelAxis() == type.getRank() - 1 && type.getElementType().isF32();
}

struct Group {
  SmallVector<LinearLikeOpInterface> linears;
};

class Smoother {
public:
  Smoother(func::FuncOp func, DictionaryAttr channels, std::optional<double> alpha, const llvm::StringSet<> &targets,
           NamedAttrList &ranges)
      : func(func), channels(channels), alpha(alpha), targets(targets), ranges(ranges), sites(func) {}

  void run() {
    llvm::MapVector<Value, Group> groups;
    func.walk([&](LinearLikeOpInterface op) {
      if (canScale(op) && isTarget(op))
        groups[op.getActivationOperand().get()].linears.push_back(op);
    });
    for (auto &[activation, group] : groups)
      smooth(activation, group);
  }

private:
  bool isTarget(Operation *op) const {
    return targets.empty() || targets.contains(locationName(op->getLoc(), op->getName().getStringRef()));
  }

  void smooth(Value activation, Group &group) {
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
        views.push_back(viewOf(op, values.values()));
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
    apply(activation, site, group, views, stats.stats(), choice);
  }

  static void skip(Group &group, const llvm::Twine &why) {
    for (LinearLikeOpInterface op : group.linears)
      op.emitRemark() << "not smoothed: " << why << " [SMOOTH-NO-STATS]";
  }

  static WeightView viewOf(LinearLikeOpInterface op, ArrayRef<float> values) {
    int64_t in = op.getWeightInputAxis(), out = op.getWeightOutputAxis();
    Value weight = op.getWeightOperand().get();
    int64_t columns = dimOf(weight, 1);
    return {values.data(), dimOf(weight, in), dimOf(weight, out), in == 0 ? columns : 1, out == 0 ? columns : 1};
  }

  void apply(Value activation, llvm::StringRef site, Group &group, ArrayRef<WeightView> views, const ChannelStats &stats,
             const SmoothChoice &choice) {
    for (auto [op, view] : llvm::zip(group.linears, views))
      scaleWeight(op, view, choice.scales);

    OpBuilder b(func.getContext());
    b.setInsertionPointAfterValue(activation);
    std::string name = (site + "/smoothed").str();
    Location loc = NameLoc::get(b.getStringAttr(name), activation.getLoc());
    std::vector<float> inverse(choice.scales.size());
    double low = 0, high = 0;
    for (size_t c = 0; c < inverse.size(); ++c) {
      inverse[c] = 1.0f / choice.scales[c];
      low = std::min(low, double(stats.min[c]) * inverse[c]);
      high = std::max(high, double(stats.max[c]) * inverse[c]);
    }
    auto type = RankedTensorType::get({static_cast<int64_t>(inverse.size())}, b.getF32Type());
    Value factors = nn::ConstantOp::create(b, loc, makeElements<float>(type, inverse, "smooth"));
    Value smoothed = nn::MulOp::create(b, loc, activation.getType(), activation, factors);
    for (LinearLikeOpInterface op : group.linears)
      op.getActivationOperand().set(smoothed);
    ranges.set(name, b.getDenseF64ArrayAttr({low, high}));
  }

  static void scaleWeight(LinearLikeOpInterface op, const WeightView &view, ArrayRef<float> scales) {
    ElementsAttr weight = constantWeight(op);
    std::vector<float> scaled(static_cast<size_t>(weight.getNumElements()));
    for (int64_t c = 0; c < view.channels; ++c)
      for (int64_t n = 0; n < view.outputs; ++n) {
        int64_t at = c * view.channelStride + n * view.outputStride;
        scaled[at] = view.data[at] * scales[c];
      }
    OpBuilder b(op);
    auto type = cast<RankedTensorType>(weight.getType());
    op.getWeightOperand().set(nn::ConstantOp::create(b, op.getLoc(), makeElements<float>(type, scaled, "w_smooth")));
  }

  func::FuncOp func;
  DictionaryAttr channels;
  std::optional<double> alpha;
  const llvm::StringSet<> &targets;
  NamedAttrList &ranges;
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
    NamedAttrList ranges(module->getAttrOfType<DictionaryAttr>("qopt.ranges"));
    std::optional<double> fixed = alpha >= 0 ? std::optional<double>(alpha) : std::nullopt;
    llvm::StringSet<> names;
    for (const std::string &name : targets)
      names.insert(name);
    for (auto func : module.getOps<func::FuncOp>())
      if (!func.isExternal())
        Smoother(func, channels, fixed, names, ranges).run();
    module->setAttr("qopt.ranges", ranges.getDictionary(&getContext()));
  }
};

} // namespace
