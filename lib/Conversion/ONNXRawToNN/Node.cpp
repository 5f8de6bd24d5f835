#include "Node.h"

#include "qopt/Dialect/NN/IR/HostValues.h"

#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace qopt;

StringRef qopt::modelPath(Location loc) {
  if (auto named = dyn_cast<NameLoc>(loc))
    return modelPath(named.getChildLoc());
  if (auto file = dyn_cast<FileLineColLoc>(loc))
    return file.getFilename().getValue();
  return "the model";
}

StringRef qopt::siteName(Location loc) {
  auto named = dyn_cast<NameLoc>(loc);
  return named ? named.getName().getValue() : StringRef("a nameless node");
}

Node::Node(OpBuilder &builder, onnxraw::NodeOp op, SmallVector<Value> operands)
    : b(builder), op(op), loc(op.getLoc()), version(op.getVersion()), inputs(std::move(operands)), results(op.getNumResults()) {}

std::string Node::describe() const { return ("node '" + siteName(loc) + "' (" + op.getOpType() + ")").str(); }

LogicalResult Node::fail(const Twine &sentence) {
  if (!hasFailed)
    emitError(loc) << modelPath(loc) << ": " << describe() << " " << sentence;
  hasFailed = true;
  return failure();
}

LogicalResult Node::unsupported(const Twine &why) {
  if (!hasFailed)
    unsupportedWhy = why.str();
  hasFailed = true;
  return failure();
}

Value Node::in(size_t i) {
  if (has(i))
    return inputs[i];
  (void)fail("lacks its operand " + Twine(i));
  return scalar(f32(), 0);
}

Attribute Node::attr(StringRef name) const {
  auto all = op.getOnnxAttributes();
  return all ? all->get(name) : Attribute();
}

int64_t Node::i(StringRef name, int64_t otherwise) {
  Attribute value = attr(name);
  if (!value)
    return otherwise;
  if (auto number = dyn_cast<IntegerAttr>(value))
    return number.getInt();
  (void)fail("has an attribute '" + name + "' that is not an integer");
  return otherwise;
}

double Node::f(StringRef name, double otherwise) {
  Attribute value = attr(name);
  if (!value)
    return otherwise;
  if (auto number = dyn_cast<FloatAttr>(value))
    return number.getValueAsDouble();
  (void)fail("has an attribute '" + name + "' that is not a float");
  return otherwise;
}

std::string Node::s(StringRef name, StringRef otherwise) {
  Attribute value = attr(name);
  if (!value)
    return otherwise.str();
  if (auto text = dyn_cast<StringAttr>(value))
    return text.str();
  (void)fail("has an attribute '" + name + "' that is not a string");
  return otherwise.str();
}

std::optional<Dims> Node::ints(StringRef name) {
  Attribute value = attr(name);
  if (!value)
    return std::nullopt;
  if (auto list = dyn_cast<DenseI64ArrayAttr>(value))
    return Dims(list.asArrayRef());
  (void)fail("has an attribute '" + name + "' that is not a list of integers");
  return std::nullopt;
}

std::optional<Dims> Node::constantIntsOf(size_t index, StringRef role) {
  if (!has(index))
    return std::nullopt;
  if (auto values = nn::constantInts(inputs[index]))
    return Dims(*values);
  (void)unsupported("its " + role + " are not constant");
  return std::nullopt;
}

std::optional<Dims> Node::intsOf(StringRef name, size_t index) {
  return hasAttr(name) ? ints(name) : constantIntsOf(index, name);
}

int64_t Node::axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank) {
    (void)fail("has the axis " + Twine(axis) + ", which is out of range for rank " + Twine(rank));
    return 0;
  }
  return axis < 0 ? axis + rank : axis;
}

Dims Node::axes(ArrayRef<int64_t> axes, int64_t rank) {
  Dims out;
  for (int64_t one : axes)
    out.push_back(axis(one, rank));
  Dims sorted(out);
  llvm::sort(sorted);
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    (void)fail("names an axis twice");
  return out;
}

SmallVector<Value> Node::makeNamed(StringRef name, ArrayRef<Type> elements, ValueRange operands, const Attrs &attributes) {
  SmallVector<Value> given;
  for (Value operand : operands)
    if (operand)
      given.push_back(operand);
  OperationState state(loc, name);
  state.addOperands(given);
  state.addAttributes(attributes.get());
  for (Type element : elements)
    state.addTypes(UnrankedTensorType::get(element));
  Operation *made = b.create(state);
  std::string error;
  bool good = succeeded(nn::refineResultTypes(made, error));
  if (!good)
    (void)fail(error);
  SmallVector<Value> out;
  for (OpResult result : made->getResults()) {
    auto tensor = cast<TensorType>(result.getType());
    if (!tensor.hasRank()) {
      // The rank may be known to libonnx; set() merges the dims.
      auto declared = result.getResultNumber() < numOutputs() ? dyn_cast<RankedTensorType>(declaredType(result.getResultNumber()))
                                                              : RankedTensorType();
      if (good && !declared)
        (void)unsupported("the rank of its result is not known before run time");
      result.setType(RankedTensorType::get(good && declared ? declared.getShape() : ArrayRef<int64_t>(), tensor.getElementType()));
    }
    out.push_back(result);
  }
  // Shape arithmetic with known dims: the next handler wants constants.
  if (good && out.size() == 1 && !isa<nn::ConstantOp>(made))
    if (auto type = cast<RankedTensorType>(out[0].getType());
        isa<IntegerType>(type.getElementType()) && type.getRank() <= 1 && name.starts_with("nn."))
      if (auto known = nn::partialInts(out[0]); known && llvm::none_of(*known, ShapedType::isDynamic)) {
        SmallVector<int64_t, 1> shape(type.getRank(), known->size());
        auto dtype = nn::dtypeOf(type.getElementType());
        auto tensor = nn::tensorFromInts(*dtype, shape, *known);
        if (tensor && (type.getRank() || known->size() == 1)) {
          made->erase();
          return {constant(*tensor)};
        }
        llvm::consumeError(tensor.takeError());
      }
  return out;
}

Value Node::constant(ElementsAttr value) { return nn::ConstantOp::create(b, loc, value); }
Value Node::constant(const Tensor &tensor) { return constant(nn::elementsOf(tensor, b.getContext(), siteName(loc))); }

Value Node::constantInts(ArrayRef<int64_t> values) {
  return constant(DenseElementsAttr::get(RankedTensorType::get({static_cast<int64_t>(values.size())}, i64()), values));
}

Value Node::scalar(Type element, double value) {
  auto type = RankedTensorType::get({}, element);
  if (isa<FloatType>(element))
    return constant(DenseElementsAttr::get(type, Attribute(b.getFloatAttr(element, value))));
  return constant(DenseElementsAttr::get(type, Attribute(b.getIntegerAttr(element, static_cast<int64_t>(value)))));
}

Value Node::cast(Value value, Type element) {
  return elem(value) == element ? value : make<nn::CastOp>(element, {value});
}

Value Node::transpose(Value value, ArrayRef<int64_t> perm) {
  return make<nn::TransposeOp>(elem(value), {value}, attrs().ints("perm", perm));
}

Value Node::reshape(Value value, ArrayRef<int64_t> shape) {
  return make<nn::ReshapeOp>(elem(value), {value, constantInts(shape)});
}

Value Node::unsqueeze(Value value, ArrayRef<int64_t> axes) {
  return make<nn::UnsqueezeOp>(elem(value), {value}, attrs().ints("axes", axes));
}

Value Node::shapeOf(Value value) {
  return make<nn::ShapeOp>(i64(), {value}, attrs().i("start", 0).i("end", rank(value)));
}

void Node::set(size_t output, Value value) {
  if (output >= results.size() || hasFailed)
    return;
  results[output] = value;
  auto declared = dyn_cast<TensorType>(declaredType(output));
  auto now = type(value);
  if (!declared)
    return;
  if (declared.getElementType() != now.getElementType()) {
    (void)fail("is declared to make another element type than it makes");
    return;
  }
  // Dims that only libonnx knows, on values that this node made.
  auto ranked = dyn_cast<RankedTensorType>(declared);
  if (!ranked || ranked.getRank() != now.getRank() || !isa<OpResult>(value) || isa<nn::ConstantOp>(value.getDefiningOp()))
    return;
  Dims merged(now.getShape());
  for (auto [to, dim] : llvm::zip_equal(merged, ranked.getShape()))
    to = ShapedType::isDynamic(to) ? dim : to;
  value.setType(RankedTensorType::get(merged, now.getElementType()));
}
