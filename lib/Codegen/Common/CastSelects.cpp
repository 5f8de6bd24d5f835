#include "qopt/Codegen/Common/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace qopt {
#define GEN_PASS_DEF_CASTSELECTSPASS
#include "qopt/Codegen/Common/Passes.h.inc"

namespace {

struct CastSelectsPass : impl::CastSelectsPassBase<CastSelectsPass> {
  void runOnOperation() override {
    SmallVector<arith::SelectOp> selects;
    getOperation().walk([&](arith::SelectOp select) {
      if (select.getType().isIndex())
        selects.push_back(select);
    });
    for (arith::SelectOp select : selects) {
      OpBuilder builder(select);
      Location loc = select.getLoc();
      Type i64 = builder.getI64Type();
      Value yes = arith::IndexCastOp::create(builder, loc, i64, select.getTrueValue());
      Value no = arith::IndexCastOp::create(builder, loc, i64, select.getFalseValue());
      Value chosen = arith::SelectOp::create(builder, loc, select.getCondition(), yes, no);
      select.replaceAllUsesWith(arith::IndexCastOp::create(builder, loc, select.getType(), chosen).getResult());
      select.erase();
    }
  }
};

} // namespace
} // namespace qopt
