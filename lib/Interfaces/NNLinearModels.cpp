// LinearLikeOpInterface for the nn dialect.
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Interfaces/LinearLike.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace qopt;

namespace {

int64_t rankOf(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }

/// A matrix product multiplies an activation by a weight from either side.
bool weightStandsLeft(Operation *op) {
  return matchPattern(op->getOperand(0), m_Constant()) && !matchPattern(op->getOperand(1), m_Constant());
}

/// Dim `fromEnd` counted from the last one, or -1 for tensors of lower rank.
int64_t dimFromEnd(Value value, int64_t fromEnd) {
  int64_t rank = rankOf(value);
  return rank > fromEnd ? rank - 1 - fromEnd : -1;
}

struct MatMulModel : LinearLikeOpInterface::ExternalModel<MatMulModel, nn::MatMulOp> {
  OpOperand &getActivationOperand(Operation *op) const { return op->getOpOperand(weightStandsLeft(op) ? 1 : 0); }
  OpOperand &getWeightOperand(Operation *op) const { return op->getOpOperand(weightStandsLeft(op) ? 0 : 1); }
  int64_t getWeightOutputAxis(Operation *op) const {
    Value weight = getWeightOperand(op).get();
    if (rankOf(weight) < 2)
      return -1;
    return dimFromEnd(weight, weightStandsLeft(op) ? 1 : 0);
  }
  int64_t getWeightInputAxis(Operation *op) const {
    Value weight = getWeightOperand(op).get();
    return dimFromEnd(weight, weightStandsLeft(op) || rankOf(weight) < 2 ? 0 : 1);
  }
  int64_t getActivationChannelAxis(Operation *op) const {
    Value activation = getActivationOperand(op).get();
    return dimFromEnd(activation, weightStandsLeft(op) && rankOf(activation) > 1 ? 1 : 0);
  }
};

struct GemmModel : LinearLikeOpInterface::ExternalModel<GemmModel, nn::GemmOp> {
  OpOperand &getActivationOperand(Operation *op) const { return op->getOpOperand(weightStandsLeft(op) ? 1 : 0); }
  OpOperand &getWeightOperand(Operation *op) const { return op->getOpOperand(weightStandsLeft(op) ? 0 : 1); }
  Value getBiasValue(Operation *op) const { return cast<nn::GemmOp>(op).getC(); }
  int64_t getWeightOutputAxis(Operation *op) const {
    auto gemm = cast<nn::GemmOp>(op);
    return weightStandsLeft(op) ? gemm.getTransA() : !gemm.getTransB();
  }
  int64_t getWeightInputAxis(Operation *op) const { return 1 - getWeightOutputAxis(op); }
  int64_t getActivationChannelAxis(Operation *op) const {
    auto gemm = cast<nn::GemmOp>(op);
    return weightStandsLeft(op) ? gemm.getTransB() : !gemm.getTransA();
  }
};

struct ConvModel : LinearLikeOpInterface::ExternalModel<ConvModel, nn::ConvOp> {
  static bool channelsLast(Operation *op) { return cast<nn::ConvOp>(op).getLayout() == "NXC"; }
  OpOperand &getActivationOperand(Operation *op) const { return op->getOpOperand(0); }
  OpOperand &getWeightOperand(Operation *op) const { return op->getOpOperand(1); }
  Value getBiasValue(Operation *op) const { return cast<nn::ConvOp>(op).getB(); }
  int64_t getWeightOutputAxis(Operation *op) const { return channelsLast(op) ? rankOf(op->getOperand(1)) - 1 : 0; }
  int64_t getWeightInputAxis(Operation *op) const { return channelsLast(op) ? rankOf(op->getOperand(1)) - 2 : 1; }
  int64_t getActivationChannelAxis(Operation *op) const { return channelsLast(op) ? rankOf(op->getOperand(0)) - 1 : 1; }
  int64_t getChannelGroups(Operation *op) const { return cast<nn::ConvOp>(op).getGroup(); }
  InputWindow getInputWindow(Operation *op) const {
    auto conv = cast<nn::ConvOp>(op);
    auto weight = cast<RankedTensorType>(conv.getW().getType());
    InputWindow window;
    if (conv.getAutoPad() != "NOTSET")
      window.unknown = "the padding of its windows depends on the input's size";
    else if (channelsLast(op) || !weight.hasStaticShape())
      window.unknown = "its windows do not lie in ONNX's layout";
    else
      window = {weight.getShape().drop_front(2).vec(), conv.getStrides().vec(), conv.getDilations().vec(), conv.getPads().vec(), false, {}};
    return window;
  }
};

struct ConvTransposeModel : LinearLikeOpInterface::ExternalModel<ConvTransposeModel, nn::ConvTransposeOp> {
  OpOperand &getActivationOperand(Operation *op) const { return op->getOpOperand(0); }
  OpOperand &getWeightOperand(Operation *op) const { return op->getOpOperand(1); }
  Value getBiasValue(Operation *op) const { return cast<nn::ConvTransposeOp>(op).getB(); }
  int64_t getWeightOutputAxis(Operation *op) const { return 1; }
  int64_t getWeightInputAxis(Operation *op) const { return 0; }
  int64_t getActivationChannelAxis(Operation *op) const { return 1; }
  int64_t getChannelGroups(Operation *op) const { return cast<nn::ConvTransposeOp>(op).getGroup(); }
  InputWindow getInputWindow(Operation *op) const { return {{}, {}, {}, {}, false, "it is a transposed convolution"}; }
};

} // namespace

void qopt::registerNNLinearModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::MatMulOp::attachInterface<MatMulModel>(*context);
    nn::GemmOp::attachInterface<GemmModel>(*context);
    nn::ConvOp::attachInterface<ConvModel>(*context);
    nn::ConvTransposeOp::attachInterface<ConvTransposeModel>(*context);
  });
}
