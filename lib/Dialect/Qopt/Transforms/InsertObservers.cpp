#include "qopt/Analysis/Placement.h"
#include "qopt/Analysis/Sites.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Interfaces/LinearLike.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

#include "llvm/ADT/SetVector.h"

namespace qopt {
#define GEN_PASS_DEF_INSERTOBSERVERSPASS
#include "qopt/Dialect/Qopt/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;

namespace {

struct InsertObservers : qopt::impl::InsertObserversPassBase<InsertObservers> {
  using InsertObserversPassBase::InsertObserversPassBase;

  void runOnOperation() override {
    Builder b(&getContext());
    SmallVector<Attribute> names;
    SmallVector<int64_t> axes;
    for (auto func : getOperation().getOps<func::FuncOp>()) {
      if (func.isExternal())
        continue;
      Sites sites(func);
      for (Value value : sites.values())
        if (touchesTable(value) && (only.empty() || llvm::is_contained(only, sites.name(value))))
          {
          observe(value, sites.name(value), names);
          axes.push_back(channelAxis(value));
        }
    }
    getOperation()->setAttr("qopt.sites", b.getArrayAttr(names));
    getOperation()->setAttr("qopt.site_axes", b.getDenseI64ArrayAttr(axes));
  }

  bool touchesTable(Value value) const {
    auto feedsLinear = [&](OpOperand &use) {
      auto linear = dyn_cast<LinearLikeOpInterface>(use.getOwner());
      return linear && (&linear.getActivationOperand() == &use || &linear.getWeightOperand() == &use);
    };
    if (llvm::any_of(value.getUses(), feedsLinear))
      return true;
    if (linearInputsOnly)
      return false;
    auto inTable = [](Operation *op) { return op && placement(op).role != Role::Float; };
    return inTable(value.getDefiningOp()) || llvm::any_of(value.getUsers(), inTable);
  }

  /// The input channels of the linear ops that read the value, for per-channel statistics; -1 where none does, or they differ.
  static int64_t channelAxis(Value value) {
    int64_t axis = -1;
    for (OpOperand &use : value.getUses()) {
      auto linear = dyn_cast<LinearLikeOpInterface>(use.getOwner());
      if (!linear || &linear.getActivationOperand() != &use || !constantWeight(linear))
        continue;
      if (axis >= 0 && axis != linear.getActivationChannelAxis())
        return -1;
      axis = linear.getActivationChannelAxis();
    }
    return axis;
  }

  static void observe(Value value, llvm::StringRef name, SmallVectorImpl<Attribute> &names) {
    OpBuilder builder(value.getContext());
    builder.setInsertionPointAfterValue(value);
    qir::ObserveOp::create(builder, value.getLoc(), value, name, static_cast<int32_t>(names.size()));
    names.push_back(builder.getStringAttr(name));
  }
};

} // namespace
