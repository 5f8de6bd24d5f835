// Gradients: how they are added up, and the ops of which rules are made.
#include "GradientImpl.h"

using namespace mlir;
using namespace qopt::nn;

Value Gradients::of(Value value) {
  Value &sum = sums[value];
  if (!sum)
    sum = zerosLike(value);
  return sum;
}

void Gradients::to(Value operand, llvm::function_ref<Value()> make) {
  if (!active.contains(operand))
    return;
  Value gradient = make();
  if (!gradient)
    return;
  ++answers[operand];
  gradient = sumLike(gradient, operand);
  Value &sum = sums[operand];
  sum = sum ? this->make<AddOp>(sum, gradient) : gradient;
}

SmallVector<Size> qopt::nn::sizesOf(Value value) {
  SmallVector<Size> sizes;
  for (int64_t dim = 0; dim < rankOf(value); ++dim)
    sizes.push_back({value, dim});
  return sizes;
}

void Gradients::begin(Operation *op) {
  loc = op->getLoc();
  answers.clear();
}

std::optional<unsigned> Gradients::unanswered(Operation *op) const {
  llvm::DenseMap<Value, unsigned> left(answers);
  for (OpOperand &operand : op->getOpOperands())
    if (active.contains(operand.get()) && left[operand.get()]-- == 0)
      return operand.getOperandNumber();
  return std::nullopt;
}

/// Dims that contradict each other are told once, and left open so that the rule can go on.
Value Gradients::inferred(Operation *op) {
  std::string contradiction;
  Value result = op->getResult(0);
  if (succeeded(refineResultTypes(op, contradiction)))
    return result;
  if (error.empty())
    error = contradiction;
  int64_t rank = 0;
  for (Value operand : op->getOperands())
    rank = std::max(rank, rankOf(operand));
  Type element = mlir::cast<TensorType>(result.getType()).getElementType();
  result.setType(RankedTensorType::get(SmallVector<int64_t>(rank, ShapedType::kDynamic), element));
  return result;
}

Value Gradients::number(double value, Type element) {
  return constant(DenseElementsAttr::get(RankedTensorType::get({}, element), FloatAttr::get(element, value)));
}

Value Gradients::ints(ArrayRef<int64_t> values) {
  return constant(DenseElementsAttr::get(RankedTensorType::get(values.size(), b.getI64Type()), values));
}

Value Gradients::zeros(ArrayRef<Size> sizes, Type element) {
  SmallVector<int64_t> known;
  for (const Size &size : sizes)
    known.push_back(size.number);
  auto type = RankedTensorType::get(known, element);
  Attribute zero = FloatAttr::get(element, 0.0);
  if (type.hasStaticShape())
    return constant(DenseElementsAttr::get(type, zero));
  return makeAs<ConstantOfShapeOp>(element, shape(sizes), DenseElementsAttr::get(RankedTensorType::get(1, element), zero));
}

Value Gradients::zerosLike(Value value) {
  Type element = typeOf(value).getElementType();
  return zeros(sizesOf(value), isa<FloatType>(element) ? element : b.getF32Type());
}

Value Gradients::cast(Value value, Type element) {
  return typeOf(value).getElementType() == element ? value : makeAs<CastOp>(element, value);
}

Value Gradients::shapeOf(Value value) {
  RankedTensorType type = typeOf(value);
  if (type.hasStaticShape())
    return ints(type.getShape());
  return makeAs<ShapeOp>(b.getI64Type(), value, 0, type.getRank());
}

/// As few ops as the sizes need: runs of numbers are constants.
Value Gradients::shape(ArrayRef<Size> sizes) {
  SmallVector<Value> parts;
  SmallVector<int64_t> run;
  auto endRun = [&] {
    if (!run.empty())
      parts.push_back(ints(run));
    run.clear();
  };
  for (const Size &size : sizes) {
    if (size.isKnown()) {
      run.push_back(size.number);
      continue;
    }
    endRun();
    parts.push_back(makeAs<ShapeOp>(b.getI64Type(), size.value, size.dim, size.dim + 1));
  }
  endRun();
  return parts.size() == 1 ? parts[0] : makeAs<ConcatOp>(b.getI64Type(), parts, 0);
}

Value Gradients::reshape(Value value, ArrayRef<Size> sizes) {
  SmallVector<int64_t> known;
  for (const Size &size : sizes)
    known.push_back(size.number);
  if (typeOf(value).hasStaticShape() && typeOf(value).getShape() == ArrayRef(known))
    return value;
  return make<ReshapeOp>(value, sizes.empty() ? ints({}) : shape(sizes), /*allowzero=*/true);
}

Value Gradients::reshapeLike(Value value, Value like) {
  if (typeOf(value).hasStaticShape() && typeOf(value).getShape() == typeOf(like).getShape())
    return value;
  return make<ReshapeOp>(value, shapeOf(like), /*allowzero=*/true);
}

Value Gradients::transpose(Value value, ArrayRef<int64_t> perm) {
  if (auto before = value.getDefiningOp<TransposeOp>(); before && before.getPerm().size() == perm.size()) {
    bool cancels = true;
    for (auto [i, from] : llvm::enumerate(perm))
      cancels &= before.getPerm()[from] == static_cast<int64_t>(i);
    if (cancels)
      return before.getX();
  }
  return make<TransposeOp>(value, perm);
}

Value Gradients::transposed(Value matrices) {
  SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(0, rankOf(matrices)));
  std::swap(perm[perm.size() - 2], perm[perm.size() - 1]);
  return transpose(matrices, perm);
}

Value Gradients::rows(Value value) {
  int64_t last = typeOf(value).getShape().back();
  if (rankOf(value) == 2)
    return value;
  return ShapedType::isDynamic(last) || last == 0 ? Value() : make<ReshapeOp>(value, ints({-1, last}));
}

Value Gradients::slice(Value value, int64_t axis, int64_t start, int64_t end) {
  return make<SliceOp>(value, ints(start), ints(end), axis, ArrayRef<int64_t>{1});
}

Value Gradients::pad(Value value, int64_t axis, int64_t before, int64_t after) {
  if (before == 0 && after == 0)
    return value;
  SmallVector<int64_t> pads(2 * rankOf(value));
  pads[axis] = before;
  pads[rankOf(value) + axis] = after;
  return make<PadOp>(value, ints(pads), Value());
}

Value Gradients::sum(Value value, ArrayRef<int64_t> axes, bool keepdims) {
  return axes.empty() ? value : make<ReduceSumOp>(value, axes, keepdims);
}

Value Gradients::sumLike(Value value, Value like) {
  int64_t lead = rankOf(value) - rankOf(like);
  if (lead > 0)
    value = sum(value, llvm::to_vector(llvm::seq<int64_t>(0, lead)), /*keepdims=*/false);
  SmallVector<int64_t> ones;
  for (auto [i, size] : llvm::enumerate(typeOf(like).getShape()))
    if (size == 1 && typeOf(value).getDimSize(i) != 1)
      ones.push_back(i);
  return sum(value, ones);
}
