#include "qopt/Analysis/Streams.h"
#include "qopt/Analysis/Constants.h"
#include "qopt/Analysis/Sites.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"

#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace qopt;

namespace {

std::string quoted(Operation *op) { return "'" + nameOf(op) + "'"; }

int64_t lastSize(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() > 0 && type.getElementType().isF32() ? type.getShape().back() : ShapedType::kDynamic;
}

/// A product with a constant from the right: vectors along the last dim in, vectors along the last dim out.
bool multipliesVectors(LinearLikeOpInterface op) {
  ElementsAttr weight = op ? constantWeight(op) : ElementsAttr();
  auto type = dyn_cast<RankedTensorType>(op ? op.getActivationOperand().get().getType() : Type());
  return weight && type && weight.getElementType().isF32() && op.getWeightOutputAxis() >= 0 && op.getWeightInputAxis() >= 0 &&
         op.getChannelGroups() == 1 && op.getActivationChannelAxis() == type.getRank() - 1;
}

/// Closes over everything that one value is summed from and goes into.
class Closure {
public:
  ResidualStream of(StreamOpInterface norm) {
    stream.size = lastSize(norm->getOperand(0));
    if (ShapedType::isDynamic(stream.size))
      stop(norm, "has channels whose number is not known");
    add(norm->getOperand(0));
    while (!work.empty()) { // On past an obstacle, so that all norms of one stream are known.
      Value value = work.pop_back_val();
      comesFrom(value);
      for (OpOperand &use : value.getUses())
        goesTo(use);
    }
    return std::move(stream);
  }

private:
  void add(Value value) {
    if (seen.insert(value).second)
      work.push_back(value);
  }

  void stop(Operation *op, const llvm::Twine &clause) {
    if (!stream.obstacle.empty())
      return;
    stream.obstacle = op->hasTrait<OpTrait::ReturnLike>() ? "it is a result of the model" : (quoted(op) + " " + clause).str();
  }

  void comesFrom(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op) {
      if (stream.obstacle.empty())
        stream.obstacle = "an input of the model enters it";
      return;
    }
    if (auto linear = dyn_cast<LinearLikeOpInterface>(op)) {
      if (!multipliesVectors(linear))
        return stop(op, "writes into it, and has no constant weight to turn");
      stream.writers.push_back(linear);
      if (Value bias = linear.getBiasValue(); bias && (!constantOf(bias) || lastSize(bias) != stream.size))
        stop(op, "adds a bias that is computed, or one for all channels");
      return;
    }
    enter(op, "writes into it");
  }

  /// Sums and moves: all that goes in belongs to the stream, and so does what comes out.
  void enter(Operation *op, llvm::StringRef verb) {
    auto carrier = dyn_cast<StreamOpInterface>(op);
    std::string why;
    if (!carrier || carrier.getStreamRole(why) != StreamRole::Carries || op->getNumResults() != 1)
      return stop(op, verb + (why.empty() ? llvm::Twine(" as ") + op->getName().getStringRef() : ": " + llvm::Twine(why)));
    add(op->getResult(0));
    if (!entered.insert(op).second)
      return;
    for (OpOperand *operand : carrier.getStreamOperands()) {
      if (!constantOf(operand->get()))
        add(operand->get());
      else if (lastSize(operand->get()) == stream.size)
        stream.constants.push_back(operand);
      else
        stop(op, "adds a constant that is no vector of its channels");
    }
  }

  void goesTo(OpOperand &use) {
    Operation *op = use.getOwner();
    if (auto linear = dyn_cast<LinearLikeOpInterface>(op))
      return read(linear, use, {});
    auto on = dyn_cast<StreamOpInterface>(op);
    std::string why;
    StreamRole role = on ? on.getStreamRole(why) : StreamRole::None;
    if (role == StreamRole::Ignores)
      return;
    if (role != StreamRole::Normalizes)
      return enter(op, "reads it");
    if (!constantOf(on.getStreamScale()->get()))
      return stop(op, "has a computed scale");
    stream.norms.push_back(on);
    for (OpOperand &normed : op->getResult(0).getUses())
      readNormed(on, normed);
  }

  void readNormed(StreamOpInterface norm, OpOperand &use) {
    std::string why;
    if (auto linear = dyn_cast<LinearLikeOpInterface>(use.getOwner()))
      return read(linear, use, norm);
    auto on = dyn_cast<StreamOpInterface>(use.getOwner());
    if (!on || on.getStreamRole(why) != StreamRole::Ignores)
      stop(use.getOwner(), "reads its norm " + quoted(norm) + " and is no product with a constant weight");
  }

  void read(LinearLikeOpInterface op, OpOperand &use, StreamOpInterface norm) {
    if (!multipliesVectors(op) || &op.getActivationOperand() != &use)
      return stop(op, "reads it, and has no constant weight to turn");
    stream.readers.push_back({op, norm});
  }

  ResidualStream stream;
  SmallVector<Value> work;
  llvm::DenseSet<Value> seen;
  llvm::DenseSet<Operation *> entered;
};

} // namespace

std::vector<ResidualStream> qopt::residualStreams(FunctionOpInterface func) {
  std::vector<ResidualStream> streams;
  llvm::DenseSet<Operation *> known;
  func.walk([&](StreamOpInterface op) {
    std::string why;
    if (op.getStreamRole(why) != StreamRole::Normalizes || !known.insert(op).second)
      return;
    streams.push_back(Closure().of(op));
    known.insert(streams.back().norms.begin(), streams.back().norms.end());
  });
  return streams;
}
