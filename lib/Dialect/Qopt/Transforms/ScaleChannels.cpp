#include "ScaleChannels.h"

#include "LinearInputs.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Dialect/NN/IR/NN.h"

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

} // namespace

llvm::MapVector<Value, ChannelGroup> qopt::channelGroups(func::FuncOp func, const llvm::StringSet<> &targets) {
  llvm::MapVector<Value, ChannelGroup> groups;
  func.walk([&](LinearLikeOpInterface op) {
    if (canScale(op) && (targets.empty() || targets.contains(locationName(op.getLoc(), op->getName().getStringRef()))))
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

std::string qopt::scaleChannels(Value activation, llvm::StringRef site, llvm::StringRef suffix, ChannelGroup &group,
                                ArrayRef<float> scales) {
  for (LinearLikeOpInterface op : group.linears)
    scaleWeight(op, scales);
  OpBuilder b(activation.getContext());
  b.setInsertionPointAfterValue(activation);
  std::string name = (site + "/" + suffix).str();
  Location loc = NameLoc::get(b.getStringAttr(name), activation.getLoc());
  std::vector<float> inverse;
  for (float scale : scales)
    inverse.push_back(1.0f / scale);
  auto type = RankedTensorType::get({static_cast<int64_t>(inverse.size())}, b.getF32Type());
  Value factors = nn::ConstantOp::create(b, loc, makeElements<float>(type, inverse, suffix));
  Value scaled = nn::MulOp::create(b, loc, activation.getType(), activation, factors);
  for (LinearLikeOpInterface op : group.linears)
    op.getActivationOperand().set(scaled);
  ModuleOp module = group.linears.front()->getParentOfType<ModuleOp>();
  recordScaledInput(module, name, site, inverse);
  scaleRange(module, name, site, inverse);
  return name;
}
