#include "LoopCost.h"
#include "qopt/Codegen/CPU/Runtime.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;

namespace qopt::cpu {
namespace {

// Cycles of an op, of one in an innermost loop (which LLVM makes vectors of), and of an element of a copy.
constexpr double scalarCycles = 0.5, vectorCycles = 0.125, copyCycles = 0.25;
// Ops of `math` are worth so many others (bodyCost says the same); what entering a loop and calling a kernel cost.
constexpr double mathOps = 8, enterCycles = 4, callCycles = 60;
// What a size counts as that nothing is known about.
constexpr double unknownSize = 16;

/// A sum of products, each a number times sizes that are known before the loop.
struct Sum {
  struct Term {
    double factor;
    SmallVector<Value> sizes;
  };
  SmallVector<Term> terms;

  Sum(double number) {
    if (number != 0)
      terms.push_back({number, {}});
  }
  explicit Sum(Value size) : terms{{1.0, {size}}} {}

  std::optional<double> asNumber() const {
    if (terms.empty())
      return 0.0;
    return terms.size() == 1 && terms[0].sizes.empty() ? std::optional(terms[0].factor) : std::nullopt;
  }
  void add(double factor, ArrayRef<Value> sizes) {
    for (Term &term : terms)
      if (term.sizes == sizes)
        return void(term.factor += factor);
    terms.push_back({factor, llvm::to_vector(sizes)});
  }
};

Sum operator+(Sum a, const Sum &b) {
  for (const Sum::Term &term : b.terms)
    a.add(term.factor, term.sizes);
  return a;
}

Sum operator*(const Sum &a, const Sum &b) {
  Sum product(0);
  for (const Sum::Term &left : a.terms)
    for (const Sum::Term &right : b.terms)
      product.add(left.factor * right.factor, llvm::to_vector(llvm::concat<const Value>(left.sizes, right.sizes)));
  return product;
}

/// Of two upper bounds the one that says more: the smaller number, else any number.
Sum smaller(const Sum &a, const Sum &b) {
  if (!a.asNumber() || !b.asNumber())
    return b.asNumber() ? b : a;
  return *b.asNumber() < *a.asNumber() ? b : a;
}

Sum larger(const Sum &a, const Sum &b) {
  if (!a.asNumber() || !b.asNumber())
    return a.asNumber() ? b : a;
  return *b.asNumber() > *a.asNumber() ? b : a;
}

/// Upper bounds of sizes within a loop.
class Bounds {
public:
  Bounds(OpBuilder &builder, scf::ParallelOp loop) : builder(builder), loop(loop) {}

  Sum of(Value value) {
    APInt constant;
    if (matchPattern(value, m_ConstantInt(&constant)))
      return Sum(static_cast<double>(constant.getSExtValue()));
    if (cast<LoopLikeOpInterface>(loop.getOperation()).isDefinedOutsideOfLoop(value))
      return Sum(value);
    auto argument = dyn_cast<BlockArgument>(value);
    return argument ? ofArgument(argument) : ofOp(value);
  }

  Sum trips(scf::ForOp inner) {
    Sum extent = distance(inner.getLowerBound(), inner.getUpperBound());
    auto step = of(inner.getStep()).asNumber();
    return step && *step > 1 ? extent * Sum(1 / *step) : extent;
  }

  Sum elements(Value memref) {
    Sum product(1);
    for (int64_t dim = 0, rank = cast<MemRefType>(memref.getType()).getRank(); dim < rank; ++dim)
      product = product * ofDim(memref, dim);
    return product;
  }

private:
  Sum distance(Value lower, Value upper) {
    if (Operation *op = upper.getDefiningOp(); op && isa<arith::MinUIOp, arith::MinSIOp>(op))
      return smaller(distance(lower, op->getOperand(0)), distance(lower, op->getOperand(1)));
    if (auto add = upper.getDefiningOp<arith::AddIOp>(); add && add.getLhs() == lower)
      return of(add.getRhs());
    return of(upper);
  }

  Sum ofArgument(BlockArgument argument) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (auto inner = dyn_cast<scf::ForOp>(parent); inner && argument == inner.getInductionVar())
      return of(inner.getUpperBound());
    return parent == loop ? of(loop.getUpperBound()[argument.getArgNumber()]) : Sum(unknownSize);
  }

  Sum ofOp(Value value) {
    Operation *op = value.getDefiningOp();
    auto operand = [&](unsigned index) { return of(op->getOperand(index)); };
    return TypeSwitch<Operation *, Sum>(op)
        .Case<arith::IndexCastOp, arith::IndexCastUIOp, arith::SubIOp>([&](auto) { return operand(0); })
        .Case([&](arith::AddIOp) { return operand(0) + operand(1); })
        .Case([&](arith::MulIOp) { return operand(0) * operand(1); })
        .Case<arith::DivUIOp, arith::DivSIOp, arith::CeilDivUIOp, arith::CeilDivSIOp>([&](auto) {
          auto divisor = operand(1).asNumber();
          return divisor && *divisor > 0 ? operand(0) * Sum(1 / *divisor) : operand(0);
        })
        .Case<arith::RemUIOp, arith::RemSIOp>([&](auto) { return operand(1); })
        .Case<arith::MinUIOp, arith::MinSIOp>([&](auto) { return smaller(operand(0), operand(1)); })
        .Case<arith::MaxUIOp, arith::MaxSIOp>([&](auto) { return larger(operand(0), operand(1)); })
        .Case([&](arith::SelectOp) { return larger(operand(1), operand(2)); })
        .Case([&](affine::AffineApplyOp apply) { return ofExpr(apply.getAffineMap().getResult(0), apply.getAffineMap(), apply.getOperands()); })
        .Case([&](affine::AffineMinOp min) {
          Sum least = ofExpr(min.getMap().getResult(0), min.getMap(), min.getOperands());
          for (AffineExpr expr : min.getMap().getResults().drop_front())
            least = smaller(least, ofExpr(expr, min.getMap(), min.getOperands()));
          return least;
        })
        .Case([&](memref::DimOp dim) {
          auto index = dim.getConstantIndex();
          return index ? ofDim(dim.getSource(), *index) : Sum(unknownSize);
        })
        .Case([&](memref::ExtractStridedMetadataOp metadata) {
          auto size = llvm::find(metadata.getSizes(), value);
          return size == metadata.getSizes().end() ? Sum(unknownSize)
                                                   : ofDim(metadata.getSource(), size - metadata.getSizes().begin());
        })
        .Default([](Operation *) { return Sum(unknownSize); });
  }

  Sum ofExpr(AffineExpr expr, AffineMap map, ValueRange operands) {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr))
      return Sum(std::max<double>(0, static_cast<double>(constant.getValue())));
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      return of(operands[dim.getPosition()]);
    if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
      return of(operands[map.getNumDims() + symbol.getPosition()]);
    auto binary = cast<AffineBinaryOpExpr>(expr);
    Sum left = ofExpr(binary.getLHS(), map, operands), right = ofExpr(binary.getRHS(), map, operands);
    switch (expr.getKind()) {
    case AffineExprKind::Add:
      return left + right;
    case AffineExprKind::Mul: // a negative factor leaves zero
      return left * right;
    case AffineExprKind::Mod:
      return right;
    default:
      return right.asNumber() ? left * Sum(1 / *right.asNumber()) : left;
    }
  }

  Sum ofDim(Value memref, int64_t dim) {
    auto type = cast<MemRefType>(memref.getType());
    if (!type.isDynamicDim(dim))
      return Sum(static_cast<double>(type.getDimSize(dim)));
    if (cast<LoopLikeOpInterface>(loop.getOperation()).isDefinedOutsideOfLoop(memref))
      return Sum(memref::DimOp::create(builder, loop.getLoc(), memref, dim).getResult());
    auto view = memref.getDefiningOp<memref::SubViewOp>();
    if (!view || view.getDroppedDims().any())
      return Sum(unknownSize);
    return of(cast<Value>(view.getMixedSizes()[dim]));
  }

  OpBuilder &builder;
  scf::ParallelOp loop;
};

/// Cycles of code.
struct Estimator {
  Bounds bounds;

  Sum ofBlock(Block &block, double opCycles) {
    Sum total(0);
    for (Operation &op : block.without_terminator())
      total = total + ofOp(op, opCycles);
    return total;
  }

  Sum ofOp(Operation &op, double opCycles) {
    if (auto inner = dyn_cast<scf::ForOp>(op)) {
      bool isInnermost = inner.getBody()->getOps<scf::ForOp>().empty();
      return bounds.trips(inner) * ofBlock(*inner.getBody(), isInnermost ? vectorCycles : scalarCycles) + Sum(enterCycles);
    }
    if (auto call = dyn_cast<func::CallOp>(op))
      return ofCall(call);
    if (auto copy = dyn_cast<memref::CopyOp>(op))
      return bounds.elements(copy.getSource()) * Sum(copyCycles);
    if (op.hasTrait<OpTrait::ConstantLike>())
      return Sum(0);
    Sum total(opCycles * (isa<math::MathDialect>(op.getDialect()) ? mathOps : 1));
    for (Region &region : op.getRegions())
      for (Block &block : region)
        total = total + ofBlock(block, opCycles);
    return total;
  }

  Sum ofCall(func::CallOp call) {
    auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
    auto work = callee ? callee->getAttrOfType<DenseI64ArrayAttr>(workAttrName) : DenseI64ArrayAttr();
    if (!work)
      return Sum(callCycles);
    Sum cycles(1.0 / static_cast<double>(work[0]));
    for (int64_t argument : work.asArrayRef().drop_front())
      cycles = cycles * bounds.of(call.getOperand(argument));
    return cycles + Sum(callCycles);
  }
};

Value emit(OpBuilder &builder, Location loc, const Sum::Term &term) {
  Value product;
  for (Value size : term.sizes) {
    if (!size.getType().isIndex())
      size = arith::IndexCastOp::create(builder, loc, builder.getIndexType(), size);
    product = product ? arith::MulIOp::create(builder, loc, product, size).getResult() : size;
  }
  auto number = [&](double value) {
    constexpr double most = 1e15;
    return arith::ConstantIndexOp::create(builder, loc, std::llround(std::min(std::max(value, 1.0), most))).getResult();
  };
  if (!product)
    return number(term.factor);
  if (term.factor >= 1)
    return arith::MulIOp::create(builder, loc, product, number(term.factor));
  return arith::DivUIOp::create(builder, loc, product, number(1 / term.factor));
}

} // namespace

Value estimateCycles(OpBuilder &builder, scf::ParallelOp loop) {
  Estimator estimator{Bounds(builder, loop)};
  Sum total = estimator.ofBlock(*loop.getBody(), scalarCycles);
  Value cycles = arith::ConstantIndexOp::create(builder, loop.getLoc(), 1);
  for (const Sum::Term &term : total.terms)
    cycles = builder.createOrFold<arith::AddIOp>(loop.getLoc(), cycles, emit(builder, loop.getLoc(), term));
  return cycles;
}

} // namespace qopt::cpu
