// Which values are on a path from the arguments to the loss, and the walk back along these paths.
#include "qopt/Dialect/NN/Transforms/Gradient.h"

#include "GradientImpl.h"
#include "qopt/Dialect/NN/Transforms/Passes.h"

namespace qopt {
#define GEN_PASS_DEF_NNGRADIENT
#include "qopt/Dialect/NN/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;
using namespace qopt::nn;

namespace {

const GradientTable &rules() {
  static const GradientTable table = [] {
    GradientTable made;
    addActivationGradients(made);
    addConvGradients(made);
    addElementwiseGradients(made);
    addLinearGradients(made);
    addMoveGradients(made);
    addPoolGradients(made);
    addQuantGradients(made);
    addReduceGradients(made);
    return made;
  }();
  return table;
}

/// Everything that the op reads, in its regions too.
void forEachOperand(Operation &op, llvm::function_ref<void(Value)> use) {
  op.walk([&](Operation *inner) { llvm::for_each(inner->getOperands(), use); });
}

bool hasActiveResult(Operation &op, const llvm::DenseSet<Value> &active) {
  return llvm::any_of(op.getResults(), [&](Value result) { return active.contains(result); });
}

/// The values that depend on those given, and on which the loss depends.
llvm::DenseSet<Value> activeValues(Block &body, ArrayRef<Value> values, Value loss) {
  llvm::DenseSet<Value> dependent(values.begin(), values.end()), active;
  for (Operation &op : body) {
    bool depends = false;
    forEachOperand(op, [&](Value operand) { depends |= dependent.contains(operand); });
    if (depends && !rules().isStop(&op))
      dependent.insert(op.result_begin(), op.result_end());
  }
  if (dependent.contains(loss))
    active.insert(loss);
  for (Operation &op : llvm::reverse(body))
    if (hasActiveResult(op, active))
      forEachOperand(op, [&](Value operand) {
        if (dependent.contains(operand))
          active.insert(operand);
      });
  return active;
}

LogicalResult walkBack(ArrayRef<Operation *> ops, Gradients &gradients) {
  for (Operation *op : llvm::reverse(ops)) {
    const GradientRule *rule = rules().find(op);
    if (!rule)
      return op->emitOpError("is on a path from an argument to the loss, and has no gradient");
    gradients.begin(op);
    (*rule)(op, gradients);
    if (!gradients.error.empty())
      return op->emitOpError("has no gradient: ") << gradients.error;
    if (auto operand = gradients.unanswered(op))
      return op->emitOpError("has no gradient with respect to operand ") << *operand << " for these types and attributes";
  }
  return success();
}

LogicalResult check(func::FuncOp func) {
  if (!func.getBody().hasOneBlock())
    return func.emitOpError("cannot be differentiated: it needs a body of one block");
  auto loss = func.getNumResults() ? dyn_cast<RankedTensorType>(func.getResultTypes()[0]) : RankedTensorType();
  if (!loss || loss.getRank() != 0 || !loss.getElementType().isF32())
    return func.emitOpError("cannot be differentiated: its first result must be a loss, tensor<f32>");
  return success();
}

LogicalResult checkArguments(func::FuncOp func, ArrayRef<unsigned> arguments) {
  for (unsigned argument : arguments) {
    if (argument >= func.getNumArguments())
      return func.emitOpError("has no argument ") << argument << " to differentiate with respect to";
    auto type = dyn_cast<RankedTensorType>(func.getArgumentTypes()[argument]);
    if (!type || !isa<FloatType>(type.getElementType()))
      return func.emitOpError("cannot be differentiated with respect to argument ")
             << argument << " of type " << func.getArgumentTypes()[argument] << ": it must be a ranked tensor of floats";
  }
  return success();
}

/// Rules take it that types say what the operands make.
LogicalResult inferTypes(ArrayRef<Operation *> ops) {
  for (Operation *op : ops) {
    std::string error;
    if (failed(refineResultTypes(op, error)))
      return op->emitOpError() << error;
  }
  return success();
}

/// The gradient as a result, named after its argument.
LogicalResult append(func::FuncOp func, unsigned argument, Value gradient) {
  NamedAttrList attrs;
  if (auto name = func.getArgAttrOfType<StringAttr>(argument, "nn.name"))
    attrs.set("nn.name", StringAttr::get(func.getContext(), "gradient." + name.getValue()));
  if (Attribute dims = func.getArgAttr(argument, "nn.dims"))
    attrs.set("nn.dims", dims);
  Operation *exit = func.front().getTerminator();
  exit->insertOperands(exit->getNumOperands(), gradient);
  return func.insertResult(func.getNumResults(), gradient.getType(), attrs.getDictionary(func.getContext()));
}

struct NNGradient : qopt::impl::NNGradientBase<NNGradient> {
  using NNGradientBase::NNGradientBase;

  void runOnOperation() override {
    bool isFound = false;
    for (func::FuncOp func : getOperation().getOps<func::FuncOp>()) {
      bool isMeant = function.empty() ? func.getNumResults() && func.getResultTypes()[0] == lossType() : func.getName() == function;
      if (!isMeant)
        continue;
      isFound = true;
      if (failed(appendGradients(func, llvm::to_vector(arguments))))
        return signalPassFailure();
    }
    if (!isFound) {
      getOperation().emitError() << "nn-gradient: there is no function "
                                 << (function.empty() ? "whose first result is a loss, tensor<f32>" : "'" + function + "'");
      signalPassFailure();
    }
  }

  Type lossType() { return RankedTensorType::get({}, Float32Type::get(&getContext())); }
};

} // namespace

/// Adds the walk back at the end of the body. What it has to give is asked for while `exit` is the last op.
static FailureOr<SmallVector<Value>> differentiate(func::FuncOp func, ArrayRef<Value> values) {
  Block &body = func.front();
  Operation *exit = body.getTerminator();
  llvm::DenseSet<Value> active = activeValues(body, values, exit->getOperand(0));
  for (Operation &op : llvm::make_early_inc_range(body))
    if (!hasActiveResult(op, active))
      continue;
    else if (auto product = dyn_cast<MatMulOp>(op); product && active.contains(product.getB()))
      flattenProduct(product);
    else if (auto attention = dyn_cast<AttentionOp>(op))
      openAttention(attention);

  Value loss = exit->getOperand(0); // What was on the way may have been made anew.
  active = activeValues(body, values, loss);
  SmallVector<Operation *> ops;
  for (Operation &op : body)
    if (hasActiveResult(op, active) && !op.hasTrait<OpTrait::ConstantLike>())
      ops.push_back(&op);
  if (failed(inferTypes(ops)))
    return failure();
  Gradients gradients(exit, active);
  if (active.contains(loss))
    gradients.seed(loss);
  if (failed(walkBack(ops, gradients)))
    return failure();
  gradients.loc = func.getLoc();
  SmallVector<Value> found;
  for (Value value : values) {
    Value gradient = gradients.of(value);
    if (gradient.getType() != value.getType()) {
      gradient = gradients.reshapeLike(gradient, value);
      gradient.setType(cast<RankedTensorType>(value.getType()));
    }
    found.push_back(gradient);
  }
  return found;
}

FailureOr<SmallVector<Value>> qopt::addGradients(func::FuncOp func, ArrayRef<Value> values) {
  if (failed(check(func)))
    return failure();
  return differentiate(func, values);
}

LogicalResult qopt::appendGradients(func::FuncOp func, ArrayRef<unsigned> arguments) {
  if (failed(check(func)) || failed(checkArguments(func, arguments)))
    return failure();
  auto values = llvm::map_to_vector(arguments, [&](unsigned argument) -> Value { return func.getArgument(argument); });
  auto gradients = differentiate(func, values);
  if (failed(gradients))
    return failure();
  for (auto [argument, gradient] : llvm::zip(arguments, *gradients))
    if (failed(append(func, argument, gradient)))
      return failure();
  func.setType(FunctionType::get(func.getContext(), func.getArgumentTypes(), func.front().getTerminator()->getOperandTypes()));
  return success();
}
