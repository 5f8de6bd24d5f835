// The node being converted, as the families' handlers see it.
//
// Handlers read operands and attributes, make nn ops, and say what the node's outputs are. Every op made gets its result type from
// shape inference at once, and integer results that are fully known become constants, so that the next handler finds them. After the
// first error everything goes on with harmless values: only handlers' own decisions have to look at `failed()`.
#pragma once
#include "qopt/Dialect/NN/IR/Constants.h"
#include "qopt/Dialect/NN/IR/InferShapes.h"
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Dialect/ONNXRaw/IR/ONNXRaw.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/StringMap.h"

namespace qopt {

using mlir::ElementsAttr;
using mlir::RankedTensorType;
using mlir::Type;
using mlir::Value;
using nn::Dims;

/// Attributes of an op to make.
class Attrs {
public:
  explicit Attrs(mlir::MLIRContext *context) : builder(context) {}
  Attrs &i(llvm::StringRef name, int64_t value) { return add(name, builder.getI64IntegerAttr(value)); }
  Attrs &b(llvm::StringRef name, bool value) { return add(name, builder.getBoolAttr(value)); }
  Attrs &f(llvm::StringRef name, double value) { return add(name, builder.getF32FloatAttr(value)); }
  Attrs &s(llvm::StringRef name, llvm::StringRef value) { return add(name, builder.getStringAttr(value)); }
  Attrs &ints(llvm::StringRef name, llvm::ArrayRef<int64_t> value) { return add(name, builder.getDenseI64ArrayAttr(value)); }
  /// Sizes of the operand groups of ops with several optional operands.
  Attrs &segments(llvm::ArrayRef<int32_t> value) { return add("operandSegmentSizes", builder.getDenseI32ArrayAttr(value)); }
  Attrs &add(llvm::StringRef name, mlir::Attribute value) {
    list.push_back(builder.getNamedAttr(name, value));
    return *this;
  }
  llvm::ArrayRef<mlir::NamedAttribute> get() const { return list; }

private:
  mlir::Builder builder;
  llvm::SmallVector<mlir::NamedAttribute> list;
};

class Node {
public:
  Node(mlir::OpBuilder &builder, onnxraw::NodeOp op, llvm::SmallVector<Value> inputs);

  mlir::OpBuilder &b;
  mutable onnxraw::NodeOp op; // its accessors are not const
  mlir::Location loc;
  int64_t version;

  // Operands.
  size_t numInputs() const { return inputs.size(); }
  bool has(size_t i) const { return i < inputs.size() && inputs[i]; }
  /// Null when absent.
  Value optional(size_t i) const { return i < inputs.size() ? inputs[i] : Value(); }
  /// An error when absent, and then a scalar in its place.
  Value in(size_t i);
  llvm::ArrayRef<Value> all() const { return inputs; }

  // Results.
  size_t numOutputs() const { return op.getNumResults(); }
  bool isUsed(size_t i) const { return i < numOutputs() && !op.getResult(i).use_empty(); }
  /// What libonnx inferred for output i.
  Type declaredType(size_t i) const { return op.getResult(i).getType(); }

  // ONNX's attributes.
  mlir::Attribute attr(llvm::StringRef name) const;
  bool hasAttr(llvm::StringRef name) const { return static_cast<bool>(attr(name)); }
  int64_t i(llvm::StringRef name, int64_t otherwise);
  bool flag(llvm::StringRef name, bool otherwise) { return i(name, otherwise) != 0; }
  double f(llvm::StringRef name, double otherwise);
  std::string s(llvm::StringRef name, llvm::StringRef otherwise);
  std::optional<Dims> ints(llvm::StringRef name);
  /// The attribute's integers, or those of the constant operand `index`; nothing when neither is there. An operand that is not
  /// constant is an error.
  std::optional<Dims> intsOf(llvm::StringRef name, size_t index);
  std::optional<Dims> constantIntsOf(size_t index, llvm::StringRef role);

  // Types.
  static RankedTensorType type(Value value) { return mlir::cast<RankedTensorType>(value.getType()); }
  static int64_t rank(Value value) { return type(value).getRank(); }
  static llvm::ArrayRef<int64_t> dims(Value value) { return type(value).getShape(); }
  static Type elem(Value value) { return type(value).getElementType(); }
  static bool isFloat(Value value) { return mlir::isa<mlir::FloatType>(elem(value)); }
  Type i64() { return b.getI64Type(); }
  Type i1() { return b.getI1Type(); }
  Type f32() { return b.getF32Type(); }
  Attrs attrs() const { return Attrs(b.getContext()); }

  /// `axis` counted from the front; out of range is an error (and 0).
  int64_t axis(int64_t axis, int64_t rank);
  Dims axes(llvm::ArrayRef<int64_t> axes, int64_t rank);

  // Making ops.
  template <typename Op> Value make(Type element, mlir::ValueRange operands) { return make<Op>(element, operands, attrs()); }
  template <typename Op> Value make(Type element, mlir::ValueRange operands, const Attrs &attributes) {
    return makeNamed(Op::getOperationName(), {element}, operands, attributes).front();
  }
  template <typename Op>
  llvm::SmallVector<Value> makeMany(llvm::ArrayRef<Type> elements, mlir::ValueRange operands, const Attrs &attributes) {
    return makeNamed(Op::getOperationName(), elements, operands, attributes);
  }

  Value constant(ElementsAttr value);
  Value constant(const Tensor &tensor);
  Value constantInts(llvm::ArrayRef<int64_t> values);                 // 1-D i64
  Value scalar(Type element, double value);                          // rank 0
  Value cast(Value value, Type element);                             // nothing when it has the type
  Value transpose(Value value, llvm::ArrayRef<int64_t> perm);
  Value reshape(Value value, llvm::ArrayRef<int64_t> shape);          // 0 copies, -1 infers
  Value unsqueeze(Value value, llvm::ArrayRef<int64_t> axes);
  Value shapeOf(Value value);

  // The outcome.
  void set(size_t output, Value value);
  mlir::LogicalResult one(Value value) {
    set(0, value);
    return done();
  }
  mlir::LogicalResult done() { return mlir::failure(hasFailed); }
  /// One sentence about this node; later ones are dropped. Always a failure.
  mlir::LogicalResult fail(const llvm::Twine &sentence);
  /// This form of the op has no nn form.
  mlir::LogicalResult unsupported(const llvm::Twine &why);
  bool failed() const { return hasFailed; }
  bool isUnsupported() const { return !unsupportedWhy.empty(); }
  const std::string &whyUnsupported() const { return unsupportedWhy; }
  llvm::ArrayRef<Value> outputs() const { return results; }

  /// The site's name and op, for sentences.
  std::string describe() const;

private:
  llvm::SmallVector<Value> inputs, results;
  bool hasFailed = false;
  std::string unsupportedWhy;

  llvm::SmallVector<Value> makeNamed(llvm::StringRef name, llvm::ArrayRef<Type> elements, mlir::ValueRange operands,
                                     const Attrs &attributes);
};

using Handler = mlir::LogicalResult (*)(Node &);

/// Handlers by "domain/op" ("" is ONNX's own domain).
using Handlers = llvm::StringMap<Handler>;

void addElementwise(Handlers &handlers);
void addLinear(Handlers &handlers);
void addNorm(Handlers &handlers);
void addReduce(Handlers &handlers);
void addPool(Handlers &handlers);
void addShape(Handlers &handlers);
void addResize(Handlers &handlers);
void addIndex(Handlers &handlers);
void addQuant(Handlers &handlers);
void addQLinear(Handlers &handlers);
void addContrib(Handlers &handlers);
void addContribAttention(Handlers &handlers);

/// "model.onnx" of a node's location.
llvm::StringRef modelPath(mlir::Location loc);
/// The name in a node's location.
llvm::StringRef siteName(mlir::Location loc);

} // namespace qopt
