// Makes the channels between two linear ops alike in range, without data (cross-layer equalization).
#include "qopt/Analysis/Constants.h"
#include "qopt/Analysis/Decisions.h"
#include "qopt/Analysis/Factors.h"
#include "qopt/Analysis/Sites.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Numerics/Quantizers/Equalize.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

namespace qopt {
#define GEN_PASS_DEF_EQUALIZATIONPASS
#include "qopt/Dialect/Qopt/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;

namespace {

/// Sweeps end where no factor differs from one by more.
constexpr float kSettled = 0.01f;

/// Linear ops that read one value, and how that can be multiplied by changing the constants before it.
struct Pair {
  SmallVector<LinearLikeOpInterface> readers;
  FactorPlan plan;
  std::vector<float> factors; ///< what each channel was divided by, so far
};

/// Constants as they are changed; each is written once, at the end.
struct Tensor {
  SmallVector<int64_t> shape;
  std::vector<float> values;
};

/// A weight among a plan's constants, as opposed to a bias or a scale.
bool isWeight(OpOperand *operand) {
  auto linear = dyn_cast<LinearLikeOpInterface>(operand->getOwner());
  return linear && &linear.getWeightOperand() == operand;
}

class Equalizer {
public:
  Equalizer(func::FuncOp func, const llvm::StringSet<> &targets, DecisionLog &log) : func(func), targets(targets), log(log) {}

  void run(int64_t sweeps) {
    findPairs();
    for (int64_t sweep = 0; sweep < sweeps; ++sweep) {
      float most = 1;
      for (Pair &pair : pairs)
        most = std::max(most, equalize(pair));
      if (most < 1 + kSettled)
        break;
    }
    for (auto &[operand, tensor] : tensors)
      replaceConstant(*operand, tensor.shape, tensor.values, "equalized");
    for (const Pair &pair : pairs)
      tell(pair);
  }

private:
  bool isTarget(Operation *op) const { return targets.empty() || targets.contains(nameOf(op)); }

  void findPairs() {
    llvm::MapVector<Value, SmallVector<LinearLikeOpInterface>> groups;
    func.walk([&](LinearLikeOpInterface op) {
      if (constantWeight(op) && isTarget(op))
        groups[op.getActivationOperand().get()].push_back(op);
    });
    for (auto &[value, readers] : groups) {
      std::string why;
      if (auto plan = pairOf(value, readers, why)) {
        Pair pair{readers, std::move(*plan), {}};
        take(pair);
        pairs.push_back(std::move(pair));
      } else
        for (LinearLikeOpInterface op : readers)
          log.note(op, "EQUAL-REFUSED", "its input channels are not equalized: " + why);
    }
  }

  std::optional<FactorPlan> pairOf(Value value, ArrayRef<LinearLikeOpInterface> readers, std::string &why) const {
    SmallVector<Operation *> ops;
    int64_t axis = LinearLikeOpInterface(readers.front()).getActivationChannelAxis();
    for (LinearLikeOpInterface op : readers) {
      ops.push_back(op);
      if (!constantWeight(op).getElementType().isF32() || op.getWeightInputAxis() < 0 || op.getWeightOutputAxis() < 0)
        why = "its weight is not a float32 matrix or filter";
      if (op.getActivationChannelAxis() != axis)
        why = "what reads its input has channels along other dims";
    }
    auto plan = why.empty() ? planFactors(value, axis, ops, why) : std::nullopt;
    if (!plan)
      return plan;
    int64_t weights = 0;
    for (auto &[operand, map] : plan->constants) {
      weights += isWeight(operand);
      if (!isTarget(operand->getOwner()) && isWeight(operand))
        why = "'" + nameOf(operand->getOwner()) + "' before it is none of the targets";
    }
    if (weights == 0)
      why = "no product or convolution stands before it";
    for (auto &[operand, map] : plan->constants)
      for (float value : FloatElements(constantOf(operand->get())).values())
        if (!std::isfinite(value))
          why = "'" + nameOf(operand->getOwner()) + "' has a weight that is not finite";
    return why.empty() ? std::move(plan) : std::nullopt;
  }

  void take(Pair &pair) {
    auto read = [&](OpOperand &operand) {
      FloatElements elements(constantOf(operand.get()));
      ArrayRef<int64_t> shape = cast<RankedTensorType>(operand.get().getType()).getShape();
      tensors.insert({&operand, Tensor{SmallVector<int64_t>(shape), elements.values().vec()}});
    };
    for (auto &[operand, map] : pair.plan.constants)
      read(*operand);
    for (LinearLikeOpInterface op : pair.readers)
      read(op.getWeightOperand());
    int64_t axis = pair.readers.front().getActivationChannelAxis();
    auto type = cast<RankedTensorType>(pair.readers.front().getActivationOperand().get().getType());
    pair.factors.assign(type.getDimSize(axis), 1.0f);
  }

  /// One step; returns how far the factors are from one.
  float equalize(Pair &pair) {
    std::vector<float> before(pair.factors.size(), 0.0f), after = before;
    for (auto &[operand, map] : pair.plan.constants)
      if (isWeight(operand))
        addAbsMax(tensors[operand].values, tensors[operand].shape, map, before);
    for (LinearLikeOpInterface op : pair.readers) {
      Tensor &weight = tensors[&op.getWeightOperand()];
      addAbsMax(weight.values, weight.shape, inputChannels(op), after);
    }
    std::vector<float> factors = equalizationScales(before, after), inverse;
    float most = 1;
    for (auto [total, factor] : llvm::zip(pair.factors, factors)) {
      inverse.push_back(1.0f / factor);
      total *= factor;
      most = std::max({most, factor, inverse.back()});
    }
    for (auto &[operand, map] : pair.plan.constants)
      multiplyByChannel(tensors[operand].values, tensors[operand].shape, map, inverse);
    for (LinearLikeOpInterface op : pair.readers) {
      Tensor &weight = tensors[&op.getWeightOperand()];
      multiplyByChannel(weight.values, weight.shape, inputChannels(op), factors);
    }
    return most;
  }

  void tell(const Pair &pair) {
    std::string before;
    for (auto &[operand, map] : pair.plan.constants)
      if (isWeight(operand))
        before += (before.empty() ? "'" : "', '") + nameOf(operand->getOwner());
    auto [least, most] = std::minmax_element(pair.factors.begin(), pair.factors.end());
    for (LinearLikeOpInterface op : pair.readers)
      log.note(op, "EQUAL-DONE", llvm::formatv("its {0} input channels were equalized with the outputs of {1}' by factors from {2:f2} to {3:f2}",
                                                pair.factors.size(), before, *least, *most).str());
  }

  func::FuncOp func;
  const llvm::StringSet<> &targets;
  DecisionLog &log;
  std::vector<Pair> pairs;
  llvm::MapVector<OpOperand *, Tensor> tensors;
};

struct Equalization : qopt::impl::EqualizationPassBase<Equalization> {
  using EqualizationPassBase::EqualizationPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (sweeps < 1) {
      module.emitError("qopt-equalization: sweeps is ") << sweeps.getValue() << "; it must be at least 1";
      return signalPassFailure();
    }
    llvm::StringSet<> names;
    names.insert(targets.begin(), targets.end());
    DecisionLog log(module);
    for (auto func : module.getOps<func::FuncOp>())
      if (!func.isExternal())
        Equalizer(func, names, log).run(sweeps);
  }
};

} // namespace
