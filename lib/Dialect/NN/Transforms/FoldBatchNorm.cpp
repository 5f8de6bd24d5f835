#include "Evaluate.h"

#include "qopt/Dialect/NN/IR/Constants.h"
#include "qopt/Dialect/NN/IR/HostValues.h"
#include "qopt/Dialect/NN/Transforms/Passes.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>

namespace qopt {
#define GEN_PASS_DEF_NNFOLDBATCHNORM
#include "qopt/Dialect/NN/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;
using namespace qopt::nn;

namespace {
constexpr int64_t kMostElements = int64_t(1) << 28;
using Vector = SmallVector<double>;

std::optional<Vector> vectorOf(Value value, int64_t size) {
  auto values = constantFloats(value, kMostElements);
  return values && static_cast<int64_t>(values->size()) == size ? values : std::nullopt;
}

/// y = x * scale + shift, per channel.
struct Affine {
  Vector scale, shift;
};

/// A constant that holds one value per channel (dim 1 of a result of this rank), or one for all.
std::optional<Vector> perChannel(Value value, int64_t channels, int64_t rank) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.hasStaticShape() || !constantValue(value))
    return std::nullopt;
  ArrayRef<int64_t> shape = type.getShape();
  int64_t own = type.getRank() - (rank - 1); // where dim 1 stands in it
  for (auto [i, dim] : llvm::enumerate(shape))
    if (dim != 1 && static_cast<int64_t>(i) != own)
      return std::nullopt;
  auto values = constantFloats(value, kMostElements);
  if (!values || (values->size() != 1 && static_cast<int64_t>(values->size()) != channels))
    return std::nullopt;
  if (values->size() == 1)
    values->assign(channels, values->front());
  return values;
}

std::optional<Affine> affineOf(BatchNormalizationOp norm, int64_t channels) {
  auto scale = vectorOf(norm.getScale(), channels), bias = vectorOf(norm.getBias(), channels);
  auto mean = vectorOf(norm.getMean(), channels), var = vectorOf(norm.getVar(), channels);
  if (!scale || !bias || !mean || !var)
    return std::nullopt;
  Affine out;
  double epsilon = norm.getEpsilon().convertToFloat();
  for (int64_t c = 0; c < channels; ++c) {
    double factor = (*scale)[c] / std::sqrt((*var)[c] + epsilon);
    out.scale.push_back(factor);
    out.shift.push_back((*bias)[c] - (*mean)[c] * factor);
  }
  return out;
}

/// The op that makes channels linearly, seen alike for its kinds.
struct Producer {
  Operation *op;
  Value weight, bias;
  int64_t channels, channelDim, perGroup; // channels of the weight: along channelDim, perGroup of them in each group
};

std::optional<Producer> producerOf(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !op->hasOneUse())
    return std::nullopt;
  auto dims = [](Value v) { return cast<RankedTensorType>(v.getType()).getShape(); };
  if (auto conv = dyn_cast<ConvOp>(op); conv && conv.getLayout() == "NCX")
    return Producer{op, conv.getW(), conv.getB(), dims(conv.getW())[0], 0, dims(conv.getW())[0]};
  if (auto conv = dyn_cast<ConvTransposeOp>(op); conv && conv.getLayout() == "NCX") {
    int64_t perGroup = dims(conv.getW())[1];
    return Producer{op, conv.getW(), conv.getB(), perGroup * static_cast<int64_t>(conv.getGroup()), 1, perGroup};
  }
  if (auto gemm = dyn_cast<GemmOp>(op); gemm && gemm.getAlpha().convertToFloat() == 1 && gemm.getBeta().convertToFloat() == 1) {
    int64_t dim = gemm.getTransB() ? 0 : 1;
    return Producer{op, gemm.getB(), gemm.getC(), dims(gemm.getB())[dim], dim, dims(gemm.getB())[dim]};
  }
  return std::nullopt;
}

/// Folds `affine` into the producer's constants; false where these are not constant. `scales` false leaves the weight alone.
bool fold(const Producer &p, const Affine &affine, bool scales, Operation *after, PatternRewriter &rewriter) {
  auto type = cast<RankedTensorType>(p.weight.getType());
  if (!type.hasStaticShape() || !type.getElementType().isF32() || ShapedType::isDynamic(p.channels) ||
      (p.bias && cast<RankedTensorType>(p.bias.getType()).getRank() != 1))
    return false;
  auto bias = p.bias ? vectorOf(p.bias, p.channels) : Vector(p.channels, 0);
  if (!bias)
    return false;
  Value weight = p.weight;
  rewriter.setInsertionPoint(p.op);
  if (scales) {
    auto values = constantFloats(p.weight, kMostElements);
    if (!values)
      return false;
    int64_t inner = 1, rows = type.getDimSize(p.channelDim);
    for (int64_t dim : type.getShape().drop_front(p.channelDim + 1))
      inner *= dim;
    // Transposed convolutions hold C × M/group: the group of an input channel tells which outputs it makes.
    int64_t groups = p.channels / p.perGroup, outer = values->size() / std::max<int64_t>(1, inner * rows);
    for (auto [i, value] : llvm::enumerate(*values)) {
      int64_t row = i / inner % rows, group = groups == 1 ? 0 : static_cast<int64_t>(i) / (inner * rows) / (outer / groups);
      value *= affine.scale[group * p.perGroup + row];
    }
    auto tensor = take(tensorFromFloats(DType::Float32, type.getShape(), *values));
    if (!tensor)
      return false;
    weight = ConstantOp::create(rewriter, p.weight.getLoc(), elementsOf(*tensor, rewriter.getContext(), "folded"));
  }
  for (int64_t c = 0; c < p.channels; ++c)
    (*bias)[c] = (*bias)[c] * affine.scale[c] + affine.shift[c];
  auto tensor = take(tensorFromFloats(DType::Float32, {p.channels}, *bias));
  if (!tensor)
    return false;
  Value newBias = ConstantOp::create(rewriter, p.op->getLoc(), elementsOf(*tensor, rewriter.getContext(), "folded"));
  rewriter.modifyOpInPlace(p.op, [&] {
    SmallVector<Value> operands(p.op->getOperands());
    operands.resize(3);
    operands[1] = weight;
    operands[2] = newBias;
    p.op->setOperands(operands);
    p.op->getResult(0).setType(after->getResult(0).getType());
  });
  rewriter.replaceOp(after, p.op->getResult(0));
  return true;
}

struct FoldNorm : OpRewritePattern<BatchNormalizationOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BatchNormalizationOp norm, PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(norm.getX().getType());
    if (type.getRank() < 2 || !type.getElementType().isF32())
      return failure();
    int64_t channels = cast<RankedTensorType>(norm.getScale().getType()).getDimSize(0);
    auto affine = ShapedType::isDynamic(channels) ? std::nullopt : affineOf(norm, channels);
    if (!affine)
      return failure();
    if (auto producer = producerOf(norm.getX()); producer && producer->channels == channels)
      if (fold(*producer, *affine, true, norm, rewriter))
        return success();
    // Standing alone: a product and a sum.
    SmallVector<int64_t> shape(type.getRank() - 1, 1);
    shape[0] = channels;
    auto constant = [&](const Vector &values) -> Value {
      auto tensor = take(tensorFromFloats(DType::Float32, shape, values));
      return tensor ? Value(ConstantOp::create(rewriter, norm.getLoc(), elementsOf(*tensor, rewriter.getContext(), "folded"))) : Value();
    };
    Value scale = constant(affine->scale), shift = constant(affine->shift);
    if (!scale || !shift)
      return failure();
    Value product = MulOp::create(rewriter, norm.getLoc(), norm.getType(), norm.getX(), scale);
    rewriter.replaceOpWithNewOp<AddOp>(norm, norm.getType(), product, shift);
    return success();
  }
};

/// A product with (Mul) or a sum of (Add) a constant per channel.
template <typename Op> struct FoldPerChannel : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    for (bool swapped : {false, true}) {
      Value x = swapped ? op.getB() : op.getA(), constant = swapped ? op.getA() : op.getB();
      auto producer = producerOf(x);
      if (!producer || ShapedType::isDynamic(producer->channels) || cast<RankedTensorType>(x.getType()).getRank() != type.getRank())
        continue;
      auto values = perChannel(constant, producer->channels, type.getRank());
      if (!values)
        continue;
      constexpr bool isSum = std::is_same_v<Op, AddOp>;
      Affine affine{isSum ? Vector(producer->channels, 1) : *values, isSum ? *values : Vector(producer->channels, 0)};
      if (fold(*producer, affine, !isSum, op, rewriter))
        return success();
    }
    return failure();
  }
};

struct NNFoldBatchNorm : qopt::impl::NNFoldBatchNormBase<NNFoldBatchNorm> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldNorm, FoldPerChannel<AddOp>, FoldPerChannel<MulOp>>(&getContext());
    GreedyRewriteConfig config;
    config.enableFolding(false);
    (void)applyPatternsGreedily(getOperation(), std::move(patterns), config);
  }
};
} // namespace
