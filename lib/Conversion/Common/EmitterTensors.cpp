#include "qopt/Conversion/Common/Emitter.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace qopt;
using utils::IteratorType;

Value Emitter::empty(RankedTensorType type, ValueRange dims) {
  Values dynamic;
  for (int64_t i = 0, e = type.getRank(); i < e; ++i)
    if (type.isDynamicDim(i))
      dynamic.push_back(dims[i]);
  return tensor::EmptyOp::create(b, type, dynamic);
}

Value Emitter::filled(RankedTensorType type, ValueRange dims, Value value) {
  return linalg::FillOp::create(b, value, empty(type, dims)).getResult(0);
}

Value Emitter::generic(Value init, ValueRange inputs, ArrayRef<AffineMap> maps, ArrayRef<IteratorType> iterators,
                       BodyFn body) {
  auto generic = linalg::GenericOp::create(b, init.getType(), inputs, init, maps, iterators,
                                           [&](OpBuilder &nested, Location loc, ValueRange elements) {
                                             Scalars inner(nested, loc, module);
                                             linalg::YieldOp::create(nested, loc, body(inner, elements));
                                           });
  return generic.getResult(0);
}

Value Emitter::map(RankedTensorType type, ValueRange dims, ValueRange inputs, ArrayRef<AffineMap> maps, BodyFn body) {
  int64_t rank = type.getRank();
  SmallVector<AffineMap> all(maps);
  all.push_back(AffineMap::getMultiDimIdentityMap(rank, b.getContext()));
  SmallVector<IteratorType> iterators(rank, IteratorType::parallel);
  return generic(empty(type, dims), inputs, all, iterators,
                 [&](Scalars &s, ValueRange elements) { return body(s, elements.drop_back()); });
}

Value Emitter::map(RankedTensorType type, ValueRange dims, ValueRange inputs, BodyFn body) {
  SmallVector<AffineMap> maps(inputs.size(), AffineMap::getMultiDimIdentityMap(type.getRank(), b.getContext()));
  return map(type, dims, inputs, maps, body);
}

Value Emitter::generate(RankedTensorType type, ValueRange dims, ElementFn element) {
  return map(type, dims, {}, ArrayRef<AffineMap>(), [&](Scalars &s, ValueRange) {
    Values indices;
    for (int64_t i = 0, e = type.getRank(); i < e; ++i)
      indices.push_back(linalg::IndexOp::create(s.b, i));
    return element(s, indices);
  });
}

Value Emitter::reduce(Value input, ArrayRef<int64_t> axes, Value init, Type resultElement, BodyFn body) {
  RankedTensorType from = type(input);
  SmallVector<AffineExpr> kept;
  SmallVector<int64_t> shape;
  SmallVector<IteratorType> iterators;
  Values dims;
  for (int64_t i = 0, e = from.getRank(); i < e; ++i) {
    bool isReduced = llvm::is_contained(axes, i);
    iterators.push_back(isReduced ? IteratorType::reduction : IteratorType::parallel);
    if (isReduced)
      continue;
    kept.push_back(b.getAffineDimExpr(i));
    shape.push_back(from.getDimSize(i));
    dims.push_back(dimOf(input, i));
  }
  SmallVector<AffineMap> maps = {AffineMap::getMultiDimIdentityMap(from.getRank(), b.getContext()),
                                 AffineMap::get(from.getRank(), 0, kept, b.getContext())};
  Value target = filled(RankedTensorType::get(shape, resultElement), dims, init);
  return generic(target, input, maps, iterators, body);
}

Value Emitter::reduceWindow(RankedTensorType type, ValueRange dims, ValueRange window, Value init,
                            function_ref<Value(Scalars &, ValueRange, Value)> element) {
  int64_t rank = type.getRank(), all = rank + window.size();
  SmallVector<int64_t> windowShape;
  SmallVector<AffineExpr> outer, inner;
  for (int64_t i = 0; i < rank; ++i)
    outer.push_back(b.getAffineDimExpr(i));
  for (auto [i, size] : llvm::enumerate(window)) {
    inner.push_back(b.getAffineDimExpr(rank + i));
    windowShape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  }
  // Linalg takes the sizes of its loops from operands: this one gives sizes only.
  Value sizes = empty(RankedTensorType::get(windowShape, b.getI1Type()), window);
  SmallVector<IteratorType> iterators(rank, IteratorType::parallel);
  iterators.append(window.size(), IteratorType::reduction);
  SmallVector<AffineMap> maps = {AffineMap::get(all, 0, inner, b.getContext()),
                                 AffineMap::get(all, 0, outer, b.getContext())};
  return generic(filled(type, dims, init), sizes, maps, iterators, [&](Scalars &s, ValueRange elements) {
    Values indices;
    for (int64_t i = 0; i < all; ++i)
      indices.push_back(linalg::IndexOp::create(s.b, i));
    return element(s, indices, elements[1]);
  });
}

Value Emitter::castTo(RankedTensorType type, Value tensor) {
  return tensor.getType() == type ? tensor : make<tensor::CastOp>(type, tensor);
}

Value Emitter::transpose(Value tensor, ArrayRef<int64_t> perm) {
  RankedTensorType from = type(tensor);
  SmallVector<int64_t> shape;
  Values dims;
  for (int64_t source : perm) {
    shape.push_back(from.getDimSize(source));
    dims.push_back(dimOf(tensor, source));
  }
  Value init = empty(RankedTensorType::get(shape, from.getElementType()), dims);
  return linalg::TransposeOp::create(b, tensor, init, perm)->getResult(0);
}
