#include "qopt/Dialect/Qopt/Transforms/Distillation.h"
#include "Losses.h"
#include "Programs.h"
#include "Tunables.h"

#include "qopt/Analysis/Decisions.h"
#include "qopt/Dialect/NN/IR/NN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace qopt;

namespace {

/// The float function, grown into the loss.
class LossProgram {
public:
  LossProgram(func::FuncOp main, func::FuncOp quantized, ArrayRef<Tunable> tunables)
      : main(main), quantized(quantized), tunables(tunables), inputs(main.getNumArguments()), b(main.getContext()) {}

  LogicalResult run(OutputLoss loss) {
    Operation *end = main.getBody().front().getTerminator();
    b.setInsertionPoint(end);
    for (auto [index, one] : llvm::enumerate(tunables)) {
      auto name = b.getNamedAttr("nn.name", b.getStringAttr("tunable" + std::to_string(index)));
      Operation *op = one.op;
      if (failed(main.insertArgument(inputs + index, RankedTensorType::get(one.shape, b.getF32Type()), b.getDictionaryAttr(name), op->getLoc())))
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
    DenseMap<Operation *, std::pair<Value, Value>> parameters; // Factors on scales, what is added to biases.
    for (auto [index, one] : llvm::enumerate(tunables)) {
      Value values = main.getArgument(inputs + index);
      if (one.kind == Tunable::Scales)
        parameters[one.op].first = values;
      else
        parameters[one.op].second = times(values, one.unit);
    }
    for (Operation &op : quantized.getBody().front().without_terminator()) {
      Operation *copy = b.clone(op, copies);
      if (auto found = parameters.find(&op); found != parameters.end())
        copies.map(op.getResult(0), underParameters(cast<LinearLikeOpInterface>(copy), found->second.first, found->second.second));
    }
    for (Value value : quantized.getBody().front().getTerminator()->getOperands())
      results.push_back(copies.lookup(value));
  }

  Value times(Value values, float unit) {
    auto scalar = RankedTensorType::get({}, b.getF32Type());
    Value constant = nn::ConstantOp::create(b, values.getLoc(), DenseElementsAttr::get(scalar, unit));
    return nn::MulOp::create(b, values.getLoc(), values.getType(), values, constant);
  }

  SmallVector<Value> lossesOf(ValueRange wanted, OutputLoss loss) {
    SmallVector<Value> losses;
    DecisionLog log(quantized->getParentOfType<ModuleOp>());
    for (auto [index, pair] : llvm::enumerate(llvm::zip(wanted, results))) {
      auto [one, other] = pair;
      if (!isF32Tensor(one) || one.getType() != other.getType() || cast<RankedTensorType>(one.getType()).getRank() == 0) {
        log.note(quantized, "DISTILL-OUTPUT", "output " + outputName(index) + " does not count in the loss: it is " + spell(one.getType()) +
                 " in the float model and " + spell(other.getType()) + " in the quantized one, and only float32 tensors of one type are compared");
        continue;
      }
      Losses build(b, main.getLoc());
      losses.push_back(loss == OutputLoss::KL ? build.kl(one, other) : build.mse(one, other));
    }
    return losses;
  }

  std::string outputName(unsigned index) {
    auto name = quantized.getResultAttrOfType<StringAttr>(index, "nn.name");
    return name ? name.str() : std::to_string(index);
  }

  static std::string spell(Type type) {
    std::string text;
    llvm::raw_string_ostream(text) << type;
    return text;
  }

  void returnLoss(Value loss, Operation *end) {
    end->setOperands(loss);
    while (main.getNumResults() > 0)
      (void)main.eraseResult(main.getNumResults() - 1);
    (void)main.insertResult(0, loss.getType(), b.getDictionaryAttr(b.getNamedAttr("nn.name", b.getStringAttr("loss"))));
  }

  func::FuncOp main, quantized;
  ArrayRef<Tunable> tunables;
  unsigned inputs;
  OpBuilder b;
  SmallVector<Value> results;
};

} // namespace

FailureOr<OwningOpRef<ModuleOp>> qopt::distillationLoss(ModuleOp reference, ModuleOp quantized, llvm::ArrayRef<Tunable> tunables,
                                                        OutputLoss loss) {
  OwningOpRef<ModuleOp> result = reference.clone();
  func::FuncOp main = mainOf(*result), other = mainOf(quantized);
  if (!main || !other || failed(LossProgram(main, other, tunables).run(loss)))
    return failure();
  return result;
}
