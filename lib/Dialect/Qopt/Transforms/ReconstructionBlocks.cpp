// Where a program can be cut, and which weights lie between the cuts.
#include "Programs.h"
#include "QuantizeWeights.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Analysis/Decisions.h"
#include "qopt/Analysis/Sites.h"
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Dialect/Qopt/Transforms/Reconstruction.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace qopt;

namespace {

/// The ops of a body that compute with what varies, without those of quantization: the same ones in a float program and in what passes have
/// made of it.
std::vector<Operation *> computingOps(Block &body) {
  llvm::DenseSet<Operation *> constant;
  std::vector<Operation *> ops;
  for (Operation &op : body.without_terminator()) {
    bool varies = op.getNumOperands() > 0 && !llvm::all_of(op.getOperands(), [&](Value operand) { return constant.contains(operand.getDefiningOp()); });
    if (!varies)
      constant.insert(&op);
    else if (!isa<qir::QoptDialect>(op.getDialect()))
      ops.push_back(&op);
  }
  return ops;
}

/// Which value of the quantized program stands for which of the float one.
class Counterparts {
public:
  Counterparts(func::FuncOp reference, func::FuncOp quantized) : ops(computingOps(reference.front())) {
    std::vector<Operation *> others = computingOps(quantized.front());
    areSame = ops.size() == others.size() && reference.getNumArguments() == quantized.getNumArguments();
    for (size_t i = 0; areSame && i < ops.size(); ++i) {
      areSame = ops[i]->getName() == others[i]->getName() && ops[i]->getNumResults() == others[i]->getNumResults();
      of[ops[i]] = others[i];
    }
  }

  bool same() const { return areSame; }
  ArrayRef<Operation *> referenceOps() const { return ops; }
  Operation *operator()(Operation *op) const { return of.lookup(op); }
  Value operator()(Value value) const {
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      auto quantized = of.begin()->second->getParentOfType<func::FuncOp>();
      return quantized.getArgument(argument.getArgNumber());
    }
    return of.lookup(value.getDefiningOp())->getResult(cast<OpResult>(value).getResultNumber());
  }

private:
  std::vector<Operation *> ops;
  DenseMap<Operation *, Operation *> of;
  bool areSame = false;
};

/// The weight of an op of the quantized program, where it can be trained.
std::optional<TrainableWeight> trainable(LinearLikeOpInterface original, LinearLikeOpInterface op) {
  qir::DequantizeOp weight = quantizedWeight(op);
  ElementsAttr values = constantWeight(original);
  if (!weight || !values || !FloatElements(values).valid() || !hasTrainableScales(weight))
    return std::nullopt;
  bool isPlain = (!weight.getZeroPoint() || constantOf(weight.getZeroPoint())) &&
                 values.getShapedType().getShape() == cast<RankedTensorType>(weight.getX().getType()).getShape();
  return isPlain ? std::optional(TrainableWeight{op, weight, values}) : std::nullopt;
}

/// Walks over a program, and knows at each op which tensors of the trained ops' stream are still to be read.
class Cutter {
public:
  Cutter(Block &body, const llvm::DenseSet<Operation *> &trained) : body(body), trained(trained), ops(computingOps(body)) {
    for (auto [index, op] : llvm::enumerate(ops)) {
      position[op] = index;
      if (trained.contains(op))
        stream.insert(cast<LinearLikeOpInterface>(op).getActivationOperand().get());
    }
    for (BlockArgument argument : body.getArguments())
      define(argument);
  }

  std::vector<BlockOutline> run() {
    for (auto [index, op] : llvm::enumerate(ops)) {
      if (trained.contains(op)) {
        if (cut)
          end(cut);
        growing.push_back(op);
        stream.insert(op->result_begin(), op->result_end());
      }
      pass(op, index);
      if (!growing.empty() && live.size() == 1 && isF32Tensor(live.front()) && cast<RankedTensorType>(live.front().getType()).getRank() > 0)
        cut = live.front();
    }
    if (cut)
      end(cut);
    else if (!growing.empty())
      end(live.getArrayRef());
    return std::move(blocks);
  }

private:
  size_t lastUse(Value value) {
    size_t last = 0;
    for (Operation *user : value.getUsers()) {
      auto found = position.find(body.findAncestorOpInBlock(*user));
      last = std::max(last, found == position.end() ? position.size() : found->second); // The terminator reads last.
    }
    return last;
  }

  void define(Value value) {
    if (stream.contains(value) && !value.use_empty()) {
      live.insert(value);
      readLast[lastUse(value)].push_back(value);
    }
  }

  void pass(Operation *op, size_t index) {
    bool depends = llvm::any_of(op->getOperands(), [&](Value operand) { return stream.contains(operand); });
    for (Value result : op->getResults()) {
      if (depends)
        stream.insert(result);
      define(result);
    }
    for (Value value : readLast[index])
      live.remove(value);
  }

  void end(ArrayRef<Value> outputs) {
    blocks.push_back({std::move(growing), llvm::to_vector(outputs)});
    growing.clear();
    cut = {};
  }

  Block &body;
  const llvm::DenseSet<Operation *> &trained;
  std::vector<Operation *> ops;
  DenseMap<Operation *, size_t> position;
  llvm::DenseSet<Value> stream;        ///< what trained ops read, and all that depends on it
  llvm::SmallSetVector<Value, 8> live; ///< of the stream: made, and still to be read
  std::map<size_t, SmallVector<Value>> readLast;
  std::vector<Operation *> growing;    ///< ops of the block that is not ended yet
  Value cut;                           ///< the last place since the last of them where it could end
  std::vector<BlockOutline> blocks;
};

} // namespace

std::vector<BlockOutline> qopt::blockOutlines(Block &body, const llvm::DenseSet<Operation *> &trained) { return Cutter(body, trained).run(); }

FailureOr<std::vector<ReconstructionBlock>> qopt::reconstructionBlocks(ModuleOp reference, ModuleOp quantized, const llvm::StringSet<> &names) {
  func::FuncOp main = mainOf(reference), other = mainOf(quantized);
  if (!main || !other)
    return quantized.emitError("has no function @main that could be reconstructed");
  Counterparts counterparts(main, other);
  if (!counterparts.same())
    return other.emitError("cannot be reconstructed: passes have changed more of it than its quantization");
  DecisionLog log(quantized);
  DenseMap<Operation *, TrainableWeight> weights;
  llvm::DenseSet<Operation *> trained;
  for (Operation *op : counterparts.referenceOps()) {
    auto linear = dyn_cast<LinearLikeOpInterface>(op);
    auto copy = linear ? cast<LinearLikeOpInterface>(counterparts(op)) : LinearLikeOpInterface();
    if (!copy || !quantizedWeight(copy) || !(names.empty() || names.contains(nameOf(op))))
      continue;
    if (auto weight = trainable(linear, copy)) {
      weights[op] = *weight;
      trained.insert(op);
    } else {
      log.note(copy, "RECON-SKIPPED", "its weight's codes stay as they are: only integers under float32 scales, read by one op, can be trained");
    }
  }
  std::vector<ReconstructionBlock> blocks;
  SmallVector<Value> inputs, ownInputs;
  for (BlockOutline &outline : blockOutlines(main.front(), trained)) {
    ReconstructionBlock block{{}, inputs, ownInputs, std::move(outline.outputs), {}};
    for (Operation *op : outline.ops)
      block.weights.push_back(weights.lookup(op));
    for (Value output : block.exactOutputs)
      block.outputs.push_back(counterparts(output));
    inputs = block.exactOutputs, ownInputs = block.outputs;
    blocks.push_back(std::move(block));
  }
  return blocks;
}
