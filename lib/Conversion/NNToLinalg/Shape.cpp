//===- Shape.cpp - Constants, shapes, and ops that give elements another shape -===//
#include "Lowerings.h"

#include "qopt/Conversion/Common/ElementTypes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace qopt;

namespace {

/// The same bytes as elements of the stored type.
ElementsAttr storedAttribute(ElementsAttr value, RankedTensorType type) {
  if (value.getShapedType() == type)
    return value;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
    return DenseResourceElementsAttr::get(type, resource.getRawHandle());
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense)
    return {};
  Type element = dense.getElementType();
  if (auto integer = dyn_cast<IntegerType>(element)) {
    unsigned width = type.getElementTypeBitWidth();
    return dense.mapValues(type.getElementType(), [&](const APInt &v) {
      return integer.isUnsigned() ? v.zext(width) : v.sext(width);
    });
  }
  return cast<DenseFPElementsAttr>(dense).mapValues(type.getElementType(), [&](const APFloat &v) {
    return v.bitcastToAPInt().zext(type.getElementTypeBitWidth());
  });
}

Values lowerConstant(nn::ConstantOp op, Emitter &e) {
  ElementsAttr value = storedAttribute(op.getValue(), e.stored(op.getResult()));
  if (!value)
    return {};
  return {arith::ConstantOp::create(e.b, cast<TypedAttr>(value))};
}

/// Shape arithmetic: the same scalars under another rank.
bool isSmallMove(Value x, Value y) { return Emitter::isSmall(x.getType()) && Emitter::isSmall(y.getType()); }
Values moveSmall(Emitter &e, Value x, Value y) { return {e.implode(e.stored(y), e.explode(e[x]))}; }

Values lowerReshape(nn::ReshapeOp op, Emitter &e) {
  Value x = op.getData(), y = op.getY();
  if (isSmallMove(x, y) && Emitter::type(x).getNumElements() == Emitter::type(y).getNumElements())
    return moveSmall(e, x, y);
  RankedTensorType type = e.stored(y);
  const SymbolicDims &symbols = e.shapes.dims(y);
  Values wanted = e.explode(e[op.getShape()], type.getRank()), dims;
  if (static_cast<int64_t>(wanted.size()) != type.getRank())
    return {};
  Value zero = e.index(0), one = e.index(1), minusOne = e.index(-1), total = e.product(e.dims(x));
  // Sizes by the shape operand: 0 copies, -1 is what remains.
  Value others = one;
  for (auto [i, size] : llvm::enumerate(wanted)) {
    Value next = type.isDynamicDim(i) ? e.materialize(symbols[i]) : e.index(type.getDimSize(i));
    if (!next) {
      next = e.toIndex(size);
      if (!op.getAllowzero() && static_cast<int64_t>(i) < Emitter::rank(x))
        next = e.select(e.eq(next, zero), e.dim(x, i), next);
    }
    dims.push_back(next);
    others = e.mul(others, e.select(e.eq(next, minusOne), one, next));
  }
  for (Value &dim : dims)
    if (!getConstantIntValue(dim))
      dim = e.select(e.eq(dim, minusOne), e.div(total, others), dim);
  return {e.reshape(x, y, dims)};
}

Values lowerFlatten(nn::FlattenOp op, Emitter &e) {
  Values dims = e.dims(op.getX());
  int64_t axis = op.getAxis();
  Value rows = e.product(ArrayRef(dims).take_front(axis)), columns = e.product(ArrayRef(dims).drop_front(axis));
  return {e.reshape(op.getX(), op.getY(), {rows, columns})};
}

Values lowerSqueeze(nn::SqueezeOp op, Emitter &e) {
  if (isSmallMove(op.getX(), op.getY()))
    return moveSmall(e, op.getX(), op.getY());
  Values dims;
  for (int64_t i = 0, n = Emitter::rank(op.getX()); i < n; ++i) {
    if (!llvm::is_contained(op.getAxes(), i))
      dims.push_back(e.dim(op.getX(), i));
    else if (e.knownDim(op.getX(), i) != 1)
      e.check(e.eq(e.dim(op.getX(), i), e.index(1)), "a dim to be squeezed is not of size one");
  }
  SymbolicDims from(e.shapes.dims(op.getX()));
  for (int64_t axis : op.getAxes())
    from[axis] = SymbolicDim::constant(1);
  return {e.reshape(e[op.getX()], from, e.stored(op.getY()), e.shapes.dims(op.getY()), dims)};
}

Values lowerUnsqueeze(nn::UnsqueezeOp op, Emitter &e) {
  if (isSmallMove(op.getX(), op.getY()))
    return moveSmall(e, op.getX(), op.getY());
  Values dims = e.dims(op.getX());
  SmallVector<int64_t> axes(op.getAxes());
  llvm::sort(axes);
  for (int64_t axis : axes)
    dims.insert(dims.begin() + axis, e.index(1));
  return {e.reshape(op.getX(), op.getY(), dims)};
}

Values lowerTranspose(nn::TransposeOp op, Emitter &e) { return {e.transpose(e[op.getX()], op.getPerm())}; }

Values lowerShape(nn::ShapeOp op, Emitter &e) {
  RankedTensorType type = e.stored(op.getY());
  Values elements;
  for (int64_t i = op.getStart(); i < static_cast<int64_t>(op.getEnd()); ++i)
    elements.push_back(e.fromIndex(e.dim(op.getX(), i), type.getElementType()));
  return {e.implode(type, elements)};
}

Values lowerSize(nn::SizeOp op, Emitter &e) {
  RankedTensorType type = e.stored(op.getY());
  return {e.implode(type, e.fromIndex(e.product(e.dims(op.getX())), type.getElementType()))};
}

/// Where an operand is known to have one element along a dim, or as many as the result, a map; else the index at run time.
Values lowerExpand(nn::ExpandOp op, Emitter &e) {
  Value x = op.getX(), y = op.getY();
  RankedTensorType type = e.stored(y);
  Values shape = e.explode(e[op.getShape()], type.getRank()), dims;
  int64_t rank = type.getRank(), own = rank - Emitter::rank(x), given = rank - static_cast<int64_t>(shape.size());
  const SymbolicDims *symbols = e.shapes.elements(op.getShape());
  for (int64_t i = 0; i < rank; ++i) {
    Value size = i >= own ? e.dim(x, i - own) : Value(), one = e.index(1);
    if (i >= given) {
      Value wanted = e.toIndex(shape[i - given]);
      bool isSame = size && symbols && symbols->size() == shape.size() && (*symbols)[i - given] == e.shapes.dims(x)[i - own];
      if (size && !isSame) {
        Value xIsOne = e.eq(size, one);
        e.check(e.lor(e.eq(size, wanted), e.lor(xIsOne, e.eq(wanted, one))), "the shape does not broadcast with the input");
        size = e.select(xIsOne, wanted, size);
      } else if (!size) {
        size = wanted;
      }
    }
    dims.push_back(type.isDynamicDim(i) ? size : e.index(type.getDimSize(i)));
  }
  if (isSmallMove(x, y)) {
    Values elements = e.explode(e[x]);
    if (elements.size() == 1)
      elements.assign(type.getNumElements(), elements.front());
    return {e.implode(type, elements)};
  }
  return {e.broadcastTo(x, e.shapes.dims(y), dims, type)};
}

Values lowerTile(nn::TileOp op, Emitter &e) {
  Value x = op.getX();
  RankedTensorType type = e.stored(op.getY());
  Values repeats = e.explode(e[op.getRepeats()], type.getRank()), sizes = e.dims(x), dims;
  int64_t rank = type.getRank();
  if (static_cast<int64_t>(repeats.size()) != rank)
    return {};
  for (int64_t i = 0; i < rank; ++i)
    dims.push_back(e.mul(sizes[i], e.toIndex(repeats[i])));
  if (AffineMap map = e.broadcastMap(x, e.shapes.dims(op.getY())))
    return {e.map(type, dims, e[x], map, [](Scalars &, ValueRange v) { return v[0]; })};
  Value tensor = e[x];
  return {e.generate(type, dims, [&](Scalars &s, ValueRange at) {
    Values from;
    for (auto [i, index] : llvm::enumerate(at))
      from.push_back(s.make<arith::RemUIOp>(index, sizes[i]));
    return s.make<tensor::ExtractOp>(tensor, from);
  })};
}

} // namespace

void qopt::addShapeLowerings(LoweringTable &table) {
  table.add<nn::ConstantOp>(lowerConstant);
  table.add<nn::ReshapeOp>(lowerReshape);
  table.add<nn::FlattenOp>(lowerFlatten);
  table.add<nn::SqueezeOp>(lowerSqueeze);
  table.add<nn::UnsqueezeOp>(lowerUnsqueeze);
  table.add<nn::TransposeOp>(lowerTranspose);
  table.add<nn::ShapeOp>(lowerShape);
  table.add<nn::SizeOp>(lowerSize);
  table.add<nn::ExpandOp>(lowerExpand);
  table.add<nn::TileOp>(lowerTile);
}
