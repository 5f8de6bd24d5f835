// Evaluation of ops that move elements: bytes in, bytes out.
#include "Evaluate.h"

#include "qopt/Dialect/NN/IR/Constants.h"
#include "qopt/Dialect/NN/IR/HostValues.h"
#include "qopt/Dialect/NN/IR/NN.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace qopt;
using namespace qopt::nn;

using Results = std::optional<SmallVector<Tensor>>;

BroadcastIndex::BroadcastIndex(ArrayRef<int64_t> shape, ArrayRef<int64_t> result) {
  kind = shape == result ? Same : llvm::all_of(shape, [](int64_t dim) { return dim == 1; }) ? Scalar : General;
  sizes.assign(result.begin(), result.end());
  strides.assign(result.size(), 0);
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1)
      strides[i + result.size() - shape.size()] = stride;
    stride *= shape[i];
  }
}

int64_t BroadcastIndex::operator()(int64_t index) const {
  if (kind != General)
    return kind == Same ? index : 0;
  int64_t at = 0;
  for (size_t i = sizes.size(); i-- > 0;) {
    at += index % sizes[i] * strides[i];
    index /= sizes[i];
  }
  return at;
}

namespace {
ArrayRef<int64_t> resultShape(Operation *op, unsigned i = 0) { return cast<RankedTensorType>(op->getResult(i).getType()).getShape(); }

Results one(std::optional<Tensor> tensor) { return tensor ? Results(SmallVector<Tensor>{std::move(*tensor)}) : std::nullopt; }

/// A tensor whose element i is element from(i) of `source`.
template <typename From> std::optional<Tensor> pick(const Tensor &source, ArrayRef<int64_t> shape, From from) {
  auto out = take(Tensor::allocate(source.dtype(), shape));
  if (!out)
    return std::nullopt;
  size_t step = storageBytes(source.dtype());
  for (int64_t i = 0; i < out->numElements(); ++i) {
    int64_t at = from(i);
    if (at < 0 || at >= source.numElements())
      return std::nullopt;
    std::memcpy(out->mutableBytes().data() + i * step, source.bytes().data() + at * step, step);
  }
  return out;
}

SmallVector<int64_t> rowMajorStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

/// pick() with a source index that is linear in the result's coordinates.
std::optional<Tensor> pickLinear(const Tensor &source, ArrayRef<int64_t> shape, int64_t base, ArrayRef<int64_t> strides) {
  return pick(source, shape, [&](int64_t index) {
    int64_t at = base;
    for (size_t i = shape.size(); i-- > 0;) {
      at += index % shape[i] * strides[i];
      index /= shape[i];
    }
    return at;
  });
}

Results transpose(TransposeOp op, const Tensor &x) {
  SmallVector<int64_t> from = rowMajorStrides(x.shape()), strides;
  for (int64_t dim : op.getPerm())
    strides.push_back(from[dim]);
  return one(pickLinear(x, resultShape(op), 0, strides));
}

Results slice(SliceOp op, ArrayRef<Tensor> operands) {
  auto starts = tensorInts(operands[1]);
  if (!starts)
    return std::nullopt;
  SmallVector<int64_t> strides = rowMajorStrides(operands[0].shape());
  int64_t base = 0;
  for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
    int64_t size = operands[0].dim(axis), step = op.getSteps()[i], start = (*starts)[i];
    start = start < 0 ? start + size : start;
    start = step > 0 ? std::clamp<int64_t>(start, 0, size) : std::clamp<int64_t>(start, -1, size - 1);
    base += start * strides[axis];
    strides[axis] *= step;
  }
  return one(pickLinear(operands[0], resultShape(op), base, strides));
}

/// Copies whole slices along `axis`: outer × (pieces) × inner.
Results concat(ConcatOp op, ArrayRef<Tensor> operands) {
  int64_t axis = op.getAxis(), outer = 1;
  auto out = take(Tensor::allocate(operands[0].dtype(), resultShape(op)));
  if (!out)
    return std::nullopt;
  for (int64_t i = 0; i < axis; ++i)
    outer *= out->dim(i);
  if (outer == 0 || out->numElements() == 0)
    return one(out);
  int64_t row = out->numBytes() / outer, offset = 0;
  for (const Tensor &part : operands) {
    int64_t bytes = part.numBytes() / outer;
    for (int64_t i = 0; i < outer; ++i)
      std::memcpy(out->mutableBytes().data() + i * row + offset, part.bytes().data() + i * bytes, bytes);
    offset += bytes;
  }
  return one(out);
}

Results split(SplitOp op, const Tensor &x) {
  SmallVector<Tensor> out;
  SmallVector<int64_t> strides = rowMajorStrides(x.shape());
  int64_t at = 0;
  for (unsigned i = 0; i < op->getNumResults(); ++i) {
    auto piece = pickLinear(x, resultShape(op, i), at * strides[op.getAxis()], strides);
    if (!piece)
      return std::nullopt;
    at += piece->dim(op.getAxis());
    out.push_back(std::move(*piece));
  }
  return out;
}

Results gather(GatherOp op, const Tensor &data, const Tensor &indices) {
  auto at = tensorInts(indices);
  if (!at)
    return std::nullopt;
  int64_t axis = op.getAxis(), size = data.dim(axis), inner = 1;
  for (int64_t dim : data.shape().drop_front(axis + 1))
    inner *= dim;
  int64_t count = at->size();
  return one(pick(data, resultShape(op), [&](int64_t index) {
    int64_t low = index % inner, which = index / inner % count, high = index / inner / count;
    int64_t row = (*at)[which] < 0 ? (*at)[which] + size : (*at)[which];
    return row < 0 || row >= size ? int64_t(-1) : (high * size + row) * inner + low;
  }));
}

Results broadcast(Operation *op, const Tensor &x) {
  BroadcastIndex index(x.shape(), resultShape(op));
  return one(pick(x, resultShape(op), index));
}
} // namespace

Results nn::evaluateMove(Operation *op, ArrayRef<Tensor> operands) {
  return llvm::TypeSwitch<Operation *, Results>(op)
      .Case<ReshapeOp, FlattenOp, SqueezeOp, UnsqueezeOp>([&](Operation *same) { return one(take(operands[0].reshape(resultShape(same)))); })
      .Case([&](TransposeOp t) { return transpose(t, operands[0]); })
      .Case([&](SliceOp s) { return slice(s, operands); })
      .Case([&](ConcatOp c) { return concat(c, operands); })
      .Case([&](SplitOp s) { return split(s, operands[0]); })
      .Case([&](GatherOp g) { return gather(g, operands[0], operands[1]); })
      .Case([&](ExpandOp e) { return broadcast(e, operands[0]); })
      .Case([&](ConstantOfShapeOp c) -> Results {
        auto value = take(tensorOf(c.getValue()));
        if (!value || value->numElements() != 1)
          return std::nullopt;
        return one(pick(*value, resultShape(c), [](int64_t) { return 0; }));
      })
      .Default([](Operation *) { return std::nullopt; });
}
