//===- Fill.cpp - Tensors made from few values ------------------------------------===//
#include "Lowerings.h"

#include "qopt/Conversion/Common/ElementTypes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace qopt;

namespace {

Values lowerConstantOfShape(nn::ConstantOfShapeOp op, Emitter &e) {
  RankedTensorType type = e.stored(op.getY());
  auto value = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!value || value.empty())
    return {};
  Value element;
  if (auto floats = dyn_cast<DenseFPElementsAttr>(value)) {
    APFloat first = *floats.begin();
    element = isSmallFloat(value.getElementType())
                  ? e.constantInt(type.getElementType(), first.bitcastToAPInt().getZExtValue())
                  : Value(arith::ConstantOp::create(e.b, e.b.getFloatAttr(type.getElementType(), first)));
  } else {
    APInt first = *value.value_begin<APInt>();
    unsigned width = type.getElementTypeBitWidth();
    first = isUnsignedElement(value.getElementType()) ? first.zext(width) : first.sext(width);
    element = arith::ConstantOp::create(e.b, e.b.getIntegerAttr(type.getElementType(), first));
  }
  if (Emitter::isSmall(type))
    return {e.implode(type, Values(type.getNumElements(), element))};
  Values dims;
  const SymbolicDims &symbols = e.shapes.dims(op.getY());
  for (auto [i, size] : llvm::enumerate(e.explode(e[op.getShape()], type.getRank()))) {
    Value known = e.materialize(symbols[i]);
    dims.push_back(known ? known : e.toIndex(size));
    if (!known)
      e.check(e.ge(dims.back(), e.index(0)), "the shape has a negative size");
  }
  return {e.filled(type, dims, element)};
}

/// start + i * delta for max(0, ceil((limit - start) / delta)) elements.
Values lowerRange(nn::RangeOp op, Emitter &e) {
  RankedTensorType type = e.stored(op.getY());
  Type element = Emitter::elementType(op.getY()), compute = computeElementType(element);
  Value start = e.decode(e.scalar(e[op.getStart()]), element), limit = e.decode(e.scalar(e[op.getLimit()]), element);
  Value delta = e.decode(e.scalar(e[op.getDelta()]), element);
  e.check(e.ne(delta, e.constant(compute, 0)), "the step of a range is zero");
  Value count, zero = e.index(0);
  Value known = e.materialize(e.shapes.dims(op.getY())[0]);
  if (known) {
    count = known;
  } else if (isa<FloatType>(compute)) {
    Value steps = e.make<math::CeilOp>(e.div(e.sub(limit, start), delta));
    count = e.max(e.toIndex(e.make<arith::FPToSIOp>(e.b.getI64Type(), steps)), zero);
  } else {
    Value distance = e.sub(e.toIndex(limit), e.toIndex(start)), step = e.toIndex(delta);
    Value magnitude = e.max(step, e.neg(step)), one = e.index(1);
    distance = e.select(e.lt(step, zero), e.neg(distance), distance);
    count = e.div(e.add(e.max(distance, zero), e.sub(magnitude, one)), magnitude);
  }
  return {e.generate(type, count, [&](Scalars &s, ValueRange at) {
    return s.encode(s.add(start, s.mul(s.fromIndex(at[0], compute), delta)), element);
  })};
}

Values lowerEyeLike(nn::EyeLikeOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getY()), compute = computeElementType(element);
  return {e.generate(e.stored(op.getY()), e.dims(op.getX()), [&](Scalars &s, ValueRange at) {
    Value isDiagonal = s.eq(s.sub(at[1], at[0]), s.index(op.getK()));
    return s.encode(s.select(isDiagonal, s.constant(compute, 1), s.constant(compute, 0)), element);
  })};
}

Values lowerOneHot(nn::OneHotOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getIndices()), depthType = Emitter::elementType(op.getDepth());
  int64_t axis = op.getAxis();
  auto toIndex = [&](Scalars &s, Value v, Type type) {
    return s.toIndex(s.cast(s.decode(v, type), type, s.b.getI64Type()));
  };
  Value depth = toIndex(e, e.scalar(e[op.getDepth()]), depthType), indices = e[op.getIndices()];
  e.check(e.ge(depth, e.index(0)), "the depth is negative");
  Value off = e.extract(e[op.getValues()], e.index(0)), on = e.extract(e[op.getValues()], e.index(1));
  Values dims = e.dims(op.getIndices());
  dims.insert(dims.begin() + axis, depth);
  return {e.generate(e.stored(op.getY()), dims, [&](Scalars &s, ValueRange at) {
    Values where(at.begin(), at.end());
    where.erase(where.begin() + axis);
    Value index = toIndex(s, s.make<tensor::ExtractOp>(indices, where), element);
    index = s.select(s.lt(index, s.index(0)), s.add(index, depth), index);
    return s.select(s.eq(index, at[axis]), on, off);
  })};
}

Values lowerTrilu(nn::TriluOp op, Emitter &e) {
  RankedTensorType type = e.stored(op.getY());
  Value k = op.getK() ? e.toIndex(e.scalar(e[op.getK()])) : e.index(0), zero = e.constant(type.getElementType(), 0);
  int64_t rank = type.getRank();
  return {e.map(type, e.dims(op.getX()), e[op.getX()], [&](Scalars &s, ValueRange v) {
    Value row = linalg::IndexOp::create(s.b, rank - 2), column = linalg::IndexOp::create(s.b, rank - 1);
    Value diagonal = s.add(row, k);
    return s.select(op.getUpper() ? s.ge(column, diagonal) : s.le(column, diagonal), v[0], zero);
  })};
}

} // namespace

void qopt::addFillLowerings(LoweringTable &table) {
  table.add<nn::ConstantOfShapeOp>(lowerConstantOfShape);
  table.add<nn::RangeOp>(lowerRange);
  table.add<nn::EyeLikeOp>(lowerEyeLike);
  table.add<nn::OneHotOp>(lowerOneHot);
  table.add<nn::TriluOp>(lowerTrilu);
}
