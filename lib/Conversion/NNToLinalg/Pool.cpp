#include "Lowerings.h"

#include "qopt/Conversion/Common/ElementTypes.h"
#include "qopt/Conversion/Common/Windows.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace qopt;
using utils::IteratorType;

namespace {

template <typename Op> Windows windowsOf(Op op, Emitter &e) {
  Windows w{op.getX(), {}, op.getStrides(), op.getDilations(), op.getPads(), "NOTSET"};
  for (int64_t size : op.getKernelShape())
    w.kernel.push_back(e.index(size));
  w.ceilMode = op.getCeilMode();
  if constexpr (!std::is_same_v<Op, nn::MaxPoolIndicesOp>) {
    w.autoPad = op.getAutoPad();
    w.isLast = op.getLayout() == "NXC";
  }
  return w;
}

/// What the last windows of ceil mode reach beyond the padding.
Values overhang(Emitter &e, const Windows &w, const Padding &padding, ValueRange counts) {
  Values extra;
  for (int64_t i = 0; w.ceilMode && i < w.spatial(); ++i) {
    Value one = e.index(1), reach = e.add(e.mul(e.sub(w.kernel[i], one), e.index(w.dilations[i])), one);
    Value covered = e.add(e.mul(e.sub(counts[i], one), e.index(w.strides[i])), reach);
    Value padded = e.add(e.add(e.dim(w.x, w.at(i)), padding.begin[i]), padding.end[i]);
    extra.push_back(e.max(e.sub(covered, padded), e.index(0)));
  }
  return extra;
}

Values resultDims(Emitter &e, const Windows &w, ValueRange counts) {
  Values dims = e.dims(w.x);
  for (int64_t i = 0; i < w.spatial(); ++i)
    dims[w.at(i)] = counts[i];
  return dims;
}

/// Combines the window's elements, which come in stored form, into `accumulator`.
Value poolWindows(Emitter &e, const Windows &w, Value padded, RankedTensorType type, ValueRange dims, Value init,
                  BodyFn combine) {
  MLIRContext *context = e.b.getContext();
  int64_t rank = type.getRank(), n = w.spatial(), loops = rank + n;
  SmallVector<AffineExpr> exprs, window;
  SmallVector<int64_t> windowShape;
  for (int64_t i = 0; i < rank; ++i)
    exprs.push_back(getAffineDimExpr(i, context));
  for (int64_t i = 0; i < n; ++i) {
    window.push_back(getAffineDimExpr(rank + i, context));
    exprs[w.at(i)] = exprs[w.at(i)] * w.strides[i] + window.back() * w.dilations[i];
    windowShape.push_back(*getConstantIntValue(w.kernel[i]));
  }
  Value sizes = e.empty(RankedTensorType::get(windowShape, e.b.getI1Type()), w.kernel); // Gives the loops' sizes.
  SmallVector<IteratorType> iterators(rank, IteratorType::parallel);
  iterators.append(n, IteratorType::reduction);
  return e.generic(e.filled(type, dims, init), {padded, sizes},
                   {AffineMap::get(loops, 0, exprs, context), AffineMap::get(loops, 0, window, context),
                    AffineMap::getMultiDimIdentityMap(loops, context).getMajorSubMap(rank)},
                   iterators, [&](Scalars &s, ValueRange v) { return combine(s, {v[0], v[2]}); });
}

Values lowerMaxPool(nn::MaxPoolOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getX());
  Windows w = windowsOf(op, e);
  Padding padding = windowPadding(e, w);
  Values counts = windowCounts(e, w, padding);
  RankedTensorType type = e.stored(op.getY());
  Value lowest = e.encode(e.lowest(element), element);
  Value padded = padWindows(e, w, padding, e[op.getX()], lowest, overhang(e, w, padding, counts));
  bool isUnsigned = isUnsignedElement(element);
  return {poolWindows(e, w, padded, type, resultDims(e, w, counts), lowest, [&](Scalars &s, ValueRange v) {
    return s.encode(s.max(s.decode(v[1], element), s.decode(v[0], element), isUnsigned), element);
  })};
}

/// How many of the window's positions along dim i lie in [low, high).
Value countInside(Scalars &s, const Windows &w, int64_t i, Value position, Value begin, Value low, Value high) {
  Value start = s.sub(s.mul(position, s.index(w.strides[i])), begin), zero = s.index(0);
  Value dilation = s.index(w.dilations[i]), round = s.index(w.dilations[i] - 1);
  auto steps = [&](Value distance) { return s.div(s.add(s.max(distance, zero), round), dilation); };
  Value first = steps(s.sub(low, start)), last = s.min(w.kernel[i], steps(s.sub(high, start)));
  return s.max(s.sub(last, first), zero);
}

Values lowerAveragePool(nn::AveragePoolOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getX()), compute = accumulatorType(element);
  if (!isa<FloatType>(compute))
    return {};
  Windows w = windowsOf(op, e);
  Padding padding = windowPadding(e, w);
  Values counts = windowCounts(e, w, padding), dims = resultDims(e, w, counts);
  RankedTensorType type = e.stored(op.getY());
  Value zero = e.constant(e.stored(op.getX()).getElementType(), 0);
  Value padded = padWindows(e, w, padding, e[op.getX()], zero, overhang(e, w, padding, counts));
  Value sum = poolWindows(e, w, padded, type.clone(compute), dims, e.constant(compute, 0), [&](Scalars &s, ValueRange v) {
    s.allowReordering();
    return s.add(v[1], s.decode(v[0], element));
  });
  Value lowZero = e.index(0);
  Values low, high;
  for (int64_t i = 0; i < w.spatial(); ++i) {
    Value size = e.dim(op.getX(), w.at(i));
    bool counts = op.getCountIncludePad();
    low.push_back(counts ? e.sub(lowZero, padding.begin[i]) : lowZero);
    high.push_back(counts ? e.add(size, padding.end[i]) : size);
  }
  bool isWhole = padding.isZero && !w.ceilMode;
  return {e.map(type, dims, sum, [&](Scalars &s, ValueRange v) {
    Value count = s.index(1);
    for (int64_t i = 0; i < w.spatial(); ++i) {
      Value inside = w.kernel[i];
      if (!isWhole)
        inside = countInside(s, w, i, linalg::IndexOp::create(s.b, w.at(i)), padding.begin[i], low[i], high[i]);
      count = s.mul(count, inside);
    }
    return s.encode(s.div(v[0], s.fromIndex(count, compute)), element);
  })};
}

Values lowerLpPool(nn::LpPoolOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getX()), compute = accumulatorType(element);
  if (!isa<FloatType>(compute))
    return {};
  Windows w = windowsOf(op, e);
  Padding padding = windowPadding(e, w);
  Values counts = windowCounts(e, w, padding), dims = resultDims(e, w, counts);
  RankedTensorType type = e.stored(op.getY());
  Value zero = e.constant(e.stored(op.getX()).getElementType(), 0);
  Value padded = padWindows(e, w, padding, e[op.getX()], zero, overhang(e, w, padding, counts));
  double p = static_cast<double>(op.getP());
  Value sum = poolWindows(e, w, padded, type.clone(compute), dims, e.constant(compute, 0), [&](Scalars &s, ValueRange v) {
    s.allowReordering();
    Value x = s.make<math::AbsFOp>(s.decode(v[0], element));
    Value powered = p == 1 ? x : p == 2 ? s.mul(x, x) : s.make<math::PowFOp>(x, s.constant(compute, p));
    return s.add(v[1], powered);
  });
  return {e.map(type, dims, sum, [&](Scalars &s, ValueRange v) {
    Value root = p == 1 ? v[0] : p == 2 ? s.make<math::SqrtOp>(v[0]) : s.make<math::PowFOp>(v[0], s.constant(compute, 1 / p));
    return s.encode(root, element);
  })};
}

/// Row-major position of the largest element of each window, then the element there.
Values lowerMaxPoolIndices(nn::MaxPoolIndicesOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getX()), i64 = e.b.getI64Type();
  bool isUnsigned = isUnsignedElement(element);
  Windows w = windowsOf(op, e);
  Padding padding = windowPadding(e, w);
  Values counts = windowCounts(e, w, padding), dims = resultDims(e, w, counts), sizes = e.dims(op.getX());
  Value x = e[op.getX()];
  SymbolicDim total = SymbolicDim::constant(1);
  for (const SymbolicDim &dim : e.shapes.dims(op.getX()))
    total = total * dim;
  auto flatType = RankedTensorType::get({total.asConstant().value_or(ShapedType::kDynamic)}, Emitter::elementType(x));
  Value flat = e.reshape(x, e.shapes.dims(op.getX()), flatType, {total}, {e.product(sizes)});
  RankedTensorType indexType = e.stored(op.getIndices());
  int64_t rank = indexType.getRank();
  Value best = e.reduceWindow(indexType, dims, w.kernel, e.constantInt(i64, -1), [&](Scalars &s, ValueRange at, Value acc) {
    Value zero = s.index(0), isInside = s.boolean(true), position = s.add(s.mul(at[0], sizes[1]), at[1]);
    for (int64_t i = 0; i < w.spatial(); ++i) {
      Value own = s.sub(s.add(s.mul(at[2 + i], s.index(w.strides[i])), s.mul(at[rank + i], s.index(w.dilations[i]))),
                        padding.begin[i]);
      isInside = s.land(isInside, s.land(s.ge(own, zero), s.lt(own, sizes[2 + i])));
      position = s.add(s.mul(position, sizes[2 + i]), own);
    }
    auto read = [&](Value where) { return s.decode(s.make<tensor::ExtractOp>(flat, where), element); };
    Value known = s.toIndex(acc), isFirst = s.lt(acc, s.constantInt(i64, 0));
    Value candidate = read(s.select(isInside, position, zero)), current = read(s.select(isFirst, zero, known));
    Value isBetter = s.land(isInside, s.lor(isFirst, s.gt(candidate, current, isUnsigned)));
    return s.select(isBetter, s.fromIndex(position, i64), acc);
  });
  Value y = e.map(e.stored(op.getY()), dims, best,
                  [&](Scalars &s, ValueRange v) { return s.make<tensor::ExtractOp>(flat, s.toIndex(v[0])); });
  if (op.getStorageOrder() == 0 || w.spatial() < 2)
    return {y, best};
  Value turned = e.map(indexType, dims, best, [&](Scalars &s, ValueRange v) { // Column major within the spatial dims.
    Value rest = s.toIndex(v[0]), offset = s.index(0), stride = s.index(1), plane = s.index(1);
    Values at(w.spatial());
    for (int64_t i = w.spatial() - 1; i >= 0; --i) {
      at[i] = s.rem(rest, sizes[2 + i]);
      rest = s.div(rest, sizes[2 + i]);
      plane = s.mul(plane, sizes[2 + i]);
    }
    for (int64_t i = 0; i < w.spatial(); ++i) {
      offset = s.add(offset, s.mul(at[i], stride));
      stride = s.mul(stride, sizes[2 + i]);
    }
    return s.fromIndex(s.add(s.mul(rest, plane), offset), i64);
  });
  return {y, turned};
}

} // namespace

void qopt::addPoolLowerings(LoweringTable &table) {
  table.add<nn::MaxPoolOp>(lowerMaxPool);
  table.add<nn::AveragePoolOp>(lowerAveragePool);
  table.add<nn::LpPoolOp>(lowerLpPool);
  table.add<nn::MaxPoolIndicesOp>(lowerMaxPoolIndices);
}
