#include "Lowerings.h"

#include "qopt/Conversion/Common/Contraction.h"
#include "qopt/Conversion/Common/ElementTypes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace qopt;

namespace {

/// A tensor of accumulators in the result's stored form.
Value toStored(Emitter &e, Value accumulated, Value result) {
  RankedTensorType type = e.stored(result);
  Type element = Emitter::elementType(result);
  if (accumulated.getType() == type || Emitter::elementType(accumulated) == type.getElementType())
    return accumulated;
  return e.map(type, e.dimsOf(accumulated), accumulated,
               [&](Scalars &s, ValueRange x) { return s.encode(x[0], element); });
}

Values lowerMatMul(nn::MatMulOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getY()), a = Emitter::elementType(op.getA()), b = Emitter::elementType(op.getB());
  Type accumulator = accumulatorType(element);
  Value sum = emitMatMul(e, op.getA(), op.getB(), op.getY(), accumulator, [&](Scalars &s, Value x, Value y) {
    return s.mul(s.cast(s.decode(x, a), a, element), s.cast(s.decode(y, b), b, element));
  });
  return {toStored(e, sum, op.getY())};
}

/// alpha * A' * B' + beta * C, by a contraction with transposed maps.
Values lowerGemm(nn::GemmOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getY()), accumulator = accumulatorType(element);
  RankedTensorType type = e.stored(op.getY());
  unsigned aM = op.getTransA() ? 1 : 0, bN = op.getTransB() ? 0 : 1;
  Values dims = {e.dim(op.getA(), aM), e.dim(op.getB(), bN)};
  if (!e.sameDim(op.getA(), 1 - aM, op.getB(), 1 - bN))
    e.check(e.eq(e.dim(op.getA(), 1 - aM), e.dim(op.getB(), 1 - bN)),
            "the operands' inner dims differ, so that there is no matrix product");
  AffineExpr m, n, k;
  bindDims(e.b.getContext(), m, n, k);
  AffineMap aMap = op.getTransA() ? AffineMap::get(3, 0, {k, m}, e.b.getContext())
                                  : AffineMap::get(3, 0, {m, k}, e.b.getContext());
  AffineMap bMap = op.getTransB() ? AffineMap::get(3, 0, {n, k}, e.b.getContext())
                                  : AffineMap::get(3, 0, {k, n}, e.b.getContext());
  AffineMap yMap = AffineMap::get(3, 0, {m, n}, e.b.getContext());
  Value init = e.filled(type.clone(accumulator), dims, e.constant(accumulator, 0));
  Value sum = e.generic(init, {e[op.getA()], e[op.getB()]}, {aMap, bMap, yMap},
                        {utils::IteratorType::parallel, utils::IteratorType::parallel, utils::IteratorType::reduction},
                        [&](Scalars &s, ValueRange x) {
                          s.allowReordering();
                          return s.add(x[2], s.mul(s.decode(x[0], element), s.decode(x[1], element)));
                        });
  double alpha = op.getAlpha().convertToFloat(), beta = op.getBeta().convertToFloat();
  auto scale = [&](Scalars &s, Value x, double factor) {
    if (factor == 1)
      return x;
    if (isa<FloatType>(accumulator))
      return s.mul(x, s.constant(accumulator, factor));
    Value wide = s.cast(x, accumulator, s.b.getF64Type());
    return s.cast(s.mul(wide, s.constant(wide.getType(), factor)), wide.getType(), accumulator);
  };
  if (!op.getC() || beta == 0) {
    if (alpha == 1)
      return {toStored(e, sum, op.getY())};
    return {e.map(type, dims, sum, [&](Scalars &s, ValueRange x) { return s.encode(scale(s, x[0], alpha), element); })};
  }
  Value c = op.getC();
  AffineMap cMap = e.broadcastMap(c, e.shapes.dims(op.getY()));
  Value cTensor = e[c];
  if (!cMap) {
    cTensor = e.broadcastTo(c, e.shapes.dims(op.getY()), dims, type);
    cMap = AffineMap::getMultiDimIdentityMap(2, e.b.getContext());
  }
  return {e.map(type, dims, {sum, cTensor}, {AffineMap::getMultiDimIdentityMap(2, e.b.getContext()), cMap},
                [&](Scalars &s, ValueRange x) {
                  Value bias = scale(s, s.decode(x[1], element), beta);
                  return s.encode(s.add(scale(s, x[0], alpha), bias), element);
                })};
}

} // namespace

void qopt::addMatMulLowerings(LoweringTable &table) {
  table.add<nn::MatMulOp>(lowerMatMul);
  table.add<nn::GemmOp>(lowerGemm);
}
