// LinearLikeOpInterface for linalg and tosa.
#include "qopt/Interfaces/LinearLike.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace qopt;

namespace {

bool isConstant(Value value) { return matchPattern(value, m_Constant()); }

/// Where a dim of the loop nest stands alone in an operand's indexing map; -1 if nowhere.
int64_t positionOf(unsigned dim, AffineMap map) {
  for (auto [position, expr] : llvm::enumerate(map.getResults()))
    if (auto alone = dyn_cast<AffineDimExpr>(expr); alone && alone.getPosition() == dim)
      return position;
  return -1;
}

/// The window of a convolution: its weight's dims between those of the channels.
template <typename Model>
InputWindow windowOf(const Model &model, Operation *op, ArrayRef<int64_t> strides, ArrayRef<int64_t> dilations, ArrayRef<int64_t> pads) {
  auto weight = cast<ShapedType>(model.getWeightOperand(op).get().getType());
  auto activation = cast<ShapedType>(model.getActivationOperand(op).get().getType());
  InputWindow window{{}, strides.vec(), dilations.vec(), pads.vec(), model.getActivationChannelAxis(op) == activation.getRank() - 1, {}};
  for (auto [axis, dim] : llvm::enumerate(weight.getShape()))
    if (static_cast<int64_t>(axis) != model.getWeightOutputAxis(op) && static_cast<int64_t>(axis) != model.getWeightInputAxis(op))
      window.kernel.push_back(dim);
  if (!weight.hasStaticShape())
    window.unknown = "its weight's shape is not known";
  return window;
}

/// Every linalg product and convolution says by its indexing maps what its dims are, transposed forms included.
template <typename Op> struct LinalgModel : LinearLikeOpInterface::ExternalModel<LinalgModel<Op>, Op> {
  static bool weightStandsLeft(Operation *op) {
    return isConstant(op->getOperand(0)) && !isConstant(op->getOperand(1));
  }
  static AffineMap mapOf(Operation *op, OpOperand &operand) {
    return cast<linalg::LinalgOp>(op).getMatchingIndexingMap(&operand);
  }
  static bool isReduction(Operation *op, unsigned dim) {
    return cast<linalg::LinalgOp>(op).getIteratorTypesArray()[dim] == utils::IteratorType::reduction;
  }

  OpOperand &getActivationOperand(Operation *op) const { return op->getOpOperand(weightStandsLeft(op) ? 1 : 0); }
  OpOperand &getWeightOperand(Operation *op) const { return op->getOpOperand(weightStandsLeft(op) ? 0 : 1); }

  /// The dim that the activation does not have.
  int64_t getWeightOutputAxis(Operation *op) const {
    AffineMap activation = mapOf(op, getActivationOperand(op)), weight = mapOf(op, getWeightOperand(op));
    for (auto [axis, expr] : llvm::enumerate(weight.getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr);
          dim && !isReduction(op, dim.getPosition()) && !activation.isFunctionOfDim(dim.getPosition()))
        return axis;
    return -1;
  }
  /// The summed dim that stands alone in the activation (a window's dims are added to pixels).
  int64_t getWeightInputAxis(Operation *op) const {
    AffineMap activation = mapOf(op, getActivationOperand(op)), weight = mapOf(op, getWeightOperand(op));
    for (auto [axis, expr] : llvm::enumerate(weight.getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr);
          dim && isReduction(op, dim.getPosition()) && positionOf(dim.getPosition(), activation) >= 0)
        return axis;
    return -1;
  }
  int64_t getActivationChannelAxis(Operation *op) const {
    int64_t axis = getWeightInputAxis(op);
    if (axis < 0)
      return -1;
    auto dim = cast<AffineDimExpr>(mapOf(op, getWeightOperand(op)).getResult(axis));
    return positionOf(dim.getPosition(), mapOf(op, getActivationOperand(op)));
  }
  InputWindow getInputWindow(Operation *op) const {
    if constexpr (requires(Op conv) { conv.getStrides(); }) {
      auto conv = cast<Op>(op);
      llvm::SmallVector<int64_t> strides(conv.getStrides().template getValues<int64_t>()),
          dilations(conv.getDilations().template getValues<int64_t>());
      // Padding is an op of its own.
      return windowOf(*this, op, strides, dilations, llvm::SmallVector<int64_t>(2 * strides.size(), 0));
    }
    return {};
  }
};

/// (batch, m, k) times (batch, k, n).
struct TosaMatMulModel : LinearLikeOpInterface::ExternalModel<TosaMatMulModel, tosa::MatMulOp> {
  static bool weightStandsLeft(Operation *op) {
    return isConstant(op->getOperand(0)) && !isConstant(op->getOperand(1));
  }
  OpOperand &getActivationOperand(Operation *op) const { return op->getOpOperand(weightStandsLeft(op) ? 1 : 0); }
  OpOperand &getWeightOperand(Operation *op) const { return op->getOpOperand(weightStandsLeft(op) ? 0 : 1); }
  int64_t getWeightOutputAxis(Operation *op) const { return weightStandsLeft(op) ? 1 : 2; }
  int64_t getWeightInputAxis(Operation *op) const { return weightStandsLeft(op) ? 2 : 1; }
  int64_t getActivationChannelAxis(Operation *op) const { return weightStandsLeft(op) ? 1 : 2; }
};

/// Channels last; weights are (outputs, window…, inputs). A fully connected layer is a tosa.conv2d with a window of one.
template <typename Op> struct TosaConvModel : LinearLikeOpInterface::ExternalModel<TosaConvModel<Op>, Op> {
  OpOperand &getActivationOperand(Operation *op) const { return op->getOpOperand(0); }
  OpOperand &getWeightOperand(Operation *op) const { return op->getOpOperand(1); }
  Value getBiasValue(Operation *op) const { return op->getOperand(2); }
  int64_t getWeightOutputAxis(Operation *op) const { return 0; }
  int64_t getWeightInputAxis(Operation *op) const { return lastDim(op->getOperand(1)); }
  int64_t getActivationChannelAxis(Operation *op) const { return lastDim(op->getOperand(0)); }
  InputWindow getInputWindow(Operation *op) const {
    auto conv = cast<Op>(op);
    ArrayRef<int64_t> pad = conv.getPad(); // Begin and end of each dim in turn.
    llvm::SmallVector<int64_t> pads;
    for (size_t end : {0, 1})
      for (size_t dim = 0; dim < pad.size() / 2; ++dim)
        pads.push_back(pad[2 * dim + end]);
    return windowOf(*this, op, conv.getStride(), conv.getDilation(), pads);
  }

private:
  static int64_t lastDim(Value value) { return cast<ShapedType>(value.getType()).getRank() - 1; }
};

template <typename... Ops> void attachLinalg(MLIRContext *context) {
  (Ops::template attachInterface<LinalgModel<Ops>>(*context), ...);
}

} // namespace

void qopt::registerUpstreamLinearModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, linalg::LinalgDialect *) {
    attachLinalg<linalg::MatmulOp, linalg::BatchMatmulOp, linalg::MatvecOp, linalg::VecmatOp, linalg::ContractOp,
                 linalg::Conv1DNwcWcfOp,
                 linalg::Conv1DNcwFcwOp, linalg::Conv2DNhwcHwcfOp, linalg::Conv2DNhwcFhwcOp, linalg::Conv2DNchwFchwOp,
                 linalg::Conv3DNdhwcDhwcfOp>(context);
  });
  registry.addExtension(+[](MLIRContext *context, tosa::TosaDialect *) {
    tosa::MatMulOp::attachInterface<TosaMatMulModel>(*context);
    tosa::Conv2DOp::attachInterface<TosaConvModel<tosa::Conv2DOp>>(*context);
    tosa::Conv3DOp::attachInterface<TosaConvModel<tosa::Conv3DOp>>(*context);
  });
}
