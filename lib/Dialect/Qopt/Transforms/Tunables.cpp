#include "Tunables.h"
#include "Programs.h"
#include "QuantizeWeights.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Analysis/Decisions.h"
#include "qopt/Analysis/Sites.h"
#include "qopt/Dialect/NN/IR/NN.h"

#include "mlir/IR/Builders.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace qopt;

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// What an addition adds that alone reads a product's result, or null.
OpOperand *addedBehind(LinearLikeOpInterface op) {
  Value y = op->getResult(0);
  auto add = y.hasOneUse() ? dyn_cast<nn::AddOp>(*y.user_begin()) : nn::AddOp();
  bool isProduct = isa<nn::MatMulOp, nn::GemmOp>(op.getOperation()) && &op.getWeightOperand() == &op->getOpOperand(1);
  return add && isProduct ? &add->getOpOperand(add->getOperand(0) == y ? 1 : 0) : nullptr;
}

/// What the op itself adds as it is, or null.
OpOperand *ownBias(LinearLikeOpInterface op) {
  if (auto conv = dyn_cast<nn::ConvOp>(op.getOperation()); conv && conv.getB())
    return &conv.getBMutable()[0];
  auto gemm = dyn_cast<nn::GemmOp>(op.getOperation());
  return gemm && gemm.getC() && gemm.getBeta().isExactlyValue(1) ? &gemm.getCMutable()[0] : nullptr;
}

/// The operand that adds an f32 constant of one value for each output: the op's own, or that of an addition behind it. Null if none does.
OpOperand *constantBias(LinearLikeOpInterface op) {
  OpOperand *bias = op.getBiasValue() ? ownBias(op) : addedBehind(op);
  if (!bias || !isF32Tensor(bias->get()) || op.getWeightOutputAxis() < 0)
    return nullptr;
  int64_t outputs = typeOf(op.getWeightOperand().get()).getDimSize(op.getWeightOutputAxis());
  return typeOf(bias->get()).getShape() == ArrayRef(outputs) && FloatElements(constantOf(bias->get())).valid() ? bias : nullptr;
}

float rootMeanSquare(llvm::ArrayRef<float> values) {
  double sum = std::accumulate(values.begin(), values.end(), 0.0, [](double s, float v) { return s + static_cast<double>(v) * v; });
  return values.empty() ? 0 : static_cast<float>(std::sqrt(sum / static_cast<double>(values.size())));
}

/// Whether each output channel of a product or convolution has one scale: a factor on it is a factor on the channel.
bool hasScaleOfChannels(LinearLikeOpInterface op, qir::DequantizeOp weight) {
  if (weight.getBlockSize() || weight.getBlockShape() || &op.getWeightOperand() != &op->getOpOperand(1))
    return false;
  bool isSum = !op.getBiasValue() || constantBias(op);
  bool isScalar = typeOf(weight.getScale()).getNumElements() == 1;
  bool isChannels = typeOf(weight.getScale()).getRank() == 1 && weight.getAxis() == op.getWeightOutputAxis();
  auto conv = dyn_cast<nn::ConvOp>(op.getOperation());
  return isSum && (isScalar || isChannels) && (conv ? conv.getLayout() == "NCX" : isa<nn::MatMulOp, nn::GemmOp>(op.getOperation()));
}

void dropBias(Operation *op) {
  if (auto conv = dyn_cast<nn::ConvOp>(op))
    conv.getBMutable().clear();
  else
    cast<nn::GemmOp>(op).getCMutable().clear();
}

/// One value for each channel, so that it broadcasts over the op's result.
Value alongChannels(OpBuilder &b, Operation *op, Value values) {
  int64_t spatial = isa<nn::ConvOp>(op) ? typeOf(op->getResult(0)).getRank() - 2 : 0, count = typeOf(values).getNumElements();
  if (count == 1 || spatial == 0)
    return values;
  llvm::SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(1, spatial + 1)), shape(spatial + 1, 1);
  shape[0] = count;
  return nn::UnsqueezeOp::create(b, op->getLoc(), RankedTensorType::get(shape, b.getF32Type()), values, axes);
}

void multiplyScales(qir::DequantizeOp weight, Value factors) {
  OpBuilder b(weight);
  Value own = weight.getScale();
  weight.getScaleMutable().assign(nn::MulOp::create(b, weight.getLoc(), own.getType(), own, factors));
}

} // namespace

Value qopt::underParameters(LinearLikeOpInterface op, Value factors, Value shift) {
  OpBuilder b(op->getContext());
  b.setInsertionPointAfter(op);
  Value y = op->getResult(0), own = op.getBiasValue();
  auto along = [&](Value values) { return alongChannels(b, op, values); };
  if (qir::DequantizeOp weight = quantizedWeight(op); factors && !hasScaleOfChannels(op, weight)) {
    multiplyScales(weight, factors);
  } else if (factors) {
    y = nn::MulOp::create(b, op.getLoc(), y.getType(), y, along(factors));
    if (own) {
      dropBias(op);
      shift = shift ? nn::AddOp::create(b, op.getLoc(), own.getType(), own, shift).getResult() : own;
    }
  }
  return shift ? nn::AddOp::create(b, op.getLoc(), y.getType(), y, along(shift)).getResult() : y;
}

std::vector<Tunable> qopt::tunables(ModuleOp quantized, const llvm::StringSet<> &names, bool biases) {
  std::vector<Tunable> found;
  func::FuncOp main = mainOf(quantized);
  if (!main)
    return found;
  DecisionLog log(quantized);
  main.walk([&](LinearLikeOpInterface op) {
    std::string name = nameOf(op);
    if (!names.empty() && !names.contains(name))
      return;
    qir::DequantizeOp weight = quantizedWeight(op);
    if (weight && hasTrainableScales(weight)) {
      found.push_back({Tunable::Scales, op, typeOf(weight.getScale()).getShape().vec()});
      if (OpOperand *bias = biases ? constantBias(op) : nullptr)
        if (float unit = rootMeanSquare(FloatElements(constantOf(bias->get())).values()); unit > 0)
          found.push_back({Tunable::Bias, op, typeOf(bias->get()).getShape().vec(), unit});
    } else if (weight) {
      log.note(op, "DISTILL-SKIPPED", "its weight's scales stay as they are: only constants in float32 under integer codes can be trained");
    }
  });
  return found;
}

void qopt::assign(const Tunable &tunable, llvm::ArrayRef<float> values) {
  LinearLikeOpInterface op = tunable.op;
  bool isBias = tunable.kind == Tunable::Bias;
  OpOperand &operand = isBias ? *constantBias(op) : quantizedWeight(op).getScaleMutable();
  FloatElements before(constantOf(operand.get()));
  std::vector<float> after;
  for (auto [own, value] : llvm::zip(before.values(), values))
    after.push_back(isBias ? own + value * tunable.unit : own * value);
  OpBuilder b(operand.getOwner());
  ElementsAttr elements = makeElements<float>(typeOf(operand.get()), after, isBias ? "trained_bias" : "trained_scale");
  operand.set(nn::ConstantOp::create(b, operand.get().getLoc(), elements));
}
