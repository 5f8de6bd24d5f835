#include "qopt/Conversion/Common/Contraction.h"

#include "qopt/Conversion/Common/ElementTypes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace qopt;
using utils::IteratorType;

Type qopt::accumulatorType(Type element) { return computeElementType(element); }

namespace {

/// Which of the loop's leading dims index an operand's leading dims; null where that is not known.
bool batchExprs(Emitter &e, ArrayRef<SymbolicDim> own, ArrayRef<SymbolicDim> result, SmallVectorImpl<AffineExpr> &exprs) {
  int64_t offset = result.size() - own.size();
  for (auto [i, dim] : llvm::enumerate(own)) {
    if (dim == result[offset + i])
      exprs.push_back(e.b.getAffineDimExpr(offset + i));
    else if (dim.asConstant() == 1)
      exprs.push_back(e.b.getAffineConstantExpr(0));
    else
      return false;
  }
  return true;
}

bool isPlain(Type a, Type b, Type accumulator) { return a == b && a == accumulator && isa<FloatType>(a); }

} // namespace

Value qopt::emitMatMul(Emitter &e, Value a, Value b, Value result, Type accumulator, ProductFn product) {
  int64_t aRank = Emitter::rank(a), bRank = Emitter::rank(b);
  int64_t aBatch = std::max<int64_t>(0, aRank - 2), bBatch = std::max<int64_t>(0, bRank - 2);
  int64_t batch = std::max(aBatch, bBatch);
  bool hasM = aRank > 1, hasN = bRank > 1;
  RankedTensorType resultType = e.stored(result).clone(accumulator);
  const SymbolicDims &resultDims = e.shapes.dims(result), &aDims = e.shapes.dims(a), &bDims = e.shapes.dims(b);

  // Sizes of the result: broadcast leading dims, then M and N.
  Values dims;
  for (int64_t i = 0; i < batch; ++i) {
    int64_t inA = i - (batch - aBatch), inB = i - (batch - bBatch);
    Value fromA = inA >= 0 && aDims[inA].asConstant() != 1 ? e.dim(a, inA) : Value();
    Value fromB = inB >= 0 && bDims[inB].asConstant() != 1 ? e.dim(b, inB) : Value();
    bool isSame = fromA && fromB && aDims[inA] == bDims[inB];
    Value size = fromA ? fromA : fromB ? fromB : e.index(1);
    if (fromA && fromB && !isSame) {
      Value one = e.index(1);
      e.check(e.lor(e.eq(fromA, fromB), e.lor(e.eq(fromA, one), e.eq(fromB, one))),
              "the operands' leading dims do not broadcast");
      size = e.select(e.eq(fromA, one), fromB, fromA);
    }
    dims.push_back(size);
  }
  if (hasM)
    dims.push_back(e.dim(a, aRank - 2));
  if (hasN)
    dims.push_back(e.dim(b, bRank - 1));
  if (!e.sameDim(a, aRank - 1, b, hasN ? bRank - 2 : 0))
    e.check(e.eq(e.dim(a, aRank - 1), e.dim(b, hasN ? bRank - 2 : 0)),
            "the operands' inner dims differ, so that there is no matrix product");

  int64_t m = batch, n = m + (hasM ? 1 : 0), k = n + (hasN ? 1 : 0), loops = k + 1;
  auto dimExpr = [&](int64_t i) { return e.b.getAffineDimExpr(i); };
  ArrayRef<SymbolicDim> batchDims = ArrayRef(resultDims).take_front(batch);
  SmallVector<AffineExpr> aExprs, bExprs, resultExprs;
  Value aTensor = e[a], bTensor = e[b];
  // An operand whose leading dims may or may not be of size one is broadcast first.
  auto settle = [&](Value original, int64_t own, Value &tensor, SmallVectorImpl<AffineExpr> &exprs) {
    const SymbolicDims &all = e.shapes.dims(original);
    if (batchExprs(e, ArrayRef(all).take_front(own), batchDims, exprs))
      return;
    exprs.clear();
    SymbolicDims wanted(batchDims.begin(), batchDims.end());
    wanted.append(all.end() - 2, all.end());
    Values sizes(dims.begin(), dims.begin() + batch);
    SmallVector<int64_t> shape(resultType.getShape().take_front(batch));
    for (int64_t i = Emitter::rank(original) - 2; i < Emitter::rank(original); ++i) {
      sizes.push_back(e.dim(original, i));
      shape.push_back(Emitter::type(original).getDimSize(i));
    }
    tensor = e.broadcastTo(original, wanted, sizes, RankedTensorType::get(shape, Emitter::elementType(tensor)));
    for (int64_t i = 0; i < batch; ++i)
      exprs.push_back(dimExpr(i));
  };
  settle(a, aBatch, aTensor, aExprs);
  settle(b, bBatch, bTensor, bExprs);

  Value init = e.filled(resultType, dims, e.constant(accumulator, 0));
  bool plain = isPlain(Emitter::elementType(aTensor), Emitter::elementType(bTensor), accumulator);
  if (plain && batch == 0 && hasM && hasN)
    return linalg::MatmulOp::create(e.b, ValueRange{aTensor, bTensor}, ValueRange{init}).getResult(0);
  bool isBatched = batch == 1 && aRank == 3 && bRank == 3 && aExprs[0] == dimExpr(0) && bExprs[0] == dimExpr(0);
  if (plain && isBatched)
    return linalg::BatchMatmulOp::create(e.b, ValueRange{aTensor, bTensor}, ValueRange{init}).getResult(0);

  for (int64_t i = 0; i < k; ++i)
    resultExprs.push_back(dimExpr(i));
  if (hasM)
    aExprs.push_back(dimExpr(m));
  aExprs.push_back(dimExpr(k));
  bExprs.push_back(dimExpr(k));
  if (hasN)
    bExprs.push_back(dimExpr(n));
  MLIRContext *context = e.b.getContext();
  SmallVector<AffineMap> maps = {AffineMap::get(loops, 0, aExprs, context), AffineMap::get(loops, 0, bExprs, context),
                                 AffineMap::get(loops, 0, resultExprs, context)};
  SmallVector<IteratorType> iterators(loops, IteratorType::parallel);
  iterators.back() = IteratorType::reduction;
  return e.generic(init, {aTensor, bTensor}, maps, iterators, [&](Scalars &s, ValueRange x) {
    s.allowReordering();
    return s.add(x[2], product(s, x[0], x[1]));
  });
}
