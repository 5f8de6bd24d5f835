// The frame of shape inference; the rules stand in InferShapes{Linear,Move}.cpp.
#include "InferShapesImpl.h"

#include "qopt/Support/DType.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace qopt;
using namespace qopt::nn;

FailureOr<Dims> nn::broadcastDims(ArrayRef<int64_t> a, ArrayRef<int64_t> b, std::string &error) {
  if (a.size() < b.size())
    std::swap(a, b);
  Dims out(a);
  size_t lead = a.size() - b.size();
  for (size_t i = 0; i < b.size(); ++i) {
    int64_t x = a[lead + i], y = b[i];
    if (x == 1 || x == y)
      out[lead + i] = y;
    else if (y == 1)
      out[lead + i] = x;
    else if (isUnknown(x) || isUnknown(y)) // the unknown one is the other, or 1
      out[lead + i] = isUnknown(x) ? y : x;
    else {
      error = "cannot broadcast " + std::to_string(x) + " against " + std::to_string(y) + " in dim " + std::to_string(lead + i);
      return failure();
    }
  }
  return out;
}

std::optional<ArrayRef<int64_t>> ShapeRules::dims(Value value) const {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? std::optional(type.getShape()) : std::nullopt;
}

bool ShapeRules::fail(const Twine &sentence) {
  error = sentence.str();
  return false;
}

bool ShapeRules::checkAxis(int64_t axis, int64_t rank) {
  return (axis >= 0 && axis < rank) || fail("axis " + Twine(axis) + " is out of range for rank " + Twine(rank));
}

bool ShapeRules::elementwise(ValueRange operands) {
  Dims out;
  for (Value operand : operands) {
    auto shape = dims(operand);
    if (!shape)
      return true;
    FailureOr<Dims> both = broadcastDims(out, *shape, error);
    if (failed(both))
      return false;
    out = *both;
  }
  return set(0, out);
}

bool ShapeRules::reduction(Value x, ArrayRef<int64_t> axes, bool keepdims, unsigned results) {
  auto shape = dims(x);
  if (!shape)
    return true;
  llvm::SmallBitVector gone(shape->size());
  for (int64_t axis : axes) {
    if (!checkAxis(axis, shape->size()))
      return false;
    gone.set(axis);
  }
  Dims out;
  for (auto [i, dim] : llvm::enumerate(*shape))
    if (!gone[i])
      out.push_back(dim);
    else if (keepdims)
      out.push_back(1);
  for (unsigned i = 0; i < results; ++i)
    set(i, out);
  return true;
}

/// Ops whose every result has the shape of operand 0.
bool ShapeRules::sameAsFirst() {
  auto shape = dims(op->getOperand(0));
  if (shape)
    set(0, Dims(*shape));
  return true;
}

bool ShapeRules::run() {
  shapes.resize(op->getNumResults());
  if (op->hasTrait<Elementwise>())
    return elementwise(op->getOperands());
  if (op->hasTrait<Reduction>())
    return reduction(op->getOperand(0), op->getAttrOfType<DenseI64ArrayAttr>("axes"),
                     !op->getAttr("keepdims") || cast<BoolAttr>(op->getAttr("keepdims")).getValue());
  bool done = true;
  if (linearRules(done) || moveRules(done) || indexRules(done))
    return done;
  return true;
}

FailureOr<SmallVector<std::optional<Dims>>> nn::inferShapes(Operation *op, std::string &error) {
  ShapeRules rules(op, error);
  if (!rules.run())
    return failure();
  return std::move(rules.shapes);
}

LogicalResult nn::refineResultTypes(Operation *op, std::string &error, bool *changed) {
  auto shapes = inferShapes(op, error);
  if (failed(shapes))
    return failure();
  for (auto [result, inferred] : llvm::zip_equal(op->getResults(), *shapes)) {
    auto type = dyn_cast<TensorType>(result.getType());
    if (!type || !inferred)
      continue;
    Dims refined = *inferred;
    if (type.hasRank()) {
      ArrayRef<int64_t> said = type.getShape();
      if (said.size() != refined.size()) {
        error = "is said to have the shape " + shapeToString(said) + ", but its operands make " + shapeToString(refined);
        return failure();
      }
      for (auto [to, dim] : llvm::zip_equal(refined, said)) {
        if (!isUnknown(to) && !isUnknown(dim) && to != dim) {
          error = "is said to have the shape " + shapeToString(said) + ", but its operands make " + shapeToString(*inferred);
          return failure();
        }
        to = isUnknown(to) ? dim : to;
      }
    }
    // A dim below zero can come from hostile arithmetic only; a product beyond int64 from sizes that no machine holds.
    Dims known(refined);
    for (int64_t &dim : known)
      dim = isUnknown(dim) ? 1 : dim;
    if (llvm::Expected<int64_t> count = countElements(known); !count) {
      error = "would have the shape " + shapeToString(refined) + ": " + llvm::toString(count.takeError());
      return failure();
    }
    auto now = RankedTensorType::get(refined, type.getElementType());
    if (now == result.getType())
      continue;
    result.setType(now);
    if (changed)
      *changed = true;
  }
  return success();
}
