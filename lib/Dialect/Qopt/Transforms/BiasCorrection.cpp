#include "BiasCorrection.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Numerics/Formats/Affine.h"
#include "qopt/Numerics/Quantizers/Equalize.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace qopt;

namespace {

llvm::ArrayRef<int8_t> codesOf(ElementsAttr attr, std::vector<int8_t> &storage) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    llvm::ArrayRef<char> bytes = resource.getRawHandle().getBlob()->getData();
    return {reinterpret_cast<const int8_t *>(bytes.data()), bytes.size()};
  }
  for (int8_t code : cast<DenseElementsAttr>(attr).getValues<int8_t>())
    storage.push_back(code);
  return storage;
}

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

} // namespace

std::string qopt::correctBiasOf(LinearLikeOpInterface op, ElementsAttr weight, const WeightCodes &codes,
                                llvm::ArrayRef<float> channelMeans) {
  llvm::ArrayRef<int64_t> shape = weight.getShapedType().getShape();
  if (op.getWeightOutputAxis() != 0 || op.getWeightInputAxis() != 1)
    return "its weight does not run over outputs first";
  Value old = op.getBiasValue();
  FloatElements oldBias(constantOf(old));
  if (old ? !oldBias.valid() || static_cast<int64_t>(oldBias.values().size()) != shape[0] : !isa<nn::ConvOp>(op.getOperation()))
    return "it has no constant bias of one value per output";
  int64_t groups = op.getChannelGroups(), rows = shape[0] / groups, channels = shape[1];
  int64_t columns = weight.getNumElements() / shape[0];
  if (static_cast<int64_t>(channelMeans.size()) != channels * groups || shape[0] % groups != 0)
    return "its statistics do not fit its input channels";

  FloatElements values(weight), scales(codes.scales);
  std::vector<int8_t> storage;
  llvm::ArrayRef<int8_t> q = codesOf(codes.codes, storage);
  std::vector<float> rounded(values.values().size());
  dequantize<int8_t>({q.data(), q.size()}, BlockGrid::perAxis({shape.begin(), shape.end()}, 0),
                     {scales.values().data(), scales.values().size()}, {}, rounded);
  std::vector<float> bias(shape[0]);
  if (old)
    bias.assign(oldBias.values().begin(), oldBias.values().end());
  for (int64_t g = 0; g < groups; ++g) {
    std::vector<float> means = columnMeans(channelMeans, g * channels, channels, columns / channels);
    size_t first = g * rows * columns, count = rows * columns;
    correctBias({values.values().data() + first, count}, {rounded.data() + first, count}, {rows, columns}, means,
                std::span<float>(bias).subspan(g * rows, rows));
  }
  setBias(op, bias);
  return {};
}
