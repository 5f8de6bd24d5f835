#include "ScaleChannels.h"

#include "LinearInputs.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Analysis/Factors.h"
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Support/MappedFile.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace qopt;

namespace {

int64_t dimOf(Value value, int64_t axis) { return cast<RankedTensorType>(value.getType()).getDimSize(axis); }

bool canScale(LinearLikeOpInterface op) {
  ElementsAttr weight = constantWeight(op);
  auto type = cast<RankedTensorType>(op.getActivationOperand().get().getType());
  return weight && hasMatrixWeight(op) && weight.getElementType().isF32() && op.getChannelGroups() == 1 &&
         op.getActivationChannelAxis() == type.getRank() - 1 && type.getElementType().isF32();
}

void scaleWeight(LinearLikeOpInterface op, ArrayRef<float> scales) {
  FloatElements elements(constantWeight(op));
  WeightView view = channelView(op, elements.values());
  std::vector<float> scaled(elements.values().size());
  for (int64_t c = 0; c < view.channels; ++c)
    for (int64_t n = 0; n < view.outputs; ++n) {
      int64_t at = c * view.channelStride + n * view.outputStride;
      scaled[at] = view.data[at] * scales[c];
    }
  OpBuilder b(op);
  auto type = cast<RankedTensorType>(op.getWeightOperand().get().getType());
  op.getWeightOperand().set(nn::ConstantOp::create(b, op.getLoc(), makeElements<float>(type, scaled, "w_scaled")));
  llvm::ArrayRef<float> unscaled = elements.values();
  releasePages({reinterpret_cast<const uint8_t *>(unscaled.data()), unscaled.size() * sizeof(float)});
}

/// The new site's range, where the old one's is known by channel.
void scaleRange(ModuleOp module, llvm::StringRef name, llvm::StringRef site, ArrayRef<float> factors) {
  auto channels = module->getAttrOfType<DictionaryAttr>("qopt.channels");
  auto entry = channels ? channels.getAs<DictionaryAttr>(site) : DictionaryAttr();
  if (!entry)
    return;
  FloatElements min(entry.getAs<ElementsAttr>("min")), max(entry.getAs<ElementsAttr>("max"));
  if (min.values().size() != factors.size() || max.values().size() != factors.size())
    return;
  double low = 0, high = 0;
  for (size_t c = 0; c < factors.size(); ++c) {
    low = std::min(low, double(min.values()[c]) * factors[c]);
    high = std::max(high, double(max.values()[c]) * factors[c]);
  }
  NamedAttrList ranges(module->getAttrOfType<DictionaryAttr>("qopt.ranges"));
  ranges.set(name, Builder(module.getContext()).getDenseF64ArrayAttr({low, high}));
  module->setAttr("qopt.ranges", ranges.getDictionary(module.getContext()));
}

/// The factor at each index of the only dim that the map varies along.
std::vector<float> byIndex(const ChannelMap &map, ArrayRef<float> factors) {
  std::vector<float> values;
  for (int64_t channel : map.channels)
    values.push_back(factors[channel]);
  return values;
}

/// Statistics by channel of a site that is multiplied from now on.
DictionaryAttr scaledChannels(DictionaryAttr entry, ArrayRef<float> factors) {
  NamedAttrList scaled;
  for (NamedAttribute statistic : entry) {
    auto values = cast<ElementsAttr>(statistic.getValue());
    std::vector<float> numbers = FloatElements(values).values().vec();
    for (auto [number, factor] : llvm::zip(numbers, factors))
      number *= statistic.getName() == "mean_square" ? factor * factor : factor;
    auto type = RankedTensorType::get({static_cast<int64_t>(numbers.size())}, values.getElementType());
    scaled.set(statistic.getName(), makeElements<float>(type, numbers, "stats_" + statistic.getName().str()));
  }
  return scaled.getDictionary(entry.getContext());
}

/// What calibration knows of such a site. Where it knows channels along the factors' dim the range follows from these; else it becomes
/// one that surely holds all.
void scaleStatistics(ModuleOp module, llvm::StringRef site, const ChannelMap &map, ArrayRef<float> factors) {
  NamedAttrList channels(module->getAttrOfType<DictionaryAttr>("qopt.channels")), ranges(module->getAttrOfType<DictionaryAttr>("qopt.ranges"));
  auto entry = dyn_cast_or_null<DictionaryAttr>(channels.get(site));
  auto max = entry ? entry.getAs<ElementsAttr>("max") : ElementsAttr();
  if (max && map.onlyDim() == static_cast<int64_t>(map.shape.size()) - 1 && max.getNumElements() == map.shape.back()) {
    scaleRange(module, site, site, byIndex(map, factors));
    channels.set(site, scaledChannels(entry, byIndex(map, factors)));
  } else {
    channels.erase(site);
    auto range = dyn_cast_or_null<DenseF64ArrayAttr>(ranges.get(site));
    if (range && range.size() == 2) {
      double most = *std::max_element(factors.begin(), factors.end());
      ranges.set(site, DenseF64ArrayAttr::get(module.getContext(), {std::min(range[0], 0.0) * most, std::max(range[1], 0.0) * most}));
      module->setAttr("qopt.ranges", ranges.getDictionary(module.getContext()));
    }
  }
  if (module->hasAttr("qopt.channels"))
    module->setAttr("qopt.channels", channels.getDictionary(module.getContext()));
}

/// Multiplies the plan's constants; returns whose they are.
std::string foldFactors(const FactorPlan &plan, ArrayRef<float> factors) {
  std::string into;
  for (auto &[operand, map] : plan.constants) {
    std::vector<float> values = FloatElements(constantOf(operand->get())).values().vec();
    SmallVector<int64_t> shape(cast<RankedTensorType>(operand->get().getType()).getShape());
    multiplyByChannel(values, shape, map, factors);
    replaceConstant(*operand, shape, values, "folded");
    std::string owner = "'" + nameOf(operand->getOwner()) + "'";
    if (!StringRef(into).contains(owner))
      into += (into.empty() ? "" : ", ") + owner;
  }
  return into;
}

} // namespace

llvm::MapVector<Value, ChannelGroup> qopt::channelGroups(func::FuncOp func, const llvm::StringSet<> &targets) {
  llvm::MapVector<Value, ChannelGroup> groups;
  func.walk([&](LinearLikeOpInterface op) {
    if (canScale(op) && (targets.empty() || targets.contains(nameOf(op))))
      groups[op.getActivationOperand().get()].linears.push_back(op);
  });
  return groups;
}

WeightView qopt::channelView(LinearLikeOpInterface op, ArrayRef<float> values) {
  int64_t in = op.getWeightInputAxis(), out = op.getWeightOutputAxis();
  Value weight = op.getWeightOperand().get();
  int64_t channels = dimOf(weight, in), outputs = dimOf(weight, out);
  return {values.data(), channels, outputs, in < out ? outputs : 1, out < in ? channels : 1};
}

/// An `nn.mul` between the activation and the group.
static void multiply(Value activation, llvm::StringRef site, llvm::StringRef suffix, ChannelGroup &group, ArrayRef<float> factors) {
  OpBuilder b(activation.getContext());
  b.setInsertionPointAfterValue(activation);
  std::string name = (site + "/" + suffix).str();
  Location loc = NameLoc::get(b.getStringAttr(name), activation.getLoc());
  auto type = RankedTensorType::get({static_cast<int64_t>(factors.size())}, b.getF32Type());
  Value constant = nn::ConstantOp::create(b, loc, makeElements<float>(type, factors, suffix));
  Value scaled = nn::MulOp::create(b, loc, activation.getType(), activation, constant);
  for (LinearLikeOpInterface op : group.linears)
    op.getActivationOperand().set(scaled);
  ModuleOp module = group.linears.front()->getParentOfType<ModuleOp>();
  recordScaledInput(module, name, site, factors);
  scaleRange(module, name, site, factors);
}

void qopt::scaleChannels(Value activation, const Sites &sites, llvm::StringRef suffix, ChannelGroup &group, ArrayRef<float> scales,
                         DecisionLog &log) {
  SmallVector<Operation *> readers;
  for (LinearLikeOpInterface op : group.linears) {
    scaleWeight(op, scales);
    readers.push_back(op);
  }
  std::vector<float> inverse;
  for (float scale : scales)
    inverse.push_back(1.0f / scale);
  std::string why;
  auto plan = planFactors(activation, cast<RankedTensorType>(activation.getType()).getRank() - 1, readers, why);
  if (!plan) {
    multiply(activation, sites.name(activation), suffix, group, inverse);
    for (LinearLikeOpInterface op : group.linears)
      log.add(op, Outcome::Quantized, "FOLD-MULTIPLY", "the factors on its input are multiplied at run time: " + why);
    return;
  }
  std::string into = foldFactors(*plan, inverse);
  ModuleOp module = group.linears.front()->getParentOfType<ModuleOp>();
  for (auto &[value, map] : plan->passed)
    scaleStatistics(module, sites.name(value), map, inverse);
  recordScaledInput(module, sites.name(activation), sites.name(activation), inverse);
  for (LinearLikeOpInterface op : group.linears)
    log.add(op, Outcome::Quantized, "FOLD-DONE", "the factors on its input went into the constants of " + into);
}
