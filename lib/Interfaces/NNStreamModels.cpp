// StreamOpInterface for the nn dialect.
#include "qopt/Interfaces/Stream.h"
#include "qopt/Dialect/NN/IR/Constants.h"
#include "qopt/Dialect/NN/IR/NN.h"

#include "mlir/IR/DialectRegistry.h"

#include "qopt/Interfaces/Stream.cpp.inc"

using namespace mlir;
using namespace qopt;

namespace {

using Operands = SmallVector<OpOperand *>;

ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }
int64_t lastDim(Value value) { return static_cast<int64_t>(shapeOf(value).size()) - 1; }

bool sameLast(Value a, Value b) {
  return lastDim(a) >= 0 && lastDim(b) >= 0 && !ShapedType::isDynamic(shapeOf(a).back()) && shapeOf(a).back() == shapeOf(b).back();
}

StreamRole carriesIf(bool carries, std::string &why, llvm::StringRef clause) {
  if (!carries)
    why = clause.str();
  return carries ? StreamRole::Carries : StreamRole::None;
}

/// Sums of vectors, none of which is one number for all channels.
template <typename Op> struct SumModel : StreamOpInterface::ExternalModel<SumModel<Op>, Op> {
  StreamRole getStreamRole(Operation *op, std::string &why) const {
    Value sum = op->getResult(0);
    return carriesIf(sameLast(op->getOperand(0), sum) && sameLast(op->getOperand(1), sum), why, "it adds one number to all channels");
  }
  Operands getStreamOperands(Operation *op) const { return {&op->getOpOperand(0), &op->getOpOperand(1)}; }
};

/// Multiples by one number.
template <typename Op> struct MultipleModel : StreamOpInterface::ExternalModel<MultipleModel<Op>, Op> {
  static std::optional<unsigned> vectorSide(Operation *op) {
    for (unsigned side : {0u, 1u})
      if ((side == 0 || isa<nn::MulOp>(op)) && nn::constantScalar(op->getOperand(1 - side)) && sameLast(op->getOperand(side), op->getResult(0)))
        return side;
    return std::nullopt;
  }
  StreamRole getStreamRole(Operation *op, std::string &why) const {
    return carriesIf(vectorSide(op).has_value(), why, "it scales channels by different or computed numbers");
  }
  Operands getStreamOperands(Operation *op) const { return {&op->getOpOperand(vectorSide(op).value_or(0))}; }
};

struct NegModel : StreamOpInterface::ExternalModel<NegModel, nn::NegOp> {
  StreamRole getStreamRole(Operation *, std::string &) const { return StreamRole::Carries; }
};

struct ReshapeModel : StreamOpInterface::ExternalModel<ReshapeModel, nn::ReshapeOp> {
  StreamRole getStreamRole(Operation *op, std::string &why) const {
    return carriesIf(sameLast(op->getOperand(0), op->getResult(0)), why, "it splits or joins channels");
  }
};

struct TransposeModel : StreamOpInterface::ExternalModel<TransposeModel, nn::TransposeOp> {
  StreamRole getStreamRole(Operation *op, std::string &why) const {
    ArrayRef<int64_t> perm = cast<nn::TransposeOp>(op).getPerm();
    return carriesIf(!perm.empty() && perm.back() == static_cast<int64_t>(perm.size()) - 1, why, "it moves the channels to another dim");
  }
};

/// Rows of a table, or vectors at some positions.
struct GatherModel : StreamOpInterface::ExternalModel<GatherModel, nn::GatherOp> {
  StreamRole getStreamRole(Operation *op, std::string &why) const {
    return carriesIf(static_cast<int64_t>(cast<nn::GatherOp>(op).getAxis()) != lastDim(op->getOperand(0)), why, "it selects channels");
  }
};

struct SliceModel : StreamOpInterface::ExternalModel<SliceModel, nn::SliceOp> {
  StreamRole getStreamRole(Operation *op, std::string &why) const {
    return carriesIf(!llvm::is_contained(cast<nn::SliceOp>(op).getAxes(), lastDim(op->getOperand(0))), why, "it selects channels");
  }
};

struct RMSNormModel : StreamOpInterface::ExternalModel<RMSNormModel, nn::RMSNormalizationOp> {
  StreamRole getStreamRole(Operation *op, std::string &why) const {
    auto norm = cast<nn::RMSNormalizationOp>(op);
    if (static_cast<int64_t>(norm.getAxis()) == lastDim(norm.getX()) && shapeOf(norm.getScale()).size() == 1 && sameLast(norm.getX(), norm.getScale()))
      return StreamRole::Normalizes;
    return carriesIf(false, why, "it normalizes over more than the channels");
  }
  OpOperand *getStreamScale(Operation *op) const { return &op->getOpOperand(1); }
};

struct LayerNormModel : StreamOpInterface::ExternalModel<LayerNormModel, nn::LayerNormalizationOp> {
  StreamRole getStreamRole(Operation *, std::string &why) const {
    return carriesIf(false, why, "it subtracts the channels' mean, which a rotation does not keep");
  }
  OpOperand *getStreamScale(Operation *op) const { return &op->getOpOperand(1); }
};

struct ShapeModel : StreamOpInterface::ExternalModel<ShapeModel, nn::ShapeOp> {
  StreamRole getStreamRole(Operation *, std::string &) const { return StreamRole::Ignores; }
};

} // namespace

void qopt::registerNNStreamModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::AddOp::attachInterface<SumModel<nn::AddOp>>(*context);
    nn::SubOp::attachInterface<SumModel<nn::SubOp>>(*context);
    nn::MulOp::attachInterface<MultipleModel<nn::MulOp>>(*context);
    nn::DivOp::attachInterface<MultipleModel<nn::DivOp>>(*context);
    nn::NegOp::attachInterface<NegModel>(*context);
    nn::ReshapeOp::attachInterface<ReshapeModel>(*context);
    nn::TransposeOp::attachInterface<TransposeModel>(*context);
    nn::GatherOp::attachInterface<GatherModel>(*context);
    nn::SliceOp::attachInterface<SliceModel>(*context);
    nn::RMSNormalizationOp::attachInterface<RMSNormModel>(*context);
    nn::LayerNormalizationOp::attachInterface<LayerNormModel>(*context);
    nn::ShapeOp::attachInterface<ShapeModel>(*context);
  });
}
