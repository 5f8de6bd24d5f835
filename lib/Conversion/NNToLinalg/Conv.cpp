#include "Lowerings.h"

#include "qopt/Conversion/Common/ElementTypes.h"
#include "qopt/Conversion/Common/Windows.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace qopt;
using utils::IteratorType;

namespace {

/// Adds a bias over the channels and stores the result.
Value finish(Emitter &e, Value sum, Value bias, Value result, int64_t channel) {
  Type element = Emitter::elementType(result);
  RankedTensorType type = e.stored(result);
  MLIRContext *context = e.b.getContext();
  AffineMap identity = AffineMap::getMultiDimIdentityMap(type.getRank(), context);
  if (!bias && sum.getType() == type)
    return sum;
  if (!bias)
    return e.map(type, e.dimsOf(sum), sum, [&](Scalars &s, ValueRange v) { return s.encode(v[0], element); });
  AffineMap channels = AffineMap::get(type.getRank(), 0, getAffineDimExpr(channel, context));
  return e.map(type, e.dimsOf(sum), {sum, e[bias]}, {identity, channels}, [&](Scalars &s, ValueRange v) {
    return s.encode(s.add(v[0], s.decode(v[1], element)), element);
  });
}

Values lowerConv(nn::ConvOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getY()), accumulator = accumulatorType(element);
  Windows w{op.getX(), {}, op.getStrides(), op.getDilations(), op.getPads(), op.getAutoPad(), op.getLayout() == "NXC"};
  for (int64_t i = 0; i < w.spatial(); ++i)
    w.kernel.push_back(e.dim(op.getW(), w.isLast ? i : i + 2));
  Padding padding = windowPadding(e, w);
  Values counts = windowCounts(e, w, padding);
  Value zero = e.constant(e.stored(op.getX()).getElementType(), 0);
  Value padded = padWindows(e, w, padding, e[op.getX()], zero);
  Value sum = emitConv(e, w, padded, e[op.getW()], e.shapes.dims(op.getW()), op.getGroup(), op.getY(), counts,
                       accumulator, [&](Scalars &s, Value x, Value y) {
                         return s.mul(s.decode(x, element), s.decode(y, element));
                       });
  if (!sum)
    return {};
  return {finish(e, sum, op.getB(), op.getY(), w.channel())};
}

/// Stride equal to the kernel: windows do not overlap, so y[…, i * k + j] is the sum over c of x[c, i] * w[c, m, j].
Value lowerDisjoint(nn::ConvTransposeOp op, Emitter &e) {
  MLIRContext *context = e.b.getContext();
  int64_t n = op.getStrides().size(), loops = 2 + 2 * n + 1;
  Type element = Emitter::elementType(op.getY()), accumulator = accumulatorType(element);
  auto d = [&](int64_t i) { return getAffineDimExpr(i, context); };
  const SymbolicDims &x = e.shapes.dims(op.getX()), &w = e.shapes.dims(op.getW());
  auto known = [](const SymbolicDim &dim) { return dim.asConstant().value_or(ShapedType::kDynamic); };
  SymbolicDims split = {x[0], w[1]}, merged = split;
  Values splitDims = {e.dim(op.getX(), 0), e.dim(op.getW(), 1)}, dims = splitDims;
  SmallVector<AffineExpr> xExprs = {d(0), d(loops - 1)}, wExprs = {d(loops - 1), d(1)};
  for (int64_t i = 0; i < n; ++i) {
    split.append({x[2 + i], w[2 + i]});
    merged.push_back(x[2 + i] * w[2 + i]);
    splitDims.append({e.dim(op.getX(), 2 + i), e.dim(op.getW(), 2 + i)});
    dims.push_back(e.mul(e.dim(op.getX(), 2 + i), e.dim(op.getW(), 2 + i)));
    xExprs.push_back(d(2 + 2 * i));
    wExprs.push_back(d(3 + 2 * i));
  }
  SmallVector<int64_t> shape;
  for (const SymbolicDim &dim : split)
    shape.push_back(known(dim));
  auto type = RankedTensorType::get(shape, accumulator);
  SmallVector<IteratorType> iterators(loops, IteratorType::parallel);
  iterators.back() = IteratorType::reduction;
  Value sum = e.generic(e.filled(type, splitDims, e.constant(accumulator, 0)), {e[op.getX()], e[op.getW()]},
                        {AffineMap::get(loops, 0, xExprs, context), AffineMap::get(loops, 0, wExprs, context),
                         AffineMap::getMultiDimIdentityMap(loops, context).getMajorSubMap(loops - 1)},
                        iterators, [&](Scalars &s, ValueRange v) {
                          s.allowReordering();
                          return s.add(v[2], s.mul(s.decode(v[0], element), s.decode(v[1], element)));
                        });
  return e.reshape(sum, split, e.stored(op.getY()).clone(accumulator), merged, dims);
}

/// Any other: each result element gathers the inputs whose windows reach it.
Value lowerOverlapping(nn::ConvTransposeOp op, Emitter &e) {
  int64_t n = op.getStrides().size(), group = op.getGroup();
  Type element = Emitter::elementType(op.getY()), accumulator = accumulatorType(element);
  Value x = e[op.getX()], weight = e[op.getW()], one = e.index(1);
  Value perGroup = e.dim(op.getW(), 1), channels = e.div(e.dim(op.getX(), 1), e.index(group));
  Values dims = {e.dim(op.getX(), 0), e.mul(perGroup, e.index(group))}, window = {channels}, sizes;
  for (int64_t i = 0; i < n; ++i) {
    Value size = e.dim(op.getX(), 2 + i), kernel = e.dim(op.getW(), 2 + i);
    Value spread = e.mul(e.sub(size, one), e.index(op.getStrides()[i]));
    Value reach = e.add(e.mul(e.sub(kernel, one), e.index(op.getDilations()[i])), one);
    int64_t pads = op.getPads()[i] + op.getPads()[i + n] - op.getOutputPadding()[i];
    dims.push_back(e.sub(e.add(spread, reach), e.index(pads)));
    window.push_back(kernel);
    sizes.push_back(size);
  }
  return e.reduceWindow(
      e.stored(op.getY()).clone(accumulator), dims, window, e.constant(accumulator, 0),
      [&](Scalars &s, ValueRange at, Value sum) {
        Value isInside = s.boolean(true), zero = s.index(0), channel = at[n + 2], out = at[1];
        Value of = s.div(out, perGroup);
        Values xAt = {at[0], s.add(s.mul(of, channels), channel)};
        Values wAt = {xAt[1], s.rem(out, perGroup)};
        for (int64_t i = 0; i < n; ++i) {
          Value k = at[n + 3 + i], stride = s.index(op.getStrides()[i]);
          Value t = s.sub(s.add(at[2 + i], s.index(op.getPads()[i])), s.mul(k, s.index(op.getDilations()[i])));
          Value from = s.div(t, stride);
          Value fits = s.land(s.land(s.ge(t, zero), s.eq(s.rem(t, stride), zero)), s.lt(from, sizes[i]));
          isInside = s.land(isInside, fits);
          xAt.push_back(s.select(fits, from, zero));
          wAt.push_back(k);
        }
        Value a = s.decode(s.make<tensor::ExtractOp>(x, xAt), element);
        Value b = s.decode(s.make<tensor::ExtractOp>(weight, wAt), element);
        return s.select(isInside, s.add(sum, s.mul(a, b)), sum);
      });
}

Values lowerConvTranspose(nn::ConvTransposeOp op, Emitter &e) {
  if (op.getLayout() != "NCX")
    return {};
  auto all = [](ArrayRef<int64_t> values, int64_t wanted) {
    return llvm::all_of(values, [&](int64_t v) { return v == wanted; });
  };
  bool isDisjoint = op.getGroup() == 1 && all(op.getDilations(), 1) && all(op.getPads(), 0) && all(op.getOutputPadding(), 0);
  for (auto [i, stride] : llvm::enumerate(op.getStrides()))
    isDisjoint &= e.knownDim(op.getW(), 2 + i) == stride;
  Value sum = isDisjoint ? lowerDisjoint(op, e) : lowerOverlapping(op, e);
  return {finish(e, sum, op.getB(), op.getY(), 1)};
}

} // namespace

void qopt::addConvLowerings(LoweringTable &table) {
  table.add<nn::ConvOp>(lowerConv);
  table.add<nn::ConvTransposeOp>(lowerConvTranspose);
}
