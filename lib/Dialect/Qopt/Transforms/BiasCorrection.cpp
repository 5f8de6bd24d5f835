#include "BiasCorrection.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Numerics/Quantizers/Equalize.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace qopt;

namespace {

/// E[x] by column of one group's weight rows: each channel's mean, repeated over the kernel.
std::vector<float> columnMeans(llvm::ArrayRef<float> means, int64_t firstChannel, int64_t channels, int64_t kernel) {
  std::vector<float> columns;
  for (int64_t c = 0; c < channels; ++c)
    columns.insert(columns.end(), kernel, means[firstChannel + c]);
  return columns;
}

void setBias(LinearLikeOpInterface op, llvm::ArrayRef<float> bias) {
  OpBuilder b(op);
  auto type = RankedTensorType::get({static_cast<int64_t>(bias.size())}, b.getF32Type());
  Value value = nn::ConstantOp::create(b, op.getLoc(), makeElements<float>(type, bias, "bias"));
  if (Value old = op.getBiasValue())
    op->replaceUsesOfWith(old, value);
  else
    cast<nn::ConvOp>(op.getOperation()).getBMutable().assign(value);
}

/// E[x] by channel of a site; null where there is none.
ElementsAttr channelMeans(ModuleOp module, llvm::StringRef site) {
  auto channels = module->getAttrOfType<DictionaryAttr>("qopt.channels");
  auto entry = channels ? channels.getAs<DictionaryAttr>(site) : DictionaryAttr();
  return entry ? entry.getAs<ElementsAttr>("mean") : ElementsAttr();
}

/// Empty on success, else a clause that says why not.
std::string correct(LinearLikeOpInterface op, const WeightRows &weight, std::span<const float> rounded,
                    llvm::ArrayRef<float> channelMeans) {
  RowShape shape = weight.shape();
  if (op.getWeightInputAxis() != (op.getWeightOutputAxis() == 0 ? 1 : 0))
    return "its weight does not run over outputs first";
  Value old = op.getBiasValue();
  FloatElements oldBias(constantOf(old));
  if (old ? !oldBias.valid() || static_cast<int64_t>(oldBias.values().size()) != shape.rows : !isa<nn::ConvOp>(op.getOperation()))
    return "it has no constant bias of one value per output";
  int64_t groups = op.getChannelGroups(), rows = shape.rows / groups;
  int64_t channels = weight.type().getDimSize(weight.inputAxis());
  if (static_cast<int64_t>(channelMeans.size()) != channels * groups || shape.rows % groups != 0)
    return "its statistics do not fit its input channels";

  std::vector<float> bias(shape.rows);
  if (old)
    bias.assign(oldBias.values().begin(), oldBias.values().end());
  for (int64_t g = 0; g < groups; ++g) {
    std::vector<float> means = columnMeans(channelMeans, g * channels, channels, shape.cols / channels);
    size_t first = g * rows * shape.cols, count = rows * shape.cols;
    correctBias(weight.values().subspan(first, count), rounded.subspan(first, count), {rows, shape.cols}, means,
                std::span<float>(bias).subspan(g * rows, rows));
  }
  setBias(op, bias);
  return {};
}

} // namespace

void qopt::correctBiasOf(LinearLikeOpInterface op, const WeightRows &weight, std::span<const float> rounded, const Sites &sites) {
  FloatElements means(channelMeans(op->getParentOfType<ModuleOp>(), sites.name(op.getActivationOperand().get())));
  std::string why = means.valid() ? correct(op, weight, rounded, means.values()) : "no statistics of its input channels";
  if (!why.empty())
    op.emitRemark() << "bias not corrected: " << why << " [BIAS-FORM]";
}
