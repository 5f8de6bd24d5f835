//===- EmitterReshape.cpp - Reshapes without copies ---------------------------===//
//
// A reshape is a collapse of runs of dims, then an expansion. Runs are found by symbolic sizes: [s, 384] to [s, 12, 32]
// splits the second dim alone. Where the sizes tell nothing, all dims are one run, and the number of elements is checked.
//
//===----------------------------------------------------------------------===//
#include "qopt/Conversion/Common/Emitter.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace qopt;

namespace {
using Runs = SmallVector<ReassociationIndices>;

ReassociationIndices allDims(size_t count) {
  ReassociationIndices dims;
  for (size_t i = 0; i < count; ++i)
    dims.push_back(i);
  return dims;
}

/// Pairs runs of `from` with runs of `to` of equal size; none where no division is found.
bool pairRuns(const SymbolicDims &from, const SymbolicDims &to, Runs &fromRuns, Runs &toRuns) {
  size_t i = 0, j = 0;
  while (i < from.size() && j < to.size()) {
    ReassociationIndices fromRun = {static_cast<int64_t>(i)}, toRun = {static_cast<int64_t>(j)};
    SymbolicDim x = from[i++], y = to[j++];
    while (x != y) {
      bool growTo = exactQuotient(x, y).has_value(), growFrom = !growTo && exactQuotient(y, x).has_value();
      if (x.factor == 0 || y.factor == 0)
        return false;
      if (!growTo && !growFrom)
        growTo = growFrom = true;
      bool grew = false;
      if (growTo && j < to.size()) {
        y = y * to[j];
        toRun.push_back(j++);
        grew = true;
      }
      if (growFrom && i < from.size()) {
        x = x * from[i];
        fromRun.push_back(i++);
        grew = true;
      }
      if (!grew)
        return false;
    }
    fromRuns.push_back(fromRun);
    toRuns.push_back(toRun);
  }
  if (fromRuns.empty())
    return false;
  for (; i < from.size(); ++i) { // Ones at the end belong to the last run.
    if (from[i].asConstant() != 1)
      return false;
    fromRuns.back().push_back(i);
  }
  for (; j < to.size(); ++j) {
    if (to[j].asConstant() != 1)
      return false;
    toRuns.back().push_back(j);
  }
  return true;
}

int64_t dynamicDims(RankedTensorType type, ArrayRef<int64_t> run) {
  return llvm::count_if(run, [&](int64_t i) { return type.isDynamicDim(i); });
}

SmallVector<int64_t> collapsedShape(ArrayRef<int64_t> shape, const Runs &runs) {
  SmallVector<int64_t> collapsed;
  for (const ReassociationIndices &run : runs) {
    int64_t size = 1;
    for (int64_t i : run)
      size = ShapedType::isDynamic(shape[i]) || ShapedType::isDynamic(size) ? ShapedType::kDynamic : size * shape[i];
    collapsed.push_back(size);
  }
  return collapsed;
}
} // namespace

Value Emitter::reshape(Value tensor, const SymbolicDims &from, RankedTensorType resultType, const SymbolicDims &to,
                       ValueRange dims) {
  RankedTensorType fromType = type(tensor);
  Type element = fromType.getElementType();
  if (from.size() == to.size() && std::equal(from.begin(), from.end(), to.begin()))
    return castTo(resultType, tensor);
  Runs fromRuns, toRuns;
  if (!pairRuns(from, to, fromRuns, toRuns)) {
    fromRuns = {allDims(from.size())};
    toRuns = {allDims(to.size())};
    if (!fromType.hasStaticShape() || !resultType.hasStaticShape())
      check(eq(product(dimsOf(tensor)), product(dims)), "the new shape does not hold the input's number of elements");
  }
  if (resultType.getRank() == 0 || fromType.getRank() == 0) { // One element: all dims are one.
    SmallVector<int64_t> ones(std::max(from.size(), to.size()), 1);
    auto full = RankedTensorType::get(ones, element);
    if (resultType.getRank() == 0)
      return make<tensor::CollapseShapeOp>(resultType, castTo(full, tensor), ArrayRef<ReassociationIndices>());
    return castTo(resultType, make<tensor::ExpandShapeOp>(full, tensor, ArrayRef<ReassociationIndices>()));
  }
  auto isTrivial = [](const Runs &runs) { return llvm::all_of(runs, [](auto &run) { return run.size() == 1; }); };
  if (!isTrivial(fromRuns)) {
    auto collapsed = RankedTensorType::get(collapsedShape(fromType.getShape(), fromRuns), element);
    tensor = make<tensor::CollapseShapeOp>(collapsed, tensor, ArrayRef(fromRuns));
  }
  tensor = castTo(RankedTensorType::get(collapsedShape(resultType.getShape(), toRuns), element), tensor);
  if (isTrivial(toRuns))
    return castTo(resultType, tensor);
  if (llvm::any_of(toRuns, [&](const ReassociationIndices &run) { return dynamicDims(resultType, run) > 1; })) {
    // An expansion into several dynamic dims has no lowering (memref's strided metadata).
    Value shape = implode(RankedTensorType::get(resultType.getRank(), b.getIndexType()), dims);
    return tensor::ReshapeOp::create(b, resultType, tensor, shape);
  }
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0; i < resultType.getRank(); ++i)
    sizes.push_back(resultType.isDynamicDim(i) ? OpFoldResult(dims[i])
                                               : OpFoldResult(b.getIndexAttr(resultType.getDimSize(i))));
  return make<tensor::ExpandShapeOp>(resultType, tensor, ArrayRef(toRuns), ArrayRef(sizes));
}

Value Emitter::reshape(Value original, Value result, ValueRange dims) {
  return reshape(mapping.lookup(original), shapes.dims(original), stored(result), shapes.dims(result), dims);
}
