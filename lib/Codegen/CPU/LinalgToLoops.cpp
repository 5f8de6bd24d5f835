#include "LoopOrder.h"
#include "qopt/Codegen/CPU/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace qopt {
#define GEN_PASS_DEF_LINALGTOLOOPSPASS
#include "qopt/Codegen/CPU/Passes.h.inc"

namespace {

/// Writes the loops of one op.
class LoopWriter {
public:
  LoopWriter(linalg::GenericOp op, int64_t chunkCost)
      : op(op), chunkCost(chunkCost), order(cpu::chooseLoopOrder(op)), builder(op), loc(op.getLoc()),
        ivs(op.getNumLoops()) {}

  void write() {
    zero = arith::ConstantIndexOp::create(builder, loc, 0);
    one = arith::ConstantIndexOp::create(builder, loc, 1);
    for (Range range : cast<linalg::LinalgOp>(op.getOperation()).createLoopRanges(builder, loc))
      sizes.push_back(range.size);
    allowReassociation();
    bool nested = op->getParentOfType<scf::ParallelOp>() || op->getParentOfType<scf::ForallOp>();
    if (nested || order.parallel == 0 || isSmall())
      writeSerial(!nested);
    else
      writeParallel();
    op.erase();
  }

private:
  Value size(unsigned dim) { return getValueOrCreateConstantIndexOp(builder, loc, sizes[dim]); }

  bool isSmall() {
    int64_t cost = cpu::bodyCost(op);
    for (OpFoldResult size : sizes) {
      auto fixed = getConstantIntValue(size);
      if (!fixed)
        return false;
      cost *= std::max<int64_t>(*fixed, 1);
      if (cost > chunkCost)
        return false;
    }
    return true;
  }

  Value multiply(Value a, Value b) { return builder.createOrFold<arith::MulIOp>(loc, a, b); }

  /// Chunks of `grain` iterations of the merged outer loops.
  void writeParallel() {
    Value units = one, work = arith::ConstantIndexOp::create(builder, loc, cpu::bodyCost(op));
    for (auto [position, dim] : llvm::enumerate(order.dims))
      position < order.parallel ? units = multiply(units, size(dim)) : work = multiply(work, size(dim));
    Value target = arith::ConstantIndexOp::create(builder, loc, chunkCost);
    work = builder.createOrFold<arith::MaxUIOp>(loc, work, one);
    Value grain = builder.createOrFold<arith::CeilDivUIOp>(loc, target, work);
    Value chunks = builder.createOrFold<arith::CeilDivUIOp>(loc, units, grain);
    auto loop = scf::ParallelOp::create(builder, loc, zero, chunks, one);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    Value begin = multiply(loop.getInductionVars()[0], grain);
    Value end = arith::MinUIOp::create(builder, loc, arith::AddIOp::create(builder, loc, begin, grain), units);
    auto inner = scf::ForOp::create(builder, loc, begin, end, one);
    builder.setInsertionPointToStart(inner.getBody());
    splitIndex(inner.getInductionVar());
    writeLoops(order.parallel, {});
  }

  /// The merged index back into the outer dims.
  void splitIndex(Value index) {
    for (unsigned position = order.parallel; position-- > 0;) {
      unsigned dim = order.dims[position];
      ivs[dim] = position == 0 ? index : arith::RemUIOp::create(builder, loc, index, size(dim)).getResult();
      if (position > 0)
        index = arith::DivUIOp::create(builder, loc, index, size(dim));
    }
  }

  void writeSerial(bool atTop) {
    Operation *before = op->getPrevNode();
    writeLoops(0, {});
    if (!atTop)
      return;
    for (Operation *written = before ? before->getNextNode() : &op->getBlock()->front(); written != op;
         written = written->getNextNode())
      // A reduction of everything to one value is not worth a function.
      if (isa<scf::ForOp>(written) && written->getNumResults() == 0)
        written->setAttr("qopt.kernel", builder.getUnitAttr());
  }

  /// Loops from `position` inwards; `carried` are the reduced values once they are in registers.
  SmallVector<Value> writeLoops(unsigned position, SmallVector<Value> carried) {
    unsigned firstInRegisters = order.dims.size() - order.inRegisters;
    bool entersRegisters = position == firstInRegisters && order.inRegisters > 0;
    if (entersRegisters)
      for (OpOperand &init : op.getDpsInitsMutable())
        carried.push_back(load(init));
    SmallVector<Value> results;
    if (position == order.dims.size()) {
      results = writeBody(carried);
    } else {
      unsigned dim = order.dims[position];
      auto loop = scf::ForOp::create(builder, loc, zero, size(dim), one, carried);
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(loop.getBody());
      ivs[dim] = loop.getInductionVar();
      SmallVector<Value> inner = writeLoops(position + 1, llvm::to_vector_of<Value>(loop.getRegionIterArgs()));
      if (!carried.empty()) {
        builder.setInsertionPointToEnd(loop.getBody());
        scf::YieldOp::create(builder, loc, inner);
      }
      results = loop.getResults();
    }
    if (entersRegisters) {
      for (auto [init, value] : llvm::zip(op.getDpsInitsMutable(), results))
        store(init, value);
      results.clear();
    }
    return results;
  }

  SmallVector<Value> indices(OpOperand &operand) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    SmallVector<Value> result;
    for (AffineExpr expr : map.getResults()) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      auto single = AffineMap::get(map.getNumDims(), 0, expr);
      result.push_back(dim ? ivs[dim.getPosition()]
                           : affine::AffineApplyOp::create(builder, loc, single, ivs).getResult());
    }
    return result;
  }

  Value load(OpOperand &operand) {
    if (!isa<MemRefType>(operand.get().getType()))
      return operand.get();
    return memref::LoadOp::create(builder, loc, operand.get(), indices(operand));
  }
  void store(OpOperand &operand, Value value) {
    memref::StoreOp::create(builder, loc, value, operand.get(), indices(operand));
  }

  /// The op's body once. The new values are returned when the old ones were carried, else stored.
  SmallVector<Value> writeBody(ArrayRef<Value> carried) {
    Block *body = op.getBody();
    IRMapping mapping;
    for (OpOperand &operand : op->getOpOperands()) {
      BlockArgument argument = op.getMatchingBlockArgument(&operand);
      if (argument.use_empty())
        continue;
      bool inRegister = op.isDpsInit(&operand) && !carried.empty();
      mapping.map(argument, inRegister ? carried[argument.getArgNumber() - op.getNumDpsInputs()] : load(operand));
    }
    for (Operation &inner : body->without_terminator()) {
      if (auto index = dyn_cast<linalg::IndexOp>(inner))
        mapping.map(index.getResult(), ivs[index.getDim()]);
      else
        cloneWithIndices(inner, mapping);
    }
    SmallVector<Value> results;
    for (Value yielded : body->getTerminator()->getOperands())
      results.push_back(mapping.lookupOrDefault(yielded));
    if (carried.empty())
      for (auto [init, value] : llvm::zip(op.getDpsInitsMutable(), results))
        store(init, value);
    return results;
  }

  /// `linalg.index` may also stand in the regions of the body's ops.
  void cloneWithIndices(Operation &inner, IRMapping &mapping) {
    Operation *clone = builder.clone(inner, mapping);
    clone->walk([&](linalg::IndexOp index) {
      index.replaceAllUsesWith(ivs[index.getDim()]);
      index.erase();
    });
  }

  /// A sum that is carried through a loop may be split over the lanes of a vector, by fixed rules.
  void allowReassociation() {
    for (OpOperand &init : op.getDpsInitsMutable()) {
      BlockArgument accumulator = op.getMatchingBlockArgument(&init);
      for (Operation *user : accumulator.getUsers())
        if (auto flags = dyn_cast<arith::ArithFastMathInterface>(user); flags && order.inRegisters > 0)
          user->setAttr(flags.getFastMathAttrName(),
                        arith::FastMathFlagsAttr::get(op.getContext(), arith::FastMathFlags::reassoc |
                                                                           arith::FastMathFlags::contract));
    }
  }

  linalg::GenericOp op;
  int64_t chunkCost;
  cpu::LoopOrder order;
  OpBuilder builder;
  Location loc;
  SmallVector<Value> ivs;
  SmallVector<OpFoldResult> sizes;
  Value zero, one;
};

struct LinalgToLoopsPass : impl::LinalgToLoopsPassBase<LinalgToLoopsPass> {
  using LinalgToLoopsPassBase::LinalgToLoopsPassBase;

  void runOnOperation() override {
    SmallVector<linalg::GenericOp> ops;
    getOperation().walk([&](linalg::GenericOp op) {
      if (op.hasPureBufferSemantics())
        ops.push_back(op);
    });
    for (linalg::GenericOp op : ops)
      LoopWriter(op, chunkCost).write();
  }
};

} // namespace
} // namespace qopt
