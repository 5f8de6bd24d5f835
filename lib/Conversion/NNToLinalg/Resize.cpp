//===- Resize.cpp - Resampling, one axis after the other ----------------------------===//
//
// Interpolation in several dims is interpolation in each. Of an axis, positions and weights are computed once, in f64,
// into small tensors: result element o is the sum over k of weight[o, k] * x[position[o] + k], with positions clamped
// to the axis.
//
//===----------------------------------------------------------------------===//
#include "Lowerings.h"

#include "qopt/Conversion/Common/ElementTypes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace qopt;
using utils::IteratorType;

namespace {

struct Axis {
  int64_t dim;
  Value in, out; ///< sizes
  Value scale;   ///< f64
  Value roiStart, roiEnd;
};

struct Resampler {
  nn::ResizeOp op;
  Emitter &e;
  Type f64 = e.b.getF64Type();

  Value real(Scalars &s, Value index) { return s.fromIndex(index, f64); }
  Value c(Scalars &s, double v) { return s.constant(f64, v); }

  /// The position in the input's coordinates of result position `o`.
  Value source(Scalars &s, const Axis &a, Value o) {
    StringRef mode = op.getCoordinateTransformationMode();
    Value x = real(s, o), in = real(s, a.in), one = c(s, 1), half = c(s, 0.5);
    Value width = s.mul(a.scale, in), isOne = s.eq(width, one);
    Value centered = s.sub(s.div(s.add(x, half), a.scale), half);
    Value span = s.sub(in, one), steps = s.select(isOne, one, s.sub(width, one));
    if (mode == "asymmetric")
      return s.div(x, a.scale);
    if (mode == "align_corners")
      return s.select(isOne, c(s, 0), s.div(s.mul(x, span), steps));
    if (mode == "pytorch_half_pixel")
      return s.select(isOne, c(s, -0.5), centered);
    if (mode == "half_pixel_symmetric") {
      Value adjustment = s.div(real(s, a.out), width);
      return s.add(s.mul(s.div(in, c(s, 2)), s.sub(one, adjustment)), centered);
    }
    if (mode == "tf_crop_and_resize") {
      Value extent = s.mul(s.sub(a.roiEnd, a.roiStart), span);
      Value offset = s.select(isOne, s.div(extent, c(s, 2)), s.div(s.mul(x, extent), steps));
      return s.add(offset, s.mul(a.roiStart, span));
    }
    return centered;
  }

  Value isOutside(Scalars &s, const Axis &a, Value o) {
    Value x = source(s, a, o);
    return s.lor(s.lt(x, c(s, 0)), s.gt(x, s.sub(real(s, a.in), c(s, 1))));
  }

  Value nearest(Scalars &s, const Axis &a, Value o) {
    Value x = source(s, a, o), half = c(s, 0.5);
    StringRef mode = op.getNearestMode();
    Value rounded = mode == "floor"               ? s.make<math::FloorOp>(x)
                    : mode == "ceil"              ? s.make<math::CeilOp>(x)
                    : mode == "round_prefer_ceil" ? s.make<math::FloorOp>(s.add(x, half))
                                                  : s.make<math::CeilOp>(s.sub(x, half));
    Value index = s.toIndex(s.make<arith::FPToSIOp>(s.b.getI64Type(), rounded));
    return s.max(s.index(0), s.min(index, s.sub(a.in, s.index(1))));
  }

  /// The interpolation kernel at a distance.
  Value kernel(Scalars &s, Value distance) {
    Value x = s.make<math::AbsFOp>(distance), one = c(s, 1), zero = c(s, 0);
    if (op.getMode() == "linear")
      return s.max(zero, s.sub(one, x));
    Value factor = c(s, op.getCubicCoeffA().convertToFloat());
    auto horner = [&](std::initializer_list<Value> coefficients) {
      Value sum = zero;
      for (Value coefficient : coefficients)
        sum = s.add(s.mul(sum, x), coefficient);
      return sum;
    };
    Value inner = horner({s.add(factor, c(s, 2)), s.neg(s.add(factor, c(s, 3))), zero, one});
    Value outer = horner({factor, s.mul(factor, c(s, -5)), s.mul(factor, c(s, 8)), s.mul(factor, c(s, -4))});
    return s.select(s.le(x, one), inner, s.select(s.lt(x, c(s, 2)), outer, zero));
  }

  Value interpolate(Value x, const Axis &a) {
    MLIRContext *context = e.b.getContext();
    bool antialias = op.getAntialias();
    Value one = e.index(1), two = e.index(2), shrink = c(e, 1);
    Value radius = e.index(op.getMode() == "linear" ? 1 : 2), first = e.sub(one, radius);
    if (antialias) { // The kernel grows with what one result element covers.
      shrink = e.min(a.scale, c(e, 1));
      Value reach = e.make<math::FloorOp>(e.neg(e.div(real(e, radius), shrink)));
      first = e.add(e.toIndex(e.make<arith::FPToSIOp>(e.b.getI64Type(), reach)), one);
    }
    Value taps = e.sub(two, e.mul(two, first));
    // The input position left of (or, where it is whole, one before) the source position.
    auto base = [&](Scalars &s, Value position) { return s.sub(s.make<math::CeilOp>(position), c(s, 1)); };
    auto dynamic = [](Value size) { return getConstantIntValue(size).value_or(ShapedType::kDynamic); };
    auto weightType = RankedTensorType::get({dynamic(a.out), dynamic(taps)}, f64);
    Value raw = e.generate(weightType, {a.out, taps}, [&](Scalars &s, ValueRange at) {
      Value position = source(s, a, at[0]), left = base(s, position), offset = s.add(first, at[1]);
      Value weight = kernel(s, s.mul(s.sub(s.add(left, real(s, offset)), position), shrink));
      if (!op.getExcludeOutside())
        return weight;
      Value index = s.add(left, real(s, offset));
      Value fits = s.land(s.ge(index, c(s, 0)), s.lt(index, real(s, a.in)));
      return s.select(fits, weight, c(s, 0));
    });
    Value sums = e.reduce(raw, {1}, c(e, 0), f64, [](Scalars &s, ValueRange v) { return s.add(v[1], v[0]); });
    AffineExpr d0, d1;
    bindDims(context, d0, d1);
    Type compute = Emitter::elementType(x);
    Value weights = e.map(weightType.clone(compute), {a.out, taps}, {raw, sums},
                          {AffineMap::getMultiDimIdentityMap(2, context), AffineMap::get(2, 0, d0, context)},
                          [&](Scalars &s, ValueRange v) {
                            bool isNormal = antialias || op.getExcludeOutside();
                            return s.cast(isNormal ? s.div(v[0], v[1]) : v[0], f64, compute);
                          });
    Value starts = e.generate(RankedTensorType::get({dynamic(a.out)}, e.b.getIndexType()), a.out, [&](Scalars &s, ValueRange at) {
      Value left = base(s, source(s, a, at[0]));
      return s.add(s.toIndex(s.make<arith::FPToSIOp>(s.b.getI64Type(), left)), first);
    });

    RankedTensorType from = Emitter::type(x);
    int64_t rank = from.getRank();
    SmallVector<int64_t> shape(from.getShape());
    shape[a.dim] = dynamic(a.out);
    RankedTensorType type = from.clone(shape);
    Values dims = e.dimsOf(x);
    dims[a.dim] = a.out;
    SmallVector<IteratorType> iterators(rank + 1, IteratorType::parallel);
    iterators.back() = IteratorType::reduction;
    AffineExpr o = getAffineDimExpr(a.dim, context), k = getAffineDimExpr(rank, context);
    AffineMap out = AffineMap::getMultiDimIdentityMap(rank + 1, context).getMajorSubMap(rank);
    Value last = e.sub(a.in, one);
    Value y = e.generic(e.filled(type, dims, e.constant(compute, 0)), {weights, starts},
                        {AffineMap::get(rank + 1, 0, {o, k}, context), AffineMap::get(rank + 1, 0, o, context), out},
                        iterators, [&](Scalars &s, ValueRange v) {
                          Values where;
                          for (int64_t i = 0; i < rank; ++i)
                            where.push_back(linalg::IndexOp::create(s.b, i));
                          Value index = s.add(v[1], linalg::IndexOp::create(s.b, rank));
                          where[a.dim] = s.max(s.index(0), s.min(index, last));
                          return s.add(v[2], s.mul(v[0], s.make<tensor::ExtractOp>(x, where)));
                        });
    if (!a.roiStart)
      return y;
    return e.map(type, dims, y, [&](Scalars &s, ValueRange v) {
      Value outside = isOutside(s, a, linalg::IndexOp::create(s.b, a.dim));
      return s.select(outside, s.constant(compute, op.getExtrapolationValue().convertToFloat()), v[0]);
    });
  }
};

/// Whether nearest takes element o / factor for a whole factor.
bool repeatsElements(nn::ResizeOp op) {
  StringRef coordinates = op.getCoordinateTransformationMode(), nearest = op.getNearestMode();
  return (coordinates == "asymmetric" && nearest == "floor") ||
         ((coordinates == "half_pixel" || coordinates == "half_pixel_symmetric") && nearest.starts_with("round"));
}

/// Nearest by whole factors: each element repeated, which is a broadcast into split dims.
Value repeatElements(nn::ResizeOp op, Emitter &e, ArrayRef<int64_t> factors) {
  Value x = op.getX();
  RankedTensorType from = Emitter::type(e[x]);
  MLIRContext *context = e.b.getContext();
  SymbolicDims split, merged;
  SmallVector<int64_t> shape;
  SmallVector<AffineExpr> exprs;
  Values splitDims, dims;
  for (auto [i, dim] : llvm::enumerate(e.shapes.dims(x))) {
    exprs.push_back(getAffineDimExpr(split.size(), context));
    split.push_back(dim);
    shape.push_back(from.getDimSize(i));
    splitDims.push_back(e.dim(x, i));
    SymbolicDim factor = SymbolicDim::constant(factors[i]);
    merged.push_back(dim * factor);
    dims.push_back(e.mul(splitDims.back(), e.index(factors[i])));
    if (factors[i] == 1)
      continue;
    split.push_back(factor);
    shape.push_back(factors[i]);
    splitDims.push_back(e.index(factors[i]));
  }
  Value wide = e.map(from.clone(shape), splitDims, e[x], AffineMap::get(split.size(), 0, exprs, context),
                     [](Scalars &, ValueRange v) { return v[0]; });
  return e.reshape(wide, split, e.stored(op.getY()), merged, dims);
}

std::optional<SmallVector<int64_t>> wholeFactors(nn::ResizeOp op) {
  DenseElementsAttr scales;
  int64_t rank = Emitter::rank(op.getX());
  SmallVector<int64_t> factors(rank, 1);
  if (!op.getScales() || !matchPattern(op.getScales(), m_Constant(&scales)) || op.getRoi())
    return std::nullopt;
  for (auto [i, scale] : llvm::enumerate(scales.getValues<APFloat>())) {
    double value = scale.convertToFloat();
    if (value < 1 || value != std::floor(value) || value > 64)
      return std::nullopt;
    factors[op.getAxes()[i]] = static_cast<int64_t>(value);
  }
  return factors;
}

SmallVector<Axis> axesOf(nn::ResizeOp op, Emitter &e) {
  SmallVector<Axis> axes;
  Type f64 = e.b.getF64Type();
  Values scales = op.getScales() ? e.explode(e[op.getScales()], op.getAxes().size()) : Values();
  Values sizes = op.getSizes() ? e.explode(e[op.getSizes()], op.getAxes().size()) : Values();
  Values roi;
  if (op.getCoordinateTransformationMode() == "tf_crop_and_resize" && op.getRoi())
    roi = e.explode(e[op.getRoi()], 2 * op.getAxes().size());
  auto widen = [&](Value v, Value of) {
    Type element = Emitter::elementType(of);
    return e.cast(e.decode(v, element), element, f64);
  };
  size_t count = op.getAxes().size();
  for (auto [i, dim] : llvm::enumerate(op.getAxes())) {
    Axis a{dim, e.dim(op.getX(), dim), {}, {}, {}, {}};
    Value in = e.fromIndex(a.in, f64);
    if (op.getScales()) {
      a.scale = widen(scales[i], op.getScales());
      a.out = e.toIndex(e.make<arith::FPToSIOp>(e.b.getI64Type(), e.mul(a.scale, in)));
    } else {
      a.out = e.toIndex(sizes[i]);
      a.scale = e.div(e.fromIndex(a.out, f64), in);
    }
    if (!roi.empty()) {
      a.roiStart = widen(roi[i], op.getRoi());
      a.roiEnd = widen(roi[i + count], op.getRoi());
    }
    e.check(e.ge(a.out, e.index(0)), "a size of the result is negative");
    axes.push_back(a);
  }
  if (op.getSizes() && op.getKeepAspectRatioPolicy() != "stretch") {
    bool isSmaller = op.getKeepAspectRatioPolicy() == "not_larger";
    Value common = axes.front().scale;
    for (const Axis &a : ArrayRef(axes).drop_front())
      common = isSmaller ? e.min(common, a.scale) : e.max(common, a.scale);
    for (Axis &a : axes) {
      Value size = e.add(e.mul(common, e.fromIndex(a.in, f64)), e.constant(f64, 0.5));
      a.scale = common;
      a.out = e.toIndex(e.make<arith::FPToSIOp>(e.b.getI64Type(), e.make<math::FloorOp>(size)));
    }
  }
  return axes;
}

Values lowerResize(nn::ResizeOp op, Emitter &e) {
  bool isNearest = op.getMode() == "nearest";
  auto factors = wholeFactors(op);
  if (isNearest && factors && repeatsElements(op))
    return {repeatElements(op, e, *factors)};
  Resampler resampler{op, e};
  SmallVector<Axis> axes = axesOf(op, e);
  Type element = Emitter::elementType(op.getX());
  RankedTensorType type = e.stored(op.getY());
  Values dims = e.dims(op.getX());
  for (const Axis &a : axes) {
    e.check(e.lor(e.gt(a.in, e.index(0)), e.eq(a.out, e.index(0))), "an axis without elements cannot be resized");
    dims[a.dim] = a.out;
  }
  if (isNearest) {
    Value x = e[op.getX()];
    SmallVector<Value> lookups; // Of each axis, the input position by result position.
    for (const Axis &a : axes) {
      auto tableType = RankedTensorType::get({getConstantIntValue(a.out).value_or(ShapedType::kDynamic)}, e.b.getIndexType());
      lookups.push_back(e.generate(tableType, a.out, [&](Scalars &s, ValueRange at) { return resampler.nearest(s, a, at[0]); }));
    }
    return {e.generate(type, dims, [&](Scalars &s, ValueRange at) {
      Values where(at.begin(), at.end());
      Value outside;
      for (auto [a, table] : llvm::zip(axes, lookups)) {
        where[a.dim] = s.make<tensor::ExtractOp>(table, at[a.dim]);
        if (a.roiStart) {
          Value own = resampler.isOutside(s, a, at[a.dim]);
          outside = outside ? s.lor(outside, own) : own;
        }
      }
      Value y = s.make<tensor::ExtractOp>(x, where);
      if (!outside)
        return y;
      Type compute = computeElementType(element);
      Value fill = s.encode(s.constant(compute, op.getExtrapolationValue().convertToFloat()), element);
      return s.select(outside, fill, y);
    })};
  }
  Type compute = computeElementType(element);
  Type real = isa<FloatType>(compute) ? compute : Type(e.b.getF32Type());
  Value x = e[op.getX()];
  if (real != Emitter::elementType(x))
    x = e.map(Emitter::type(x).clone(real), e.dims(op.getX()), x,
              [&](Scalars &s, ValueRange v) { return s.cast(s.decode(v[0], element), element, real); });
  for (const Axis &a : axes) {
    bool isSame = !a.roiStart && e.shapes.dims(op.getX())[a.dim] == e.shapes.dims(op.getY())[a.dim];
    if (!isSame)
      x = resampler.interpolate(x, a);
  }
  if (real == type.getElementType())
    return {x};
  return {e.map(type, dims, x, [&](Scalars &s, ValueRange v) { return s.encode(s.cast(v[0], real, element), element); })};
}

} // namespace

void qopt::addResizeLowerings(LoweringTable &table) { table.add<nn::ResizeOp>(lowerResize); }
