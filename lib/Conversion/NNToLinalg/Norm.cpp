#include "Lowerings.h"

#include "qopt/Conversion/Common/ElementTypes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace qopt;

namespace {

/// Building stones of normalizations over `axes` of x, in compute form.
struct Normalizer {
  Emitter &e;
  Value original;
  SmallVector<int64_t> axes;
  Type element, compute;
  Value x;
  AffineMap identity, rows;
  Values dims;

  Normalizer(Emitter &e, Value original, SmallVector<int64_t> reduced)
      : e(e), original(original), axes(std::move(reduced)), element(Emitter::elementType(original)),
        compute(computeElementType(element)), x(decodeAll(e, e[original], element)), dims(e.dims(original)) {
    int64_t rank = Emitter::rank(original);
    identity = AffineMap::getMultiDimIdentityMap(rank, e.b.getContext());
    rows = dropDims(e.b.getContext(), rank, axes);
  }

  Value sum(Value of, llvm::function_ref<Value(Scalars &, Value)> f) {
    return e.reduce(of, axes, e.constant(compute, 0), compute, [&](Scalars &s, ValueRange v) {
      s.allowReordering();
      return s.add(v[1], f(s, v[0]));
    });
  }
  Value perRow(Value of, llvm::function_ref<Value(Scalars &, Value)> f) {
    return e.map(Emitter::type(of), e.dimsOf(of), of, [&](Scalars &s, ValueRange v) { return f(s, v[0]); });
  }
  /// Sum over the number of elements.
  Value mean(Value sum) {
    Value count = e.index(1);
    for (int64_t axis : axes)
      count = e.mul(count, dims[axis]);
    return perRow(sum, [&](Scalars &s, Value v) { return s.div(v, s.fromIndex(count, compute)); });
  }
  Value inverseRoot(Value variance, double epsilon) {
    return perRow(variance, [&](Scalars &s, Value v) {
      return s.div(s.constant(compute, 1), s.make<math::SqrtOp>(s.add(v, s.constant(compute, epsilon))));
    });
  }
  Value centered() {
    Value means = mean(sum(x, [](Scalars &, Value v) { return v; }));
    return e.map(Emitter::type(x), dims, {x, means}, {identity, rows},
                 [](Scalars &s, ValueRange v) { return s.sub(v[0], v[1]); });
  }
  static Value square(Scalars &s, Value v) { return s.mul(v, v); }

  /// values * factors (per row) * scale + bias, stored as the result.
  Value scaled(Value result, Value values, Value factors, Value scale, AffineMap scaleMap, Value bias, AffineMap biasMap) {
    Values inputs = {values, factors, e[scale]};
    SmallVector<AffineMap> maps = {identity, rows, scaleMap};
    if (bias) {
      inputs.push_back(e[bias]);
      maps.push_back(biasMap);
    }
    Type resultElement = Emitter::elementType(result);
    return e.map(e.stored(result), dims, inputs, maps, [&](Scalars &s, ValueRange v) {
      Type scaleElement = Emitter::elementType(scale);
      Value y = s.mul(s.mul(v[0], v[1]), s.cast(s.decode(v[2], scaleElement), scaleElement, compute));
      if (bias)
        y = s.add(y, s.cast(s.decode(v[3], scaleElement), scaleElement, compute));
      return s.encode(s.cast(y, compute, resultElement), resultElement);
    });
  }
};

SmallVector<int64_t> axesFrom(int64_t axis, int64_t rank) {
  SmallVector<int64_t> axes;
  for (int64_t i = axis; i < rank; ++i)
    axes.push_back(i);
  return axes;
}

Values lowerLayerNorm(nn::LayerNormalizationOp op, Emitter &e) {
  Normalizer n(e, op.getX(), axesFrom(op.getAxis(), Emitter::rank(op.getX())));
  AffineMap scale = e.broadcastMap(op.getScale(), e.shapes.dims(op.getX())), bias;
  if (op.getBias())
    bias = e.broadcastMap(op.getBias(), e.shapes.dims(op.getX()));
  if (!scale || (op.getBias() && !bias))
    return {};
  Value centered = n.centered();
  Value inverse = n.inverseRoot(n.mean(n.sum(centered, Normalizer::square)), op.getEpsilon().convertToFloat());
  return {n.scaled(op.getY(), centered, inverse, op.getScale(), scale, op.getBias(), bias)};
}

Values lowerRMSNorm(nn::RMSNormalizationOp op, Emitter &e) {
  Normalizer n(e, op.getX(), axesFrom(op.getAxis(), Emitter::rank(op.getX())));
  AffineMap scale = e.broadcastMap(op.getScale(), e.shapes.dims(op.getX()));
  if (!scale)
    return {};
  Value inverse = n.inverseRoot(n.mean(n.sum(n.x, Normalizer::square)), op.getEpsilon().convertToFloat());
  return {n.scaled(op.getY(), n.x, inverse, op.getScale(), scale, {}, {})};
}

Values lowerInstanceNorm(nn::InstanceNormalizationOp op, Emitter &e) {
  int64_t rank = Emitter::rank(op.getX());
  Normalizer n(e, op.getX(), axesFrom(2, rank));
  AffineMap channels = AffineMap::get(rank, 0, e.b.getAffineDimExpr(1), e.b.getContext());
  Value centered = n.centered();
  Value inverse = n.inverseRoot(n.mean(n.sum(centered, Normalizer::square)), op.getEpsilon().convertToFloat());
  return {n.scaled(op.getY(), centered, inverse, op.getScale(), channels, op.getBias(), channels)};
}

/// One factor and one offset per channel, so that the pass over x is one multiplication and one addition.
Values lowerBatchNorm(nn::BatchNormalizationOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getX()), parameter = Emitter::elementType(op.getScale());
  Type statistic = Emitter::elementType(op.getMean()), compute = computeElementType(element);
  int64_t rank = Emitter::rank(op.getX());
  Values channelDims = {e.dim(op.getScale(), 0)};
  RankedTensorType channelType = e.stored(op.getScale()).clone(compute);
  auto read = [&](Scalars &s, Value v, Type type) { return s.cast(s.decode(v, type), type, compute); };
  Value factors = e.map(channelType, channelDims, {e[op.getScale()], e[op.getVar()]}, [&](Scalars &s, ValueRange v) {
    Value variance = s.add(read(s, v[1], statistic), s.constant(compute, op.getEpsilon().convertToFloat()));
    return s.div(read(s, v[0], parameter), s.make<math::SqrtOp>(variance));
  });
  Value offsets = e.map(channelType, channelDims, {e[op.getBias()], e[op.getMean()], factors},
                        [&](Scalars &s, ValueRange v) {
                          return s.sub(read(s, v[0], parameter), s.mul(read(s, v[1], statistic), v[2]));
                        });
  AffineMap identity = AffineMap::getMultiDimIdentityMap(rank, e.b.getContext());
  AffineMap channels = AffineMap::get(rank, 0, e.b.getAffineDimExpr(rank > 1 ? 1 : 0), e.b.getContext());
  return {e.map(e.stored(op.getY()), e.dims(op.getX()), {e[op.getX()], factors, offsets}, {identity, channels, channels},
                [&](Scalars &s, ValueRange v) {
                  return s.encode(s.add(s.mul(s.decode(v[0], element), v[1]), v[2]), element);
                })};
}

/// x / (bias + alpha / size * sum of x^2 over the neighbouring channels)^beta
Values lowerLRN(nn::LRNOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getX()), compute = computeElementType(element);
  Value x = e[op.getX()], channels = e.dim(op.getX(), 1), before = e.index((op.getSize() - 1) / 2);
  Values dims = e.dims(op.getX());
  Value squares = e.reduceWindow(Emitter::type(x).clone(compute), dims, e.index(op.getSize()), e.constant(compute, 0),
                                 [&](Scalars &s, ValueRange at, Value sum) {
                                   Value channel = s.sub(s.add(at[1], at.back()), before), zero = s.index(0);
                                   Value isInside = s.land(s.ge(channel, zero), s.lt(channel, channels));
                                   Values where(at.drop_back());
                                   where[1] = s.select(isInside, channel, zero);
                                   Value v = s.decode(s.make<tensor::ExtractOp>(x, where), element);
                                   return s.select(isInside, s.add(sum, s.mul(v, v)), sum);
                                 });
  double alpha = op.getAlpha().convertToFloat() / op.getSize();
  return {e.map(e.stored(op.getY()), dims, {x, squares}, [&](Scalars &s, ValueRange v) {
    Value base = s.add(s.constant(compute, op.getBias().convertToFloat()), s.mul(s.constant(compute, alpha), v[1]));
    Value power = s.make<math::PowFOp>(base, s.constant(compute, op.getBeta().convertToFloat()));
    return s.encode(s.div(s.decode(v[0], element), power), element);
  })};
}

Values lowerLpNorm(nn::LpNormalizationOp op, Emitter &e) {
  Normalizer n(e, op.getX(), {static_cast<int64_t>(op.getAxis())});
  bool isL1 = op.getP() == 1;
  Value norms = n.perRow(n.sum(n.x, [&](Scalars &s, Value v) { return isL1 ? s.make<math::AbsFOp>(v) : s.mul(v, v); }),
                         [&](Scalars &s, Value v) {
                           Value norm = isL1 ? v : s.make<math::SqrtOp>(v);
                           return s.select(s.eq(norm, s.constant(n.compute, 0)), s.constant(n.compute, 1), norm);
                         });
  return {e.map(e.stored(op.getY()), n.dims, {n.x, norms}, {n.identity, n.rows},
                [&](Scalars &s, ValueRange v) { return s.encode(s.div(v[0], v[1]), n.element); })};
}

} // namespace

void qopt::addNormLowerings(LoweringTable &table) {
  table.add<nn::LayerNormalizationOp>(lowerLayerNorm);
  table.add<nn::RMSNormalizationOp>(lowerRMSNorm);
  table.add<nn::InstanceNormalizationOp>(lowerInstanceNorm);
  table.add<nn::BatchNormalizationOp>(lowerBatchNorm);
  table.add<nn::LRNOp>(lowerLRN);
  table.add<nn::LpNormalizationOp>(lowerLpNorm);
}
