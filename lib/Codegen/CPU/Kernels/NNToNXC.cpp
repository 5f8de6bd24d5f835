// Channels-last: convolutions and pools get transposes at both ends, then transposes sink towards the results and meet.
#include "qopt/Codegen/CPU/Kernels/Passes.h"
#include "qopt/Dialect/NN/IR/Constants.h"
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace qopt::qcpu {
#define GEN_PASS_DEF_NNTONXC
#include "qopt/Codegen/CPU/Kernels/Passes.h.inc"
} // namespace qopt::qcpu

using namespace mlir;
using namespace qopt;

namespace {

using Perm = SmallVector<int64_t>;

Perm channelsLast(int64_t rank) {
  Perm perm{0};
  for (int64_t dim = 2; dim < rank; ++dim)
    perm.push_back(dim);
  perm.push_back(1);
  return perm;
}

Perm inverse(ArrayRef<int64_t> perm) {
  Perm result(perm.size());
  for (auto [to, from] : llvm::enumerate(perm))
    result[from] = to;
  return result;
}

bool isIdentity(ArrayRef<int64_t> perm) { return llvm::equal(perm, llvm::seq<int64_t>(0, perm.size())); }

/// shape[perm[i]] at i.
SmallVector<int64_t> permuted(ArrayRef<int64_t> shape, ArrayRef<int64_t> perm) {
  SmallVector<int64_t> result;
  for (int64_t dim : perm)
    result.push_back(shape[dim]);
  return result;
}

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

RankedTensorType permutedType(RankedTensorType type, ArrayRef<int64_t> perm) {
  return RankedTensorType::get(permuted(type.getShape(), perm), type.getElementType());
}

Value transpose(OpBuilder &builder, Location loc, Value x, ArrayRef<int64_t> perm) {
  if (isIdentity(perm))
    return x;
  return nn::TransposeOp::create(builder, loc, permutedType(typeOf(x), perm), x, builder.getDenseI64ArrayAttr(perm));
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

/// The constant in another order of its dims, as a constant; `shape` is its shape, padded with ones where it broadcasts.
/// Null if its elements cannot be read.
Value transposedConstant(OpBuilder &builder, Value constant, ArrayRef<int64_t> shape, ArrayRef<int64_t> perm) {
  ElementsAttr elements = nn::constantValue(constant);
  if (!elements)
    return {};
  llvm::Expected<Tensor> from = nn::tensorOf(elements);
  if (!from)
    return llvm::consumeError(from.takeError()), Value();
  if (isSubByte(from->dtype()))
    return {};
  llvm::Expected<Tensor> to = Tensor::allocate(from->dtype(), permuted(shape, perm));
  if (!to)
    return llvm::consumeError(to.takeError()), Value();
  int64_t rank = shape.size(), size = from->numElements() ? from->numBytes() / from->numElements() : 0;
  SmallVector<int64_t> stride(rank, 1), step(rank), at(rank, 0);
  for (int64_t dim = rank - 2; dim >= 0; --dim)
    stride[dim] = stride[dim + 1] * shape[dim + 1];
  for (int64_t dim = 0; dim < rank; ++dim)
    step[dim] = stride[perm[dim]];
  const uint8_t *source = from->bytes().data();
  uint8_t *target = to->mutableBytes().data();
  for (int64_t i = 0, place = 0; i < from->numElements(); ++i) {
    std::memcpy(target + i * size, source + place * size, size);
    for (int64_t dim = rank - 1; dim >= 0; --dim) {
      place += step[dim];
      if (++at[dim] < to->shape()[dim])
        break;
      place -= step[dim] * at[dim];
      at[dim] = 0;
    }
  }
  ElementsAttr attr = nn::elementsOf(*to, builder.getContext(), "channels_last");
  return attr ? nn::ConstantOp::create(builder, constant.getLoc(), attr).getResult() : Value();
}

//===----------------------------------------------------------------------===//
// Where channels-last begins
//===----------------------------------------------------------------------===//

/// A convolution with constant weights: transposes at x and y, the weights become window × inputs × outputs.
template <typename OpTy>
struct ConvToNXC : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    int64_t rank = typeOf(op.getX()).getRank();
    if (op.getLayout() != "NCX" || rank != 4)
      return failure();
    Perm weightPerm{2, 3, 1, 0};
    Value weights = transposedConstant(rewriter, op.getW(), typeOf(op.getW()).getShape(), weightPerm);
    if (!weights)
      return failure();
    Perm perm = channelsLast(rank);
    RankedTensorType type = typeOf(op.getY());
    Value x = transpose(rewriter, op.getLoc(), op.getX(), perm);
    auto result = cast<OpTy>(rewriter.clone(*op));
    result.getXMutable().assign(x);
    result.getWMutable().assign(weights);
    result.setLayout("NXC");
    result.getY().setType(permutedType(type, perm));
    rewriter.replaceOp(op, transpose(rewriter, op.getLoc(), result.getY(), inverse(perm)));
    return success();
  }
};

/// A pool whose input is channels-last already.
template <typename OpTy>
struct PoolToNXC : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    int64_t rank = typeOf(op.getX()).getRank();
    auto before = op.getX().template getDefiningOp<nn::TransposeOp>();
    Perm perm = channelsLast(rank);
    if (op.getLayout() != "NCX" || rank < 3 || !before || before.getPerm() != ArrayRef<int64_t>(inverse(perm)))
      return failure();
    auto result = cast<OpTy>(rewriter.clone(*op));
    result.getXMutable().assign(before.getX());
    result.setLayout("NXC");
    result.getY().setType(permutedType(typeOf(op.getY()), perm));
    rewriter.replaceOp(op, transpose(rewriter, op.getLoc(), result.getY(), inverse(perm)));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Transposes sink and cancel
//===----------------------------------------------------------------------===//

struct FoldTransposes : OpRewritePattern<nn::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::TransposeOp op, PatternRewriter &rewriter) const override {
    if (isIdentity(op.getPerm()) && op.getX().getType() == op.getY().getType()) {
      rewriter.replaceOp(op, op.getX());
      return success();
    }
    auto before = op.getX().getDefiningOp<nn::TransposeOp>();
    if (!before)
      return failure();
    Perm perm = permuted(before.getPerm(), op.getPerm());
    if (permutedType(typeOf(before.getX()), perm) != op.getY().getType())
      return failure();
    rewriter.replaceOp(op, transpose(rewriter, op.getLoc(), before.getX(), perm));
    return success();
  }
};

/// Below an op that works on each element or along dims it names: op(transpose(x)) becomes transpose(op(x)).
struct SinkTranspose : RewritePattern {
  explicit SinkTranspose(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1 || !isa<RankedTensorType>(op->getResult(0).getType()))
      return failure();
    if (op->hasTrait<nn::Elementwise>())
      return sink(op, rewriter, [](Operation *, ArrayRef<int64_t>) { return true; });
    if (isa<qir::QuantizeOp, qir::DequantizeOp>(op))
      return op->hasAttr("block_size") ? failure() : sinkFirst(op, rewriter, [](Operation *result, ArrayRef<int64_t> perm) {
        if (auto axis = result->getAttrOfType<IntegerAttr>("axis"))
          result->setAttr("axis", renumbered(axis, perm));
      });
    if (isa<qir::LookupOp>(op))
      return sinkFirst(op, rewriter, [](Operation *, ArrayRef<int64_t>) {});
    if (isa<nn::ResizeOp>(op))
      return sinkFirst(op, rewriter, [](Operation *result, ArrayRef<int64_t> perm) { renumberAxes(result, perm); });
    if (isa<nn::ConcatOp>(op))
      return sink(op, rewriter, [](Operation *result, ArrayRef<int64_t> perm) {
        result->setAttr("axis", renumbered(result->getAttrOfType<IntegerAttr>("axis"), perm));
        return true;
      });
    if (op->hasTrait<nn::Reduction>())
      return sinkReduction(op, rewriter);
    if (auto pad = dyn_cast<nn::PadOp>(op))
      return sinkPad(pad, rewriter);
    return failure();
  }

  /// The result's dim i was x's dim perm[i]: a dim of the result by x's numbering.
  static IntegerAttr renumbered(IntegerAttr axis, ArrayRef<int64_t> perm) {
    return IntegerAttr::get(axis.getType(), perm[axis.getInt()]);
  }
  static void renumberAxes(Operation *op, ArrayRef<int64_t> perm) {
    SmallVector<int64_t> axes;
    for (int64_t axis : op->getAttrOfType<DenseI64ArrayAttr>("axes").asArrayRef())
      axes.push_back(perm[axis]);
    op->setAttr("axes", DenseI64ArrayAttr::get(op->getContext(), axes));
  }

  static nn::TransposeOp transposeBefore(Value value) { return value.getDefiningOp<nn::TransposeOp>(); }

  /// Ops of one tensor and some parameters.
  static LogicalResult sinkFirst(Operation *op, PatternRewriter &rewriter,
                                 llvm::function_ref<void(Operation *, ArrayRef<int64_t>)> adapt) {
    nn::TransposeOp before = transposeBefore(op->getOperand(0));
    if (!before)
      return failure();
    Operation *result = rewriter.clone(*op);
    result->setOperand(0, before.getX());
    adapt(result, before.getPerm());
    return replace(op, result, before.getPerm(), rewriter);
  }

  static LogicalResult replace(Operation *op, Operation *result, ArrayRef<int64_t> perm, PatternRewriter &rewriter) {
    result->getResult(0).setType(permutedType(typeOf(op->getResult(0)), inverse(perm)));
    rewriter.replaceOp(op, transpose(rewriter, op->getLoc(), result->getResult(0), perm));
    return success();
  }

  /// Ops of several tensors: all are transposed alike, or constants, or scalars.
  static LogicalResult sink(Operation *op, PatternRewriter &rewriter,
                            llvm::function_ref<bool(Operation *, ArrayRef<int64_t>)> adapt) {
    nn::TransposeOp first;
    for (Value operand : op->getOperands())
      if (!first)
        first = transposeBefore(operand);
    int64_t rank = typeOf(op->getResult(0)).getRank();
    if (!first || static_cast<int64_t>(first.getPerm().size()) != rank)
      return failure();
    Perm perm(first.getPerm());
    bool sameRank = isa<nn::ConcatOp>(op);
    if (!llvm::all_of(op->getOperands(), [&](Value operand) { return canMove(operand, perm, sameRank); }))
      return failure();
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      if (!operands.emplace_back(withoutTranspose(operand, perm, rewriter)))
        return failure();
    Operation *result = rewriter.clone(*op);
    result->setOperands(operands);
    adapt(result, perm);
    return replace(op, result, perm, rewriter);
  }

  static bool isTransposedBy(Value operand, const Perm &perm) {
    nn::TransposeOp before = transposeBefore(operand);
    return before && before.getPerm() == ArrayRef<int64_t>(perm);
  }

  static bool canMove(Value operand, const Perm &perm, bool sameRank) {
    RankedTensorType type = typeOf(operand);
    int64_t rank = perm.size();
    if (isTransposedBy(operand, perm) || (type.getRank() == 0 && !sameRank))
      return true;
    return nn::constantValue(operand) && (sameRank ? type.getRank() == rank : type.getRank() <= rank);
  }

  /// What stands in an operand's place before the transpose, given that it can move.
  static Value withoutTranspose(Value operand, const Perm &perm, PatternRewriter &rewriter) {
    if (isTransposedBy(operand, perm))
      return transposeBefore(operand).getX();
    RankedTensorType type = typeOf(operand);
    if (type.getRank() == 0)
      return operand;
    SmallVector<int64_t> shape(perm.size() - type.getRank(), 1);
    shape.append(type.getShape().begin(), type.getShape().end());
    return transposedConstant(rewriter, operand, shape, inverse(perm));
  }

  static LogicalResult sinkReduction(Operation *op, PatternRewriter &rewriter) {
    nn::TransposeOp before = transposeBefore(op->getOperand(0));
    if (!before)
      return failure();
    bool keeps = cast<BoolAttr>(keepdims(op)).getValue();
    ArrayRef<int64_t> perm = before.getPerm();
    Operation *result = rewriter.clone(*op);
    result->setOperand(0, before.getX());
    renumberAxes(result, perm);
    if (keeps)
      return replace(op, result, perm, rewriter);
    // The dims that stay, in x's numbering, as the result has them, and closed up.
    ArrayRef<int64_t> axes = op->getAttrOfType<DenseI64ArrayAttr>("axes").asArrayRef();
    Perm kept;
    for (int64_t dim = 0; dim < static_cast<int64_t>(perm.size()); ++dim)
      if (!llvm::is_contained(axes, dim))
        kept.push_back(perm[dim]);
    Perm sorted = kept;
    llvm::sort(sorted);
    for (int64_t &dim : kept)
      dim = llvm::find(sorted, dim) - sorted.begin();
    return replace(op, result, kept, rewriter);
  }

  static Attribute keepdims(Operation *op) {
    auto attr = op->getInherentAttr("keepdims");
    return attr && *attr ? *attr : BoolAttr::get(op->getContext(), true);
  }

  static LogicalResult sinkPad(nn::PadOp op, PatternRewriter &rewriter) {
    nn::TransposeOp before = transposeBefore(op.getData());
    auto pads = nn::constantInts(op.getPads());
    if (!before || !pads)
      return failure();
    ArrayRef<int64_t> perm = before.getPerm();
    int64_t rank = perm.size();
    SmallVector<int64_t> moved(2 * rank);
    for (int64_t dim = 0; dim < rank; ++dim) {
      moved[perm[dim]] = (*pads)[dim];
      moved[rank + perm[dim]] = (*pads)[rank + dim];
    }
    auto attr = DenseElementsAttr::get(RankedTensorType::get({2 * rank}, rewriter.getI64Type()), ArrayRef<int64_t>(moved));
    Operation *result = rewriter.clone(*op);
    result->setOperand(0, before.getX());
    result->setOperand(1, nn::ConstantOp::create(rewriter, op.getLoc(), attr));
    result->moveAfter(result->getOperand(1).getDefiningOp());
    return replace(op, result, perm, rewriter);
  }
};

struct NNToNXC : qopt::qcpu::impl::NNToNXCBase<NNToNXC> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ConvToNXC<nn::ConvOp>, ConvToNXC<qir::IntegerConvOp>, PoolToNXC<nn::MaxPoolOp>, PoolToNXC<nn::AveragePoolOp>,
                 PoolToNXC<nn::LpPoolOp>, FoldTransposes, SinkTranspose>(&getContext());
    (void)applyPatternsGreedily(getOperation(), std::move(patterns));
  }
};

} // namespace
