// The iteration space of each op is its result: reductions are never tiled, kernels block along them themselves.
#include "qopt/Codegen/CPU/Kernels/KernelTable.h"
#include "qopt/Codegen/CPU/Kernels/QCPU.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace qopt::qcpu;

using Folded = SmallVector<OpFoldResult>;

/// A tile of the iteration space and what its ops need to be built.
namespace {
struct Tiler {
  OpBuilder &builder;
  Location loc;
  SmallVector<Operation *> slices;

  Value slice(Value source, const Folded &offsets, const Folded &sizes) {
    Folded strides(offsets.size(), builder.getIndexAttr(1));
    auto op = tensor::ExtractSliceOp::create(builder, loc, source, offsets, sizes, strides);
    slices.push_back(op);
    return op;
  }

  OpFoldResult dim(Value tensor, int64_t index) { return tensor::getMixedSize(builder, loc, tensor, index); }

  /// ceil(value / divisor) * factor.
  OpFoldResult blocks(OpFoldResult value, int64_t divisor, int64_t factor) {
    AffineExpr d0 = builder.getAffineDimExpr(0);
    return affine::makeComposedFoldedAffineApply(builder, loc, d0.ceilDiv(divisor) * factor, {value});
  }

  OpFoldResult sum(OpFoldResult a, OpFoldResult b) {
    AffineExpr d0 = builder.getAffineDimExpr(0), d1 = builder.getAffineDimExpr(1);
    return affine::makeComposedFoldedAffineApply(builder, loc, d0 + d1, {a, b});
  }

  /// The panels and the initial values of columns [offset, offset + size); offset is a multiple of nr.
  Value panels(Value packed, const KernelForm &form, OpFoldResult offset, OpFoldResult size) {
    OpFoldResult zero = builder.getIndexAttr(0);
    return slice(packed, {blocks(offset, form.nr, 1), zero, zero},
                 {blocks(size, form.nr, 1), dim(packed, 1), dim(packed, 2)});
  }
  Value initial(Value init, const KernelForm &form, OpFoldResult offset, OpFoldResult size) {
    return slice(init, {offset}, {blocks(size, form.nr, form.nr)});
  }

  /// The start of a tile in the whole result: what the op had, plus the tile's own place.
  SmallVector<Value> starts(ValueRange before, ArrayRef<OpFoldResult> offsets) {
    SmallVector<Value> result;
    for (auto [index, offset] : llvm::enumerate(offsets)) {
      OpFoldResult start = before.empty() ? offset : sum(before[index], offset);
      result.push_back(getValueOrCreateConstantIndexOp(builder, loc, start));
    }
    return result;
  }

  /// The same op on the given operands, with the destination's type as result.
  template <typename OpTy>
  TilingResult rebuild(OpTy op, ValueRange operands, Value out) {
    OperationState state(loc, op->getName(), operands, TypeRange{out.getType()}, op->getAttrs());
    state.propertiesAttr = op->getPropertiesAsAttribute();
    Operation *tiled = builder.create(state);
    return TilingResult{{tiled}, {tiled->getResult(0)}, slices};
  }
};
} // namespace

static bool coversDim(Value tensor, int64_t dim, OpFoldResult size) {
  return isEqualConstantIntOrValue(size, OpBuilder(tensor.getContext()).getIndexAttr(
                                             cast<ShapedType>(tensor.getType()).getDimSize(dim)));
}

//===----------------------------------------------------------------------===//
// Tiles of each op
//===----------------------------------------------------------------------===//

static TilingResult tile(GemmOp op, Tiler &tiler, const Folded &offsets, const Folded &sizes) {
  const KernelForm &form = *findKernelForm(op.getKernel());
  int64_t last = offsets.size() - 1;
  Folded aOffsets = offsets, aSizes = sizes;
  aOffsets[last] = tiler.builder.getIndexAttr(0);
  aSizes[last] = tiler.dim(op.getA(), last);
  bool allColumns = coversDim(op.getOut(), last, sizes[last]);
  SmallVector<Value> operands{
      tiler.slice(op.getA(), aOffsets, aSizes),
      allColumns ? op.getB() : tiler.panels(op.getB(), form, offsets[last], sizes[last])};
  for (Value perGroup : {op.getScales(), op.getZeros()})
    if (perGroup)
      operands.push_back(allColumns ? perGroup : tiler.panels(perGroup, form, offsets[last], sizes[last]));
  if (Value init = op.getInit())
    operands.push_back(allColumns ? init : tiler.initial(init, form, offsets[last], sizes[last]));
  operands.push_back(tiler.slice(op.getOut(), offsets, sizes));
  return tiler.rebuild(op, operands, operands.back());
}

static TilingResult tile(BatchMatMulOp op, Tiler &tiler, const Folded &offsets, const Folded &sizes) {
  int64_t rank = offsets.size(), columns = rank - 1, rows = rank - 2;
  OpFoldResult zero = tiler.builder.getIndexAttr(0), depth = tiler.dim(op.getA(), op.getAPerm()[columns]);
  Folded aOffsets(rank), aSizes(rank), bOffsets(rank), bSizes(rank);
  for (int64_t dim = 0; dim < rank; ++dim) {
    OpFoldResult offset = offsets[op.getOutPerm()[dim]], size = sizes[op.getOutPerm()[dim]];
    aOffsets[op.getAPerm()[dim]] = dim == columns ? zero : offset;
    aSizes[op.getAPerm()[dim]] = dim == columns ? depth : size;
    bOffsets[op.getBPerm()[dim]] = dim == rows ? zero : offset;
    bSizes[op.getBPerm()[dim]] = dim == rows ? depth : size;
  }
  SmallVector<Value> operands{tiler.slice(op.getA(), aOffsets, aSizes), tiler.slice(op.getB(), bOffsets, bSizes),
                              tiler.slice(op.getOut(), offsets, sizes)};
  return tiler.rebuild(op, operands, operands.back());
}

static TilingResult tile(ConvOp op, Tiler &tiler, const Folded &offsets, const Folded &sizes) {
  const KernelForm &form = *findKernelForm(op.getKernel());
  bool allColumns = coversDim(op.getOut(), 3, sizes[3]);
  auto result = cast<ConvOp>(op->clone());
  result.getWMutable().assign(allColumns ? op.getW() : tiler.panels(op.getW(), form, offsets[3], sizes[3]));
  if (Value init = op.getInit(); init && !allColumns)
    result.getInitMutable().assign(tiler.initial(init, form, offsets[3], sizes[3]));
  result.getOffsetsMutable().assign(tiler.starts(op.getOffsets(), ArrayRef(offsets).take_front(3)));
  Value out = tiler.slice(op.getOut(), offsets, sizes);
  result.getOutMutable().assign(out);
  result->getResult(0).setType(out.getType());
  tiler.builder.insert(result);
  return TilingResult{{result}, {result->getResult(0)}, tiler.slices};
}

static TilingResult tile(DepthwiseConvOp op, Tiler &tiler, const Folded &offsets, const Folded &sizes) {
  OpFoldResult zero = tiler.builder.getIndexAttr(0);
  auto result = cast<DepthwiseConvOp>(op->clone());
  if (!coversDim(op.getOut(), 3, sizes[3])) {
    result.getWMutable().assign(tiler.slice(op.getW(), {zero, offsets[3]}, {tiler.dim(op.getW(), 0), sizes[3]}));
    if (Value init = op.getInit())
      result.getInitMutable().assign(tiler.slice(init, {offsets[3]}, {sizes[3]}));
  }
  result.getOffsetsMutable().assign(tiler.starts(op.getOffsets(), offsets));
  Value out = tiler.slice(op.getOut(), offsets, sizes);
  result.getOutMutable().assign(out);
  result->getResult(0).setType(out.getType());
  tiler.builder.insert(result);
  return TilingResult{{result}, {result->getResult(0)}, tiler.slices};
}

//===----------------------------------------------------------------------===//
// TilingInterface, alike for all ops
//===----------------------------------------------------------------------===//

template <typename OpTy>
static SmallVector<Range> resultDomain(OpTy op, OpBuilder &builder) {
  SmallVector<Range> domain;
  for (OpFoldResult size : tensor::getMixedSizes(builder, op.getLoc(), op.getOut()))
    domain.push_back(Range{builder.getIndexAttr(0), size, builder.getIndexAttr(1)});
  return domain;
}

template <typename OpTy>
static FailureOr<TilingResult> tileResult(OpTy op, OpBuilder &builder, ArrayRef<OpFoldResult> offsets,
                                          ArrayRef<OpFoldResult> sizes) {
  Tiler tiler{builder, op.getLoc(), {}};
  return tile(op, tiler, Folded(offsets), Folded(sizes));
}

#define QCPU_TILING(Op)                                                                                                \
  SmallVector<utils::IteratorType> Op::getLoopIteratorTypes() {                                                        \
    return SmallVector<utils::IteratorType>(cast<ShapedType>(getOut().getType()).getRank(),                            \
                                            utils::IteratorType::parallel);                                            \
  }                                                                                                                    \
  SmallVector<Range> Op::getIterationDomain(OpBuilder &builder) { return resultDomain(*this, builder); }               \
  FailureOr<TilingResult> Op::getTiledImplementation(OpBuilder &builder, ArrayRef<OpFoldResult> offsets,               \
                                                     ArrayRef<OpFoldResult> sizes) {                                   \
    return tileResult(*this, builder, offsets, sizes);                                                                 \
  }                                                                                                                    \
  LogicalResult Op::getResultTilePosition(OpBuilder &, unsigned, ArrayRef<OpFoldResult> offsets,                       \
                                          ArrayRef<OpFoldResult> sizes, SmallVector<OpFoldResult> &resultOffsets,      \
                                          SmallVector<OpFoldResult> &resultSizes) {                                    \
    resultOffsets.assign(offsets.begin(), offsets.end());                                                              \
    resultSizes.assign(sizes.begin(), sizes.end());                                                                    \
    return success();                                                                                                  \
  }                                                                                                                    \
  FailureOr<TilingResult> Op::generateResultTileValue(OpBuilder &builder, unsigned, ArrayRef<OpFoldResult> offsets,    \
                                                      ArrayRef<OpFoldResult> sizes) {                                  \
    return tileResult(*this, builder, offsets, sizes);                                                                 \
  }                                                                                                                    \
  LogicalResult Op::getIterationDomainTileFromResultTile(                                                              \
      OpBuilder &, unsigned, ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,                             \
      SmallVectorImpl<OpFoldResult> &domainOffsets, SmallVectorImpl<OpFoldResult> &domainSizes) {                      \
    domainOffsets.assign(offsets.begin(), offsets.end());                                                              \
    domainSizes.assign(sizes.begin(), sizes.end());                                                                    \
    return success();                                                                                                  \
  }

QCPU_TILING(GemmOp)
QCPU_TILING(BatchMatMulOp)
QCPU_TILING(ConvOp)
QCPU_TILING(DepthwiseConvOp)
