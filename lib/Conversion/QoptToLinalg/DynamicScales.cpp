//===- DynamicScales.cpp - dynamic_params, dynamic_scale ----------------------------===//
//
// Scales from the values themselves, at run time.
//
//===----------------------------------------------------------------------===//
#include "Lowerings.h"

#include "qopt/Conversion/Common/ElementTypes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace qopt;

namespace {

/// ONNX's DynamicQuantizeLinear: the range with zero in it over 255 steps.
Values lowerDynamicParams(qir::DynamicParamsOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getX()), compute = computeElementType(element);
  Value x = e[op.getX()];
  SmallVector<int64_t> all(llvm::to_vector(llvm::seq<int64_t>(0, Emitter::rank(x))));
  Value zero = e.constant(compute, 0);
  auto extreme = [&](bool isMax) {
    Value found = e.reduce(x, all, zero, compute, [&](Scalars &s, ValueRange v) {
      Value y = s.decode(v[0], element);
      return isMax ? s.max(v[1], y) : s.min(v[1], y);
    });
    return e.extract(found, {});
  };
  Value high = extreme(true), low = extreme(false);
  Value scale = e.div(e.sub(high, low), e.constant(compute, 255));
  scale = e.select(e.eq(scale, zero), e.constant(compute, 1), scale);
  Value point = e.make<math::RoundEvenOp>(e.div(e.sub(zero, low), scale));
  Type zeroElement = Emitter::elementType(op.getZeroPoint()), scaleElement = Emitter::elementType(op.getScale());
  Value quantized = saturateTo(e, point, compute, cast<IntegerType>(zeroElement));
  return {e.implode(e.stored(op.getScale()), e.encode(e.cast(scale, compute, scaleElement), scaleElement)),
          e.implode(e.stored(op.getZeroPoint()), quantized)};
}

//===----------------------------------------------------------------------===//
// dynamic_scale
//===----------------------------------------------------------------------===//

/// The blocks along a dim of x.
struct Blocks {
  Value x; ///< of the graph
  int64_t axis, size;

  bool isWholeDim(Emitter &e) const {
    std::optional<int64_t> dim = e.knownDim(x, axis);
    return dim && *dim <= size && *dim > 0;
  }
  /// Sizes of the scales.
  Values dims(Emitter &e) const {
    Values dims = e.dims(x);
    Value whole = e.add(dims[axis], e.index(size - 1));
    dims[axis] = e.div(whole, e.index(size));
    return dims;
  }
};

/// max|x| of each block, as a tensor of the compute type and the scales' shape. NaN wins.
Value blockMaxima(Emitter &e, const Blocks &blocks, RankedTensorType type) {
  Type element = Emitter::elementType(blocks.x), compute = type.getElementType();
  Value x = e[blocks.x], zero = e.constant(compute, 0);
  if (blocks.isWholeDim(e)) {
    Value maxima = e.reduce(x, {blocks.axis}, zero, compute, [&](Scalars &s, ValueRange v) {
      return s.max(v[1], s.make<math::AbsFOp>(s.decode(v[0], element)));
    });
    SymbolicDims from(e.shapes.dims(blocks.x)), to(from);
    from.erase(from.begin() + blocks.axis);
    to[blocks.axis] = SymbolicDim::constant(1);
    return e.reshape(maxima, from, type, to, blocks.dims(e));
  }
  // The last block may be partial: past its end the last element counts again, which changes no maximum.
  Value last = e.sub(e.dim(blocks.x, blocks.axis), e.index(1));
  int64_t rank = type.getRank();
  return e.reduceWindow(type, blocks.dims(e), e.index(blocks.size), zero, [&](Scalars &s, ValueRange indices, Value most) {
    Values at(indices.take_front(rank));
    at[blocks.axis] = s.min(s.add(s.mul(at[blocks.axis], s.index(blocks.size)), indices[rank]), last);
    Value value = s.decode(s.make<tensor::ExtractOp>(x, at), element);
    return s.max(most, s.make<math::AbsFOp>(value));
  });
}

/// max|x| / top, at least the least normal float so that x / scale stays finite; 1 for zeros.
Value floatScale(Scalars &s, Value most, float top) {
  Type type = most.getType();
  Value scale = s.div(most, s.constant(type, top));
  scale = s.max(scale, s.constant(type, std::numeric_limits<float>::min()));
  return s.select(s.eq(most, s.constant(type, 0)), s.constant(type, 1), scale);
}

/// 2^(floor(log2(most)) - floor(log2(top))) as an E8M0 code. The exponent field of an f32 is biased as the code is.
Value powerScale(Scalars &s, Value most, float top) {
  Type i32 = s.b.getI32Type();
  auto number = [&](int64_t value) { return s.constantInt(i32, value); };
  Value exponent = s.make<arith::ShRUIOp>(s.make<arith::BitcastOp>(i32, most), number(23));
  Value code = s.sub(s.min(exponent, number(254)), number(std::ilogb(top)));
  code = s.select(s.ne(most, most), number(255), s.max(code, number(0)));
  return s.make<arith::TruncIOp>(s.b.getI8Type(), code);
}

/// The scale of the whole tensor, from its finite values.
Value tensorScale(qir::DynamicScaleOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getX()), compute = e.b.getF32Type();
  SmallVector<int64_t> all(llvm::to_vector(llvm::seq<int64_t>(0, Emitter::rank(op.getX()))));
  Value zero = e.constant(compute, 0), infinity = e.highest(compute);
  Value most = e.reduce(e[op.getX()], all, zero, compute, [&](Scalars &s, ValueRange v) {
    Value magnitude = s.make<math::AbsFOp>(s.cast(s.decode(v[0], element), element, compute));
    return s.max(v[1], s.select(s.lt(magnitude, infinity), magnitude, zero));
  });
  return e.implode(e.stored(op.getScale()), floatScale(e, e.extract(most, {}), op.getTop().convertToFloat()));
}

Values lowerDynamicScale(qir::DynamicScaleOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getX());
  if (computeElementType(element) != e.b.getF32Type())
    return {};
  if (!op.getAxis())
    return {tensorScale(op, e)};
  Blocks blocks{op.getX(), static_cast<int64_t>(*op.getAxis()), static_cast<int64_t>(*op.getBlockSize())};
  RankedTensorType type = e.stored(op.getScale());
  Value maxima = blockMaxima(e, blocks, type.clone(e.b.getF32Type()));
  Value outer = op.getOuter() ? e.scalar(e[op.getOuter()]) : Value();
  float top = op.getTop().convertToFloat();
  Type scaleElement = Emitter::elementType(op.getScale());
  return {e.map(type, blocks.dims(e), maxima, [&](Scalars &s, ValueRange v) {
    if (isa<Float8E8M0FNUType>(scaleElement))
      return powerScale(s, v[0], top);
    if (!outer)
      return floatScale(s, v[0], top);
    Value scale = s.div(s.div(v[0], s.constant(v[0].getType(), top)), outer);
    return s.encode(scale, scaleElement);
  })};
}

} // namespace

void qopt::addDynamicLowerings(LoweringTable &table) {
  table.add<qir::DynamicParamsOp>(lowerDynamicParams);
  table.add<qir::DynamicScaleOp>(lowerDynamicScale);
}
