#include "qopt/Dialect/Qopt/Transforms/Distillation.h"
#include "Losses.h"
#include "Programs.h"
#include "QuantizeWeights.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Analysis/Decisions.h"
#include "qopt/Analysis/Sites.h"
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"
#include "qopt/Interfaces/LinearLike.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace qopt;

namespace {

bool isTunable(qir::DequantizeOp weight) {
  return constantOf(weight.getQ()) && isa<IntegerType>(cast<RankedTensorType>(weight.getQ().getType()).getElementType()) &&
         isF32Tensor(weight.getScale()) && constantOf(weight.getScale()) && weight.getX().hasOneUse();
}

/// The float function, grown into the loss.
class LossProgram {
public:
  LossProgram(func::FuncOp main, func::FuncOp quantized, ArrayRef<TunableScales> scales)
      : main(main), quantized(quantized), scales(scales), inputs(main.getNumArguments()), b(main.getContext()) {}

  LogicalResult run(OutputLoss loss) {
    Operation *end = main.getBody().front().getTerminator();
    b.setInsertionPoint(end);
    for (auto [index, one] : llvm::enumerate(scales)) {
      auto name = b.getNamedAttr("nn.name", b.getStringAttr("factor" + std::to_string(index)));
      if (failed(main.insertArgument(inputs + index, RankedTensorType::get(one.shape, b.getF32Type()), b.getDictionaryAttr(name), one.weight->getLoc())))
        return failure();
    }
    copyQuantized();
    SmallVector<Value> losses = lossesOf(end->getOperands(), loss);
    if (losses.empty())
      return main.emitError("has no f32 output of one dim or more that a loss could compare");
    returnLoss(Losses(b, main.getLoc()).sum(losses), end);
    return LogicalResult::success();
  }

private:
  void copyQuantized() {
    IRMapping copies;
    for (auto [index, argument] : llvm::enumerate(quantized.getArguments()))
      copies.map(argument, main.getArgument(index));
    DenseMap<Operation *, unsigned> factorOf;
    for (auto [index, one] : llvm::enumerate(scales))
      factorOf[one.weight] = inputs + index;
    for (Operation &op : quantized.getBody().front().without_terminator()) {
      Operation *copy = b.clone(op, copies);
      if (auto factor = factorOf.find(&op); factor != factorOf.end())
        scale(cast<qir::DequantizeOp>(copy), main.getArgument(factor->second));
    }
    for (Value value : quantized.getBody().front().getTerminator()->getOperands())
      results.push_back(copies.lookup(value));
  }

  static void scale(qir::DequantizeOp weight, Value factor) {
    OpBuilder before(weight);
    Value own = weight.getScale();
    weight.getScaleMutable().assign(nn::MulOp::create(before, weight.getLoc(), own.getType(), own, factor));
  }

  SmallVector<Value> lossesOf(ValueRange wanted, OutputLoss loss) {
    SmallVector<Value> losses;
    for (auto [one, other] : llvm::zip(wanted, results)) {
      if (!isF32Tensor(one) || one.getType() != other.getType() || cast<RankedTensorType>(one.getType()).getRank() == 0)
        continue;
      Losses build(b, main.getLoc());
      losses.push_back(loss == OutputLoss::KL ? build.kl(one, other) : build.mse(one, other));
    }
    return losses;
  }

  void returnLoss(Value loss, Operation *end) {
    end->setOperands(loss);
    while (main.getNumResults() > 0)
      (void)main.eraseResult(main.getNumResults() - 1);
    (void)main.insertResult(0, loss.getType(), b.getDictionaryAttr(b.getNamedAttr("nn.name", b.getStringAttr("loss"))));
  }

  func::FuncOp main, quantized;
  ArrayRef<TunableScales> scales;
  unsigned inputs;
  OpBuilder b;
  SmallVector<Value> results;
};

} // namespace

std::vector<TunableScales> qopt::tunableScales(ModuleOp quantized, const llvm::StringSet<> &names) {
  std::vector<TunableScales> found;
  func::FuncOp main = mainOf(quantized);
  if (!main)
    return found;
  DecisionLog log(quantized);
  main.walk([&](LinearLikeOpInterface op) {
    std::string name = locationName(op.getLoc(), op->getName().getStringRef());
    if (!names.empty() && !names.contains(name))
      return;
    qir::DequantizeOp weight = quantizedWeight(op);
    if (weight && isTunable(weight))
      found.push_back({weight, cast<RankedTensorType>(weight.getScale().getType()).getShape().vec()});
    else if (weight)
      log.note(op, "DISTILL-SKIPPED", "its weight's scales stay as they are: only constants in float32 under integer codes can be trained");
  });
  return found;
}

FailureOr<OwningOpRef<ModuleOp>> qopt::distillationLoss(ModuleOp reference, ModuleOp quantized, llvm::ArrayRef<TunableScales> scales,
                                                        OutputLoss loss) {
  OwningOpRef<ModuleOp> result = reference.clone();
  func::FuncOp main = mainOf(*result), other = mainOf(quantized);
  if (!main || !other || failed(LossProgram(main, other, scales).run(loss)))
    return failure();
  return result;
}

void qopt::multiplyScales(const TunableScales &scales, llvm::ArrayRef<float> factors) {
  auto weight = cast<qir::DequantizeOp>(scales.weight);
  FloatElements before(constantOf(weight.getScale()));
  std::vector<float> after;
  for (auto [scale, factor] : llvm::zip(before.values(), factors))
    after.push_back(scale * factor);
  OpBuilder b(weight);
  auto type = cast<RankedTensorType>(weight.getScale().getType());
  weight.getScaleMutable().assign(nn::ConstantOp::create(b, weight.getScale().getLoc(), makeElements<float>(type, after, "trained_scale")));
}
