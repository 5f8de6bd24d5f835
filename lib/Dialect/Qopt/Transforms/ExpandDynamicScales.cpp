// Scales of run time in ONNX's own words.
#include "qopt/Analysis/Constants.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"

#include "mlir/IR/Builders.h"

#include <limits>

namespace qopt {
#define GEN_PASS_DEF_EXPANDDYNAMICSCALESPASS
#include "qopt/Dialect/Qopt/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;

namespace {

/// Spells one qopt.dynamic_scale out.
class Expansion {
public:
  explicit Expansion(qir::DynamicScaleOp op) : op(op), b(op), type(cast<RankedTensorType>(op.getX().getType())) {}

  /// Null where groups are partial, sizes are not known, or the scales are codes themselves.
  Value run() {
    auto result = cast<RankedTensorType>(op.getScale().getType());
    if (!result.getElementType().isF32() || op.getOuter() || !type.getElementType().isF32())
      return {};
    Value magnitudes = op.getAxis() ? magnitudesOfBlocks(result) : magnitudeOfTensor(result);
    return magnitudes ? scaleOf(magnitudes) : Value();
  }

private:
  Value magnitude() { return nn::AbsOp::create(b, op.getLoc(), type, op.getX()); }

  Value maximum(Value x, RankedTensorType result, ArrayRef<int64_t> axes, bool keep) {
    return nn::ReduceMaxOp::create(b, op.getLoc(), result, x, b.getDenseI64ArrayAttr(axes), b.getBoolAttr(keep));
  }

  Value magnitudesOfBlocks(RankedTensorType result) {
    int64_t axis = static_cast<int64_t>(*op.getAxis()), size = static_cast<int64_t>(*op.getBlockSize());
    if (type.isDynamicDim(axis))
      return {};
    return size >= type.getDimSize(axis) ? maximum(magnitude(), result, {axis}, true) : Value();
  }

  /// Over the finite values alone.
  Value magnitudeOfTensor(RankedTensorType result) {
    Location loc = op.getLoc();
    Value x = magnitude();
    Value finite = nn::LessOp::create(b, loc, type.clone(b.getI1Type()), x, scalar(std::numeric_limits<float>::infinity()));
    SmallVector<int64_t> all(llvm::to_vector(llvm::seq<int64_t>(0, type.getRank())));
    return maximum(nn::WhereOp::create(b, loc, type, finite, x, scalar(0)), result, all, false);
  }

  /// max|x| / top, at least the least normal float; 1 where all is zero.
  Value scaleOf(Value magnitudes) {
    Location loc = op.getLoc();
    auto result = cast<RankedTensorType>(magnitudes.getType());
    Value divided = nn::DivOp::create(b, loc, result, magnitudes, scalar(op.getTop().convertToFloat()));
    Value normal = nn::MaxOp::create(b, loc, result, divided, scalar(std::numeric_limits<float>::min()));
    Value isZero = nn::EqualOp::create(b, loc, result.clone(b.getI1Type()), magnitudes, scalar(0));
    return nn::WhereOp::create(b, loc, result, isZero, scalar(1), normal);
  }

  Value scalar(float value) {
    return nn::ConstantOp::create(b, op.getLoc(), DenseElementsAttr::get(RankedTensorType::get({}, b.getF32Type()), value));
  }

  qir::DynamicScaleOp op;
  OpBuilder b;
  RankedTensorType type;
};

struct ExpandDynamicScales : qopt::impl::ExpandDynamicScalesPassBase<ExpandDynamicScales> {
  void runOnOperation() override {
    getOperation().walk([](qir::DynamicScaleOp op) {
      if (Value scale = Expansion(op).run()) {
        op.getScale().replaceAllUsesWith(scale);
        op.erase();
      }
    });
  }
};

} // namespace
