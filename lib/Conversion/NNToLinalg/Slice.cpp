//===- Slice.cpp - Cutting, joining and padding ----------------------------------===//
#include "Lowerings.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <numeric>

using namespace mlir;
using namespace qopt;

namespace {

SmallVector<OpFoldResult> sizesOf(Emitter &e, RankedTensorType type, ValueRange dims) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i)
    sizes.push_back(type.isDynamicDim(i) ? OpFoldResult(dims[i]) : OpFoldResult(e.b.getIndexAttr(type.getDimSize(i))));
  return sizes;
}

Values lowerConcat(nn::ConcatOp op, Emitter &e) {
  RankedTensorType type = e.stored(op.getY());
  int64_t axis = op.getAxis();
  if (Emitter::isSmall(type) && llvm::all_of(op.getInputs().getTypes(), Emitter::isSmall)) {
    Values elements;
    for (Value input : op.getInputs())
      elements.append(e.explode(e[input]));
    return {e.implode(type, elements)};
  }
  Values dims = e.dims(op.getInputs()[0]);
  for (Value input : op.getInputs().drop_front()) {
    for (int64_t i = 0; i < type.getRank(); ++i)
      if (i != axis && !e.sameDim(input, i, op.getInputs()[0], i))
        e.check(e.eq(e.dim(input, i), dims[i]), "the operands differ in a dim other than the joined one");
    dims[axis] = e.add(dims[axis], e.dim(input, axis));
  }
  Value result = e.empty(type, dims), offset = e.index(0);
  for (Value input : op.getInputs()) {
    SmallVector<OpFoldResult> offsets(type.getRank(), e.b.getIndexAttr(0)), ones(type.getRank(), e.b.getIndexAttr(1));
    offsets[axis] = getAsOpFoldResult(offset);
    SmallVector<OpFoldResult> sizes = sizesOf(e, e.stored(input), e.dims(input));
    result = tensor::InsertSliceOp::create(e.b, e[input], result, offsets, sizes, ones);
    offset = e.add(offset, e.dim(input, axis));
  }
  return {result};
}

Value cut(Emitter &e, Value tensor, RankedTensorType type, ArrayRef<OpFoldResult> offsets, ValueRange dims,
          ArrayRef<OpFoldResult> strides) {
  if (llvm::is_contained(type.getShape(), 0)) // An offset at the very end is refused, though nothing is read there.
    return e.empty(type, dims);
  return e.make<tensor::ExtractSliceOp>(type, tensor, offsets, ArrayRef(sizesOf(e, type, dims)), strides);
}

Values lowerSplit(nn::SplitOp op, Emitter &e) {
  int64_t axis = op.getAxis(), rank = Emitter::rank(op.getX()), count = op.getNumResults();
  Value length = e.dim(op.getX(), axis), offset = e.index(0), pieces = e.index(count);
  Value equal = e.div(e.add(length, e.sub(pieces, e.index(1))), pieces);
  ArrayRef<int64_t> given = op.getSplit().value_or(ArrayRef<int64_t>());
  if (op.getSplit()) {
    int64_t sum = std::accumulate(given.begin(), given.end(), int64_t(0));
    if (e.knownDim(op.getX(), axis) != sum)
      e.check(e.eq(length, e.index(sum)), "the pieces do not add up to the axis");
  }
  SmallVector<OpFoldResult> strides(rank, e.b.getIndexAttr(1));
  Values results;
  for (auto [i, y] : llvm::enumerate(op.getYs())) {
    Value size = op.getSplit() ? e.index(given[i]) : e.min(equal, e.max(e.sub(length, offset), e.index(0)));
    Values dims = e.dims(op.getX());
    dims[axis] = size;
    SmallVector<OpFoldResult> offsets(rank, e.b.getIndexAttr(0));
    offsets[axis] = getAsOpFoldResult(offset);
    results.push_back(cut(e, e[op.getX()], e.stored(y), offsets, dims, strides));
    offset = e.add(offset, size);
  }
  return results;
}

struct Range {
  Value start, size;
};

/// Numpy's clamping of start and end to a dim, and the number of steps between.
Range clampRange(Emitter &e, Value start, Value end, int64_t step, Value dim) {
  Value zero = e.index(0), one = e.index(1), last = e.sub(dim, one);
  auto count = [&](Value i) { return e.select(e.lt(i, zero), e.add(i, dim), i); };
  auto clamp = [&](Value i, Value low, Value high) { return e.min(e.max(i, low), high); };
  start = count(start), end = count(end);
  start = step > 0 ? clamp(start, zero, dim) : clamp(start, zero, last);
  end = step > 0 ? clamp(end, zero, dim) : clamp(end, e.index(-1), last);
  Value distance = step > 0 ? e.sub(end, start) : e.sub(start, end), stride = e.index(std::abs(step));
  Value size = e.div(e.add(e.max(distance, zero), e.index(std::abs(step) - 1)), stride);
  return {start, size};
}

Values sliceSmall(nn::SliceOp op, Emitter &e) {
  auto starts = Emitter::constantInts(op.getStarts()), ends = Emitter::constantInts(op.getEnds());
  if (!starts || !ends || op.getAxes().size() != 1 || !Emitter::isSmall(op.getData().getType()) ||
      !Emitter::isSmall(op.getY().getType()) || op.getSteps()[0] == 0)
    return {};
  int64_t n = Emitter::type(op.getData()).getNumElements(), step = op.getSteps()[0];
  auto clamp = [&](int64_t i, int64_t low, int64_t high) { return std::clamp(i < 0 ? i + n : i, low, std::max(low, high)); };
  int64_t start = step > 0 ? clamp((*starts)[0], 0, n) : clamp((*starts)[0], 0, n - 1);
  int64_t end = step > 0 ? clamp((*ends)[0], 0, n) : clamp((*ends)[0], -1, n - 1);
  Values all = e.explode(e[op.getData()]), elements;
  for (int64_t i = start; step > 0 ? i < end : i > end; i += step)
    elements.push_back(all[i]);
  if (static_cast<int64_t>(elements.size()) != Emitter::type(op.getY()).getNumElements())
    return {};
  return {e.implode(e.stored(op.getY()), elements)};
}

Values lowerSlice(nn::SliceOp op, Emitter &e) {
  if (Values small = sliceSmall(op, e); !small.empty())
    return small;
  Value x = op.getData();
  RankedTensorType type = e.stored(op.getY());
  Values starts = e.explode(e[op.getStarts()], op.getAxes().size());
  Values ends = e.explode(e[op.getEnds()], op.getAxes().size()), dims = e.dims(x);
  Values firsts(dims.size(), e.index(0));
  SmallVector<int64_t> steps(dims.size(), 1);
  for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
    steps[axis] = op.getSteps()[i];
    if (steps[axis] == 0)
      return {};
    bool isWhole = steps[axis] == 1 && e.shapes.dims(op.getY())[axis] == e.shapes.dims(x)[axis];
    if (isWhole)
      continue;
    Range range = clampRange(e, e.toIndex(starts[i]), e.toIndex(ends[i]), steps[axis], dims[axis]);
    firsts[axis] = range.start;
    dims[axis] = range.size;
  }
  Value tensor = e[x];
  if (llvm::any_of(steps, [](int64_t step) { return step < 0; }))
    return {e.generate(type, dims, [&](Scalars &s, ValueRange at) {
      Values from;
      for (auto [i, index] : llvm::enumerate(at))
        from.push_back(s.add(firsts[i], s.mul(index, s.index(steps[i]))));
      return s.make<tensor::ExtractOp>(tensor, from);
    })};
  SmallVector<OpFoldResult> offsets, strides;
  for (auto [first, step] : llvm::zip(firsts, steps)) {
    offsets.push_back(getAsOpFoldResult(first));
    strides.push_back(e.b.getIndexAttr(step));
  }
  for (int64_t i = 0; i < type.getRank(); ++i) // A static size that the run has to agree with.
    if (!type.isDynamicDim(i) && getConstantIntValue(dims[i]) != type.getDimSize(i))
      e.check(e.eq(dims[i], e.index(type.getDimSize(i))), "the slice has another size than shape inference found");
  return {cut(e, tensor, type, offsets, dims, strides)};
}

/// Index into a dim of size `n` for a position that may lie outside.
Value mapOutside(Scalars &s, StringRef mode, Value i, Value n) {
  Value zero = s.index(0), one = s.index(1), two = s.index(2);
  auto modulo = [&](Value period) {
    Value r = s.rem(i, period);
    return s.select(s.lt(r, zero), s.add(r, period), r);
  };
  if (mode == "edge")
    return s.max(zero, s.min(i, s.sub(n, one)));
  if (mode == "wrap")
    return modulo(n);
  Value period = s.max(s.mul(two, s.sub(n, one)), one); // reflect
  Value r = modulo(period);
  return s.select(s.lt(r, n), r, s.sub(period, r));
}

Values lowerPad(nn::PadOp op, Emitter &e) {
  Value x = op.getData(), tensor = e[x];
  RankedTensorType type = e.stored(op.getY());
  int64_t rank = type.getRank();
  Values pads = e.explode(e[op.getPads()], 2 * rank), sizes = e.dims(x), dims, low;
  if (static_cast<int64_t>(pads.size()) != 2 * rank)
    return {};
  for (int64_t i = 0; i < rank; ++i) {
    low.push_back(e.toIndex(pads[i]));
    dims.push_back(e.add(sizes[i], e.add(low[i], e.toIndex(pads[i + rank]))));
    if (!getConstantIntValue(dims[i]))
      e.check(e.ge(dims[i], e.index(0)), "the padding crops more than there is");
  }
  Value value = op.getValue() ? e.scalar(e[op.getValue()]) : e.constant(type.getElementType(), 0);
  auto constants = Emitter::constantInts(op.getPads());
  bool isPlain = constants && llvm::all_of(*constants, [](int64_t p) { return p >= 0; });
  if (op.getMode() == "constant" && isPlain) {
    SmallVector<OpFoldResult> lows, highs;
    for (int64_t i = 0; i < rank; ++i) {
      lows.push_back(e.b.getIndexAttr((*constants)[i]));
      highs.push_back(e.b.getIndexAttr((*constants)[i + rank]));
    }
    return {tensor::PadOp::create(e.b, Type(), tensor, lows, highs, value)};
  }
  return {e.generate(type, dims, [&](Scalars &s, ValueRange at) {
    Values from;
    Value isInside = s.boolean(true), zero = s.index(0);
    for (int64_t i = 0; i < rank; ++i) {
      Value own = s.sub(at[i], low[i]);
      if (op.getMode() != "constant") {
        from.push_back(mapOutside(s, op.getMode(), own, sizes[i]));
        continue;
      }
      Value fits = s.land(s.ge(own, zero), s.lt(own, sizes[i]));
      isInside = s.land(isInside, fits);
      from.push_back(s.select(fits, own, zero));
    }
    if (op.getMode() != "constant")
      return s.make<tensor::ExtractOp>(tensor, from);
    auto branch = scf::IfOp::create(s.b, type.getElementType(), isInside, true); // An input without elements has no [0].
    OpBuilder yes = branch.getThenBodyBuilder(), no = branch.getElseBodyBuilder();
    scf::YieldOp::create(yes, s.b.getLoc(), tensor::ExtractOp::create(yes, s.b.getLoc(), tensor, from).getResult());
    scf::YieldOp::create(no, s.b.getLoc(), value);
    return Value(branch.getResult(0));
  })};
}

} // namespace

void qopt::addSliceLowerings(LoweringTable &table) {
  table.add<nn::ConcatOp>(lowerConcat);
  table.add<nn::SplitOp>(lowerSplit);
  table.add<nn::SliceOp>(lowerSlice);
  table.add<nn::PadOp>(lowerPad);
}
