// Turns residual streams by an orthogonal matrix, merged into the weights that write and read them (QuaRot).
#include "LinearInputs.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Analysis/Decisions.h"
#include "qopt/Analysis/Factors.h"
#include "qopt/Analysis/Streams.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Numerics/Quantizers/Hadamard.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/StringSet.h"

#include <functional>
#include <numeric>

namespace qopt {
#define GEN_PASS_DEF_ROTATIONPASS
#include "qopt/Dialect/Qopt/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;

namespace {

/// A constant on its way to a new one.
class Changed {
public:
  explicit Changed(OpOperand &operand)
      : operand(operand), shape(cast<RankedTensorType>(operand.get().getType()).getShape()),
        values(FloatElements(constantOf(operand.get())).values().vec()) {}

  void scale(int64_t axis, ArrayRef<float> factors) {
    multiplyByChannel(values, shape, ChannelMap::along(static_cast<int64_t>(shape.size()), axis, shape[axis]), factors);
  }
  void turn(int64_t axis, const Rotation &rotation) {
    auto product = [](ArrayRef<int64_t> dims) { return std::accumulate(dims.begin(), dims.end(), int64_t(1), std::multiplies<>()); };
    ArrayRef<int64_t> dims = shape;
    rotation.apply(values, product(dims.take_front(axis)), product(dims.drop_front(axis + 1)), poolFor());
  }
  void install() { replaceConstant(operand, shape, values, "rotated"); }

private:
  OpOperand &operand;
  SmallVector<int64_t> shape;
  std::vector<float> values;
};

/// x' = x Q at every point of the stream.
void rotate(const ResidualStream &stream, const Rotation &rotation) {
  for (auto [op, norm] : stream.readers) {
    LinearLikeOpInterface linear = op;
    Changed weight(linear.getWeightOperand());
    if (StreamOpInterface on = norm)
      weight.scale(linear.getWeightInputAxis(), FloatElements(constantOf(on.getStreamScale()->get())).values());
    weight.turn(linear.getWeightInputAxis(), rotation);
    weight.install();
  }
  std::vector<float> ones(stream.size, 1.0f);
  for (StreamOpInterface norm : stream.norms)
    replaceConstant(*norm.getStreamScale(), {stream.size}, ones, "folded");
  for (LinearLikeOpInterface linear : stream.writers) {
    Changed weight(linear.getWeightOperand());
    weight.turn(linear.getWeightOutputAxis(), rotation);
    weight.install();
    for (OpOperand &operand : linear->getOpOperands())
      if (operand.get() == linear.getBiasValue()) {
        Changed bias(operand);
        bias.turn(cast<RankedTensorType>(operand.get().getType()).getRank() - 1, rotation);
        bias.install();
      }
  }
  for (OpOperand *operand : stream.constants) {
    Changed table(*operand);
    table.turn(cast<RankedTensorType>(operand->get().getType()).getRank() - 1, rotation);
    table.install();
  }
}

struct RotationStage : qopt::impl::RotationPassBase<RotationStage> {
  using RotationPassBase::RotationPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::StringSet<> names;
    names.insert(targets.begin(), targets.end());
    DecisionLog log(module);
    for (auto func : module.getOps<func::FuncOp>())
      if (!func.isExternal())
        rotateStreams(func, names, log);
  }

  void rotateStreams(func::FuncOp func, const llvm::StringSet<> &names, DecisionLog &log) {
    std::vector<ResidualStream> streams = residualStreams(func);
    if (streams.empty())
      log.note(func, "ROTATE-NONE", "nothing is rotated: " + whyNone(func));
    for (auto [index, stream] : llvm::enumerate(streams)) {
      std::string why = stream.obstacle.empty() ? outsider(stream, names) : stream.obstacle;
      if (!why.empty()) {
        log.note(stream.norms.empty() ? func.getOperation() : stream.norms.front().getOperation(), "ROTATE-REFUSED",
             "the stream that it normalizes is not rotated: " + why);
        continue;
      }
      Rotation rotation(stream.size, randomized, seed + index);
      rotate(stream, rotation);
      log.note(stream.norms.front(), "ROTATE-DONE",
           "the stream of " + llvm::Twine(stream.size) + " channels that it normalizes was turned by " + rotation.describe() + ": " +
               llvm::Twine(stream.writers.size() + stream.constants.size()) + " writers, " + llvm::Twine(stream.readers.size()) +
               " readers, " + llvm::Twine(stream.norms.size()) + " norms");
    }
  }

  /// The first product of a stream that the request leaves out.
  static std::string outsider(const ResidualStream &stream, const llvm::StringSet<> &names) {
    auto isOut = [&](LinearLikeOpInterface op) { return !names.empty() && !names.contains(nameOf(op)); };
    for (LinearLikeOpInterface op : stream.writers)
      if (isOut(op))
        return "'" + nameOf(op) + "' writes into it and is none of the targets";
    for (const ResidualStream::Reader &reader : stream.readers)
      if (isOut(reader.op))
        return "'" + nameOf(reader.op) + "' reads it and is none of the targets";
    return {};
  }

  /// The model's norms, if it has any, say why none of them will do.
  static std::string whyNone(func::FuncOp func) {
    std::string why;
    func.walk([&](StreamOpInterface op) {
      std::string clause;
      if (why.empty() && op.getStreamScale() && op.getStreamRole(clause) == StreamRole::None)
        why = "there is '" + nameOf(op) + "', but " + clause;
    });
    return why.empty() ? "no RMS norm reads a sum of vectors here, so there is no residual stream" : why;
  }
};

} // namespace
