#include "qopt/Conversion/Common/Emitter.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace qopt;

Values Emitter::broadcastDims(ValueRange originals, RankedTensorType resultType) {
  Values sizes;
  int64_t rank = resultType.getRank();
  for (int64_t i = 0; i < rank; ++i) {
    const SymbolicDim *symbol = nullptr;
    Value size;
    for (Value original : originals) {
      int64_t own = i - (rank - Emitter::rank(original));
      if (own < 0 || knownDim(original, own) == 1)
        continue;
      const SymbolicDim &next = shapes.dims(original)[own];
      if (symbol && *symbol == next)
        continue;
      Value nextSize = dim(original, own);
      if (!size) {
        size = nextSize, symbol = &next;
        continue;
      }
      Value one = index(1), isOne = eq(size, one);
      check(lor(eq(size, nextSize), lor(isOne, eq(nextSize, one))), "the operands' shapes do not broadcast");
      size = select(isOne, nextSize, size);
      symbol = next.asConstant() ? &next : symbol;
    }
    if (!resultType.isDynamicDim(i))
      size = index(resultType.getDimSize(i));
    sizes.push_back(size ? size : index(1));
  }
  return sizes;
}

AffineMap Emitter::broadcastMap(Value original, const SymbolicDims &resultDims) {
  int64_t rank = resultDims.size(), offset = rank - Emitter::rank(original);
  SmallVector<AffineExpr> exprs;
  for (auto [i, own] : llvm::enumerate(shapes.dims(original))) {
    if (own == resultDims[offset + i])
      exprs.push_back(b.getAffineDimExpr(offset + i));
    else if (own.asConstant() == 1)
      exprs.push_back(b.getAffineConstantExpr(0));
    else
      return {};
  }
  return AffineMap::get(rank, 0, exprs, b.getContext());
}

namespace {
/// Reads the element of an operand of which it is not known until run time where it is of size one.
Value readBroadcast(Scalars &s, Value tensor, ValueRange sizes, int64_t rank) {
  Values indices;
  Value one = s.index(1), zero = s.index(0);
  int64_t offset = rank - sizes.size();
  for (auto [i, size] : llvm::enumerate(sizes)) {
    Value at = linalg::IndexOp::create(s.b, offset + i);
    indices.push_back(s.select(s.eq(size, one), zero, at));
  }
  return s.make<tensor::ExtractOp>(tensor, indices);
}
} // namespace

Value Emitter::mapBroadcast(Value result, ValueRange originals, BodyFn body) {
  RankedTensorType resultType = stored(result);
  if (isSmall(resultType) && llvm::all_of(originals.getTypes(), isSmall)) {
    Values elements;
    SmallVector<Values> operands;
    for (Value original : originals)
      operands.push_back(explode(mapping.lookup(original)));
    for (int64_t i = 0; i < resultType.getNumElements(); ++i) {
      Values at;
      for (const Values &operand : operands)
        at.push_back(operand[operand.size() == 1 ? 0 : i]);
      elements.push_back(body(*this, at));
    }
    return implode(resultType, elements);
  }

  const SymbolicDims &resultDims = shapes.dims(result);
  Values dims = broadcastDims(originals, resultType), inputs;
  SmallVector<AffineMap> maps;
  SmallVector<std::function<Value(Scalars &, ValueRange)>> readers;
  for (Value original : originals) {
    Value tensor = mapping.lookup(original);
    if (auto constant = dyn_cast_or_null<TypedAttr>(splatConstant(original));
        constant && constant.getType() == type(tensor).getElementType()) {
      readers.push_back([constant](Scalars &s, ValueRange) { return arith::ConstantOp::create(s.b, constant); });
      continue;
    }
    if (AffineMap map = broadcastMap(original, resultDims)) {
      size_t position = inputs.size();
      inputs.push_back(tensor);
      maps.push_back(map);
      readers.push_back([position](Scalars &, ValueRange elements) { return elements[position]; });
      continue;
    }
    Values sizes = Emitter::dims(original);
    readers.push_back([tensor, sizes, rank = resultType.getRank()](Scalars &s, ValueRange) {
      return readBroadcast(s, tensor, sizes, rank);
    });
  }
  return map(resultType, dims, inputs, maps, [&](Scalars &s, ValueRange elements) {
    Values operands;
    for (auto &read : readers)
      operands.push_back(read(s, elements));
    return body(s, operands);
  });
}

Value Emitter::broadcastTo(Value original, const SymbolicDims &resultDims, ValueRange dims, RankedTensorType resultType) {
  Value tensor = mapping.lookup(original);
  if (shapes.dims(original).size() == resultDims.size() &&
      std::equal(resultDims.begin(), resultDims.end(), shapes.dims(original).begin()))
    return tensor;
  if (AffineMap affine = broadcastMap(original, resultDims))
    return map(resultType, dims, tensor, affine, [](Scalars &, ValueRange x) { return x[0]; });
  Values sizes = Emitter::dims(original);
  return map(resultType, dims, {}, ArrayRef<AffineMap>(), [&](Scalars &s, ValueRange) {
    return readBroadcast(s, tensor, sizes, resultType.getRank());
  });
}
