#include "qopt/Conversion/Common/Windows.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace qopt;
using utils::IteratorType;

namespace {
/// (kernel - 1) * dilation + 1
Value reach(Emitter &e, const Windows &w, int64_t i) {
  Value one = e.index(1);
  return e.add(e.mul(e.sub(w.kernel[i], one), e.index(w.dilations[i])), one);
}

Value ceilDiv(Emitter &e, Value x, int64_t divisor) {
  return e.div(e.add(x, e.index(divisor - 1)), e.index(divisor));
}

int64_t knownSize(const SymbolicDim &dim) { return dim.asConstant().value_or(ShapedType::kDynamic); }
} // namespace

Padding qopt::windowPadding(Emitter &e, const Windows &w) {
  Padding padding;
  int64_t n = w.spatial();
  bool isSame = w.autoPad == "SAME_UPPER" || w.autoPad == "SAME_LOWER";
  padding.isZero = !isSame && llvm::all_of(w.pads, [](int64_t p) { return p == 0; });
  for (int64_t i = 0; i < n; ++i) {
    if (!isSame) {
      padding.begin.push_back(e.index(w.pads[i]));
      padding.end.push_back(e.index(w.pads[i + n]));
      continue;
    }
    Value size = e.dim(w.x, w.at(i)), zero = e.index(0);
    Value covered = e.add(e.mul(e.sub(ceilDiv(e, size, w.strides[i]), e.index(1)), e.index(w.strides[i])), reach(e, w, i));
    Value total = e.max(e.sub(covered, size), zero), less = e.div(total, e.index(2)), more = e.sub(total, less);
    padding.begin.push_back(w.autoPad == "SAME_UPPER" ? less : more);
    padding.end.push_back(w.autoPad == "SAME_UPPER" ? more : less);
  }
  return padding;
}

Values qopt::windowCounts(Emitter &e, const Windows &w, const Padding &padding) {
  Values counts;
  for (int64_t i = 0; i < w.spatial(); ++i) {
    Value size = e.dim(w.x, w.at(i));
    Value padded = e.add(e.add(size, padding.begin[i]), padding.end[i]);
    Value room = e.sub(padded, reach(e, w, i)), zero = e.index(0), one = e.index(1);
    e.check(e.ge(room, zero), "the window is larger than the padded input");
    Value stride = e.index(w.strides[i]);
    Value count = e.add(w.ceilMode ? ceilDiv(e, room, w.strides[i]) : e.div(room, stride), one);
    if (w.ceilMode) { // The last window has to start inside the input or the padding before it.
      Value start = e.mul(e.sub(count, one), stride);
      count = e.select(e.ge(start, e.add(size, padding.begin[i])), e.sub(count, one), count);
    }
    counts.push_back(count);
  }
  return counts;
}

Value qopt::padWindows(Emitter &e, const Windows &w, const Padding &padding, Value tensor, Value value, ValueRange extra) {
  if (padding.isZero && extra.empty())
    return tensor;
  RankedTensorType type = Emitter::type(tensor);
  SmallVector<OpFoldResult> low(type.getRank(), e.b.getIndexAttr(0)), high = low;
  SmallVector<int64_t> shape(type.getShape());
  for (int64_t i = 0; i < w.spatial(); ++i) {
    Value end = extra.empty() ? padding.end[i] : e.add(padding.end[i], extra[i]);
    low[w.at(i)] = getAsOpFoldResult(padding.begin[i]);
    high[w.at(i)] = getAsOpFoldResult(end);
    auto before = getConstantIntValue(padding.begin[i]), behind = getConstantIntValue(end);
    int64_t &size = shape[w.at(i)];
    size = before && behind && !ShapedType::isDynamic(size) ? size + *before + *behind : ShapedType::kDynamic;
  }
  return tensor::PadOp::create(e.b, type.clone(shape), tensor, low, high, value);
}

Value qopt::emitConv(Emitter &e, const Windows &w, Value padded, Value weight, const SymbolicDims &weightDims,
                     int64_t group, Value result, ValueRange counts, Type accumulator, ProductFn product) {
  MLIRContext *context = e.b.getContext();
  int64_t n = w.spatial();
  bool isGrouped = group > 1;
  const SymbolicDims &xDims = e.shapes.dims(w.x);
  const SymbolicDim &outDim = weightDims[w.isLast ? n + 1 : 0], &inDim = weightDims[w.isLast ? n : 1];
  SymbolicDim groups = SymbolicDim::constant(group);
  auto perGroup = exactQuotient(outDim, groups);
  if (!perGroup || (xDims[w.channel()].asConstant() && inDim * groups != xDims[w.channel()]))
    return {};

  // Loops: batch, (group,) channel, positions, input channel, window.
  int64_t loop = 0;
  AffineExpr batch = getAffineDimExpr(loop++, context), g = isGrouped ? getAffineDimExpr(loop++, context) : AffineExpr();
  AffineExpr out = getAffineDimExpr(loop++, context);
  SmallVector<AffineExpr> positions, window;
  for (int64_t i = 0; i < n; ++i)
    positions.push_back(getAffineDimExpr(loop++, context));
  AffineExpr in = getAffineDimExpr(loop++, context);
  for (int64_t i = 0; i < n; ++i)
    window.push_back(getAffineDimExpr(loop++, context));

  // The operands with their channels split into groups.
  auto split = [&](Value tensor, SymbolicDims from, int64_t at, const SymbolicDim &inner) {
    if (!isGrouped)
      return tensor;
    RankedTensorType type = Emitter::type(tensor);
    SymbolicDims to(from);
    to[at] = inner;
    to.insert(to.begin() + at, groups);
    SmallVector<int64_t> shape(type.getShape());
    Values sizes = e.dimsOf(tensor);
    shape[at] = knownSize(inner);
    shape.insert(shape.begin() + at, group);
    sizes[at] = e.div(sizes[at], e.index(group));
    sizes.insert(sizes.begin() + at, e.index(group));
    return e.reshape(tensor, from, type.clone(shape), to, sizes);
  };
  SymbolicDims paddedDims;
  for (int64_t i = 0; i < Emitter::rank(padded); ++i)
    paddedDims.push_back(i == w.channel() ? inDim * groups
                         : Emitter::type(padded).isDynamicDim(i)
                             ? (i == 0 ? xDims[0] : e.shapes.freshAtom(true))
                             : SymbolicDim::constant(Emitter::type(padded).getDimSize(i)));
  SmallVector<int64_t> exact(Emitter::type(padded).getShape());
  exact[w.channel()] = knownSize(inDim * groups);
  if (Emitter::type(padded).isDynamicDim(w.channel()))
    e.check(e.eq(e.dimOf(padded, w.channel()), e.index(exact[w.channel()])), "the input has another number of channels");
  padded = split(e.castTo(Emitter::type(padded).clone(exact), padded), paddedDims, w.channel(), inDim);
  weight = split(weight, weightDims, w.isLast ? n + 1 : 0, *perGroup);

  SmallVector<AffineExpr> xExprs = {batch}, wExprs, yExprs = {batch}, channels;
  for (int64_t i = 0; i < n; ++i)
    channels.push_back(positions[i] * w.strides[i] + window[i] * w.dilations[i]);
  auto append = [&](SmallVectorImpl<AffineExpr> &to, ArrayRef<AffineExpr> spatial, AffineExpr channel) {
    SmallVector<AffineExpr> own;
    if (isGrouped)
      own.push_back(g);
    own.push_back(channel);
    if (w.isLast)
      to.append(spatial.begin(), spatial.end());
    to.append(own);
    if (!w.isLast)
      to.append(spatial.begin(), spatial.end());
  };
  append(xExprs, channels, in);
  append(yExprs, positions, out);
  if (w.isLast) {
    wExprs.assign(window.begin(), window.end());
    wExprs.push_back(in);
    if (isGrouped)
      wExprs.push_back(g);
    wExprs.push_back(out);
  } else {
    if (isGrouped)
      wExprs.push_back(g);
    wExprs.append({out, in});
    wExprs.append(window.begin(), window.end());
  }

  RankedTensorType resultType = e.stored(result).clone(accumulator), sumType = resultType;
  Values dims(resultType.getRank());
  Value batchSize = e.dim(w.x, 0);
  dims[0] = batchSize;
  for (int64_t i = 0; i < n; ++i)
    dims[w.at(i)] = counts[i];
  int64_t outCount = knownSize(outDim);
  dims[w.channel()] = e.index(outCount);
  Values sumDims = dims;
  SymbolicDims flat(e.shapes.dims(result)), grouped(flat);
  flat[w.channel()] = outDim;
  if (isGrouped) {
    SmallVector<int64_t> shape(sumType.getShape());
    shape[w.channel()] = knownSize(*perGroup);
    shape.insert(shape.begin() + w.channel(), group);
    sumType = sumType.clone(shape);
    sumDims[w.channel()] = e.index(outCount / group);
    sumDims.insert(sumDims.begin() + w.channel(), e.index(group));
    grouped[w.channel()] = *perGroup;
    grouped.insert(grouped.begin() + w.channel(), groups);
  }
  SmallVector<IteratorType> iterators(loop, IteratorType::parallel);
  std::fill(iterators.end() - n - 1, iterators.end(), IteratorType::reduction);
  Value sum = e.generic(e.filled(sumType, sumDims, e.constant(accumulator, 0)), {padded, weight},
                        {AffineMap::get(loop, 0, xExprs, context), AffineMap::get(loop, 0, wExprs, context),
                         AffineMap::get(loop, 0, yExprs, context)},
                        iterators, [&](Scalars &s, ValueRange v) {
                          s.allowReordering();
                          return s.add(v[2], product(s, v[0], v[1]));
                        });
  return isGrouped ? e.reshape(sum, grouped, resultType, flat, dims) : sum;
}
