//===- Integer.cpp - Integer compute ops in their reference form ---------------------===//
//
// Operands are widened and freed of their zero points first, then multiplied: exact, and far from fast. Targets have
// kernels that keep eight bits.
//
//===----------------------------------------------------------------------===//
#include "Lowerings.h"

#include "qopt/Conversion/Common/ElementTypes.h"
#include "qopt/Conversion/Common/Windows.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace qopt;

namespace {

Value widen(Scalars &s, Value x, Type from) { return s.cast(s.decode(x, from), from, s.b.getI32Type()); }

/// x - zero point in i32; `map` tells where the zero point of an element stands.
Value centered(Emitter &e, Value x, Value zero, AffineMap map) {
  RankedTensorType type = e.stored(x).clone(e.b.getI32Type());
  Type element = Emitter::elementType(x);
  AffineMap identity = AffineMap::getMultiDimIdentityMap(type.getRank(), e.b.getContext());
  Values inputs = {e[x]};
  SmallVector<AffineMap> maps = {identity};
  if (zero) {
    inputs.push_back(e[zero]);
    maps.push_back(map);
  }
  return e.map(type, e.dims(x), inputs, maps, [&](Scalars &s, ValueRange v) {
    Value wide = widen(s, v[0], element);
    return zero ? s.sub(wide, widen(s, v[1], Emitter::elementType(zero))) : wide;
  });
}

/// A scalar, one element, or a vector along dim `axis` of a tensor of `rank`; else broadcast from the right.
AffineMap zeroPointMap(Emitter &e, Value zero, Value x, int64_t axis) {
  if (!zero)
    return {};
  MLIRContext *context = e.b.getContext();
  int64_t own = Emitter::rank(zero), rank = Emitter::rank(x);
  SmallVector<AffineExpr> exprs;
  if (own <= 1 && (own == 0 || e.knownDim(zero, 0) == 1))
    exprs.assign(own, getAffineConstantExpr(0, context));
  else if (own == 1)
    exprs.push_back(getAffineDimExpr(axis, context));
  else
    for (int64_t i = 0; i < own; ++i)
      exprs.push_back(e.knownDim(zero, i) == 1 ? getAffineConstantExpr(0, context) : getAffineDimExpr(rank - own + i, context));
  return AffineMap::get(rank, 0, exprs, context);
}

Values lowerIntegerMatMul(qir::IntegerMatMulOp op, Emitter &e) {
  int64_t aRank = Emitter::rank(op.getA()), bRank = Emitter::rank(op.getB());
  Value a = centered(e, op.getA(), op.getAZeroPoint(), zeroPointMap(e, op.getAZeroPoint(), op.getA(), std::max<int64_t>(0, aRank - 2)));
  Value b = centered(e, op.getB(), op.getBZeroPoint(), zeroPointMap(e, op.getBZeroPoint(), op.getB(), bRank - 1));
  if (op.getA() == op.getB())
    return {};
  Value aStored = e[op.getA()], bStored = e[op.getB()];
  e.mapping.map(op.getA(), a); // The contraction reads its operands by their names in the graph.
  e.mapping.map(op.getB(), b);
  Value sum = emitMatMul(e, op.getA(), op.getB(), op.getY(), e.b.getI32Type(),
                         [](Scalars &s, Value x, Value y) { return s.mul(x, y); });
  e.mapping.map(op.getA(), aStored);
  e.mapping.map(op.getB(), bStored);
  return {sum};
}

Values lowerIntegerConv(qir::IntegerConvOp op, Emitter &e) {
  Windows w{op.getX(), {}, op.getStrides(), op.getDilations(), op.getPads(), op.getAutoPad(), op.getLayout() == "NXC"};
  for (int64_t i = 0; i < w.spatial(); ++i)
    w.kernel.push_back(e.dim(op.getW(), w.isLast ? i : i + 2));
  Padding padding = windowPadding(e, w);
  Values counts = windowCounts(e, w, padding);
  Value x = centered(e, op.getX(), op.getXZeroPoint(), zeroPointMap(e, op.getXZeroPoint(), op.getX(), w.channel()));
  int64_t out = w.isLast ? w.spatial() + 1 : 0;
  Value weight = centered(e, op.getW(), op.getWZeroPoint(), zeroPointMap(e, op.getWZeroPoint(), op.getW(), out));
  Value padded = padWindows(e, w, padding, x, e.constantInt(e.b.getI32Type(), 0));
  Value sum = emitConv(e, w, padded, weight, e.shapes.dims(op.getW()), op.getGroup(), op.getY(), counts,
                       e.b.getI32Type(), [](Scalars &s, Value x, Value y) { return s.mul(x, y); });
  return sum ? Values{sum} : Values{};
}

Values lowerLookup(qir::LookupOp op, Emitter &e) {
  Value table = e[op.getTable()];
  unsigned width = Emitter::elementType(op.getX()).getIntOrFloatBitWidth();
  return {e.map(e.stored(op.getY()), e.dims(op.getX()), e[op.getX()], [&](Scalars &s, ValueRange v) {
    Value code = s.make<arith::ExtUIOp>(s.b.getI32Type(), v[0]);
    if (width < 8) // the byte may hold more than the code: a sign
      code = s.land(code, s.constantInt(s.b.getI32Type(), (1 << width) - 1));
    return s.make<tensor::ExtractOp>(table, s.toIndex(code));
  })};
}

} // namespace

void qopt::addIntegerLowerings(LoweringTable &table) {
  table.add<qir::IntegerMatMulOp>(lowerIntegerMatMul);
  table.add<qir::IntegerConvOp>(lowerIntegerConv);
  table.add<qir::LookupOp>(lowerLookup);
}
