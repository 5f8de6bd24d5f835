#include "Lowerings.h"

#include "qopt/Conversion/Common/ElementTypes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace qopt;
using utils::IteratorType;

namespace {

/// q as batch×G×R×S×D, where R query heads share one key head.
Value groupQueries(Emitter &e, nn::AttentionOp op, Value groups, Value repeats, SymbolicDims &dims) {
  Value q = op.getQ();
  const SymbolicDims &from = e.shapes.dims(q), &k = e.shapes.dims(op.getK());
  auto ratio = exactQuotient(from[1], k[1]);
  dims = {from[0], k[1], ratio ? *ratio : e.shapes.freshAtom(true), from[2], from[3]};
  SmallVector<int64_t> shape;
  for (const SymbolicDim &dim : dims)
    shape.push_back(dim.asConstant().value_or(ShapedType::kDynamic));
  Values sizes = {e.dim(q, 0), groups, repeats, e.dim(q, 2), e.dim(q, 3)};
  return e.reshape(e[q], from, RankedTensorType::get(shape, Emitter::elementType(e[q])), dims, sizes);
}

Values lowerAttention(nn::AttentionOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getQ()), compute = computeElementType(element);
  if (!isa<FloatType>(compute))
    return {};
  MLIRContext *context = e.b.getContext();
  Value groups = e.dim(op.getK(), 1), heads = e.dim(op.getQ(), 1);
  Value repeats = e.div(heads, groups);
  e.check(e.eq(e.mul(repeats, groups), heads), "the query heads are no multiple of the key heads");
  SymbolicDims q5;
  Value q = groupQueries(e, op, groups, repeats, q5);
  Value batch = e.dim(op.getQ(), 0), s = e.dim(op.getQ(), 2), t = e.dim(op.getK(), 2), width = e.dim(op.getV(), 3);
  auto known = [](const SymbolicDim &dim) { return dim.asConstant().value_or(ShapedType::kDynamic); };
  SymbolicDim tDim = e.shapes.dims(op.getK())[2], eDim = e.shapes.dims(op.getV())[3];

  AffineExpr b, g, r, row, key, inner;
  bindDims(context, b, g, r, row, key, inner);
  SmallVector<IteratorType> iterators(6, IteratorType::parallel);
  iterators.back() = IteratorType::reduction;
  auto scoresType = RankedTensorType::get({known(q5[0]), known(q5[1]), known(q5[2]), known(q5[3]), known(tDim)}, compute);
  Values scoreDims = {batch, groups, repeats, s, t};
  Value scores = e.generic(e.filled(scoresType, scoreDims, e.constant(compute, 0)), {q, e[op.getK()]},
                           {AffineMap::get(6, 0, {b, g, r, row, inner}, context),
                            AffineMap::get(6, 0, {b, g, key, inner}, context),
                            AffineMap::get(6, 0, {b, g, r, row, key}, context)},
                           iterators, [&](Scalars &s, ValueRange x) {
                             s.allowReordering();
                             return s.add(x[2], s.mul(s.decode(x[0], element), s.decode(x[1], element)));
                           });

  // Heads again, so that the mask broadcasts.
  SymbolicDims from5 = {q5[0], q5[1], q5[2], q5[3], tDim};
  SymbolicDims to4 = {e.shapes.dims(op.getQ())[0], e.shapes.dims(op.getQ())[1], q5[3], tDim};
  if (!exactQuotient(to4[1], q5[1]))
    to4[1] = q5[1] * q5[2];
  auto flatType = RankedTensorType::get({known(to4[0]), known(to4[1]), known(to4[2]), known(to4[3])}, compute);
  Values flatDims = {batch, heads, s, t};
  Value flat = e.reshape(scores, from5, flatType, to4, flatDims);

  SmallVector<AffineMap> maps = {AffineMap::getMultiDimIdentityMap(4, context)};
  Values inputs = {flat};
  if (Value mask = op.getMask()) {
    AffineMap map = e.broadcastMap(mask, to4);
    Value tensor = e[mask];
    if (!map) {
      tensor = e.broadcastTo(mask, to4, flatDims, flatType.clone(Emitter::elementType(tensor)));
      map = AffineMap::getMultiDimIdentityMap(4, context);
    }
    inputs.push_back(tensor);
    maps.push_back(map);
  }
  double scale = op.getScale().convertToFloat(), cap = op.getSoftcap().convertToFloat();
  Value masked = e.map(flatType, flatDims, inputs, maps, [&](Scalars &s, ValueRange x) {
    Value score = s.mul(x[0], s.constant(compute, scale));
    if (cap != 0)
      score = s.mul(s.make<math::TanhOp>(s.div(score, s.constant(compute, cap))), s.constant(compute, cap));
    if (op.getMask()) {
      Type maskElement = Emitter::elementType(op.getMask());
      score = maskElement.isInteger(1) ? s.select(x[1], score, s.lowest(compute))
                                       : s.add(score, s.cast(s.decode(x[1], maskElement), maskElement, compute));
    }
    if (op.getIsCausal()) {
      Value isLater = s.gt(linalg::IndexOp::create(s.b, 3), linalg::IndexOp::create(s.b, 2));
      score = s.select(isLater, s.lowest(compute), score);
    }
    return score;
  });
  Exponentials exponentials = emitExponentials(e, masked, 3, /*zeroWhereMasked=*/true);
  Value weights = emitSoftmax(e, exponentials, 3, compute);
  Value grouped = e.reshape(weights, to4, scoresType, from5, scoreDims);

  auto mixedType = RankedTensorType::get({known(q5[0]), known(q5[1]), known(q5[2]), known(q5[3]), known(eDim)}, compute);
  Values mixedDims = {batch, groups, repeats, s, width};
  AffineExpr column = key; // Loops: batch, group, repeat, query, column of v; reduced over keys.
  Value mixed = e.generic(e.filled(mixedType, mixedDims, e.constant(compute, 0)), {grouped, e[op.getV()]},
                          {AffineMap::get(6, 0, {b, g, r, row, inner}, context),
                           AffineMap::get(6, 0, {b, g, inner, column}, context),
                           AffineMap::get(6, 0, {b, g, r, row, column}, context)},
                          iterators, [&](Scalars &s, ValueRange x) {
                            s.allowReordering();
                            return s.add(x[2], s.mul(x[0], s.decode(x[1], element)));
                          });
  Value encoded = mixed;
  RankedTensorType result = e.stored(op.getY());
  if (compute != result.getElementType())
    encoded = e.map(mixedType.clone(result.getElementType()), mixedDims, mixed,
                    [&](Scalars &s, ValueRange x) { return s.encode(x[0], element); });
  SymbolicDims mixedSymbols = {q5[0], q5[1], q5[2], q5[3], eDim}, resultSymbols = {to4[0], to4[1], to4[2], eDim};
  return {e.reshape(encoded, mixedSymbols, result, resultSymbols, {batch, heads, s, width})};
}

} // namespace

void qopt::addAttentionLowerings(LoweringTable &table) { table.add<nn::AttentionOp>(lowerAttention); }
