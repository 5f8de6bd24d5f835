#include "qopt/Codegen/CPU/Passes.h"
#include "qopt/Codegen/CPU/Runtime.h"
#include "qopt/Codegen/Common/Signature.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace qopt {
#define GEN_PASS_DEF_LOWEROBSERVEPASS
#include "qopt/Codegen/CPU/Passes.h.inc"

namespace {

struct LowerObservePass : impl::LowerObservePassBase<LowerObservePass> {
  void runOnOperation() override {
    DenseMap<Type, func::FuncOp> observers;
    auto result = getOperation().walk([&](qir::ObserveOp op) {
      auto tensor = cast<RankedTensorType>(op.getX().getType());
      auto dtype = dtypeOf(tensor.getElementType());
      if (!dtype) {
        op.emitError() << "cannot observe " << tensor << ": its elements are no numbers of the runtime";
        return WalkResult::interrupt();
      }
      lower(op, tensor, *dtype, observers);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  void lower(qir::ObserveOp op, RankedTensorType tensor, DType dtype, DenseMap<Type, func::FuncOp> &observers) {
    OpBuilder builder(op);
    SmallVector<int64_t> strides(tensor.getRank(), ShapedType::kDynamic);
    auto layout = StridedLayoutAttr::get(&getContext(), ShapedType::kDynamic, strides);
    auto type = MemRefType::get(tensor.getShape(), tensor.getElementType(), layout);
    func::FuncOp &observer = observers[type];
    if (!observer) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToEnd(getOperation().getBody());
      observer = func::FuncOp::create(builder, op.getLoc(), ("qopt_observe_" + Twine(observers.size() - 1)).str(),
                                      builder.getFunctionType({type, builder.getI32Type()}, {}));
      observer.setPrivate();
      observer->setAttr(observeAttrName, builder.getI32IntegerAttr(static_cast<int32_t>(dtype)));
      observer->setAttr(cpu::needsContextAttrName, builder.getUnitAttr());
    }
    Value buffer = bufferization::ToBufferOp::create(builder, op.getLoc(), type, op.getX(), /*read_only=*/true);
    Value site = arith::ConstantIntOp::create(builder, op.getLoc(), op.getIndex(), 32);
    func::CallOp::create(builder, op.getLoc(), observer, ValueRange{buffer, site});
    op.erase();
  }
};

} // namespace
} // namespace qopt
