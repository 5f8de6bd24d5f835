#include "qopt/Conversion/Common/Emitter.h"

#include "qopt/Conversion/Common/ElementTypes.h"
#include "qopt/Dialect/NN/IR/NN.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace qopt;

Emitter::Emitter(OpBuilder &builder, Operation *op, ModuleOp module, IRMapping &mapping, SymbolicShapes &shapes)
    : Scalars(builder, op->getLoc(), module), op(op), mapping(mapping), shapes(shapes) {}

RankedTensorType Emitter::stored(Value original) const { return cast<RankedTensorType>(storageType(original.getType())); }

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

Value Emitter::materialize(const SymbolicDim &dim) {
  Value size = dim.factor == 1 && !dim.atoms.empty() ? Value() : index(dim.factor);
  for (unsigned atom : dim.atoms) {
    auto source = shapes.argumentDim(atom);
    if (!source)
      return {};
    Value next = dimOf(mapping.lookup(source->first), source->second);
    size = size ? mul(size, next) : next;
  }
  return size;
}

Value Emitter::dim(Value original, int64_t i) {
  const SymbolicDim &symbol = shapes.dims(original)[i];
  if (Value size = materialize(symbol))
    return size;
  return dimOf(mapping.lookup(original), i);
}

Values Emitter::dims(Value original) {
  Values sizes;
  for (int64_t i = 0, e = rank(original); i < e; ++i)
    sizes.push_back(dim(original, i));
  return sizes;
}

Value Emitter::dimOf(Value tensor, int64_t i) {
  if (!type(tensor).isDynamicDim(i))
    return index(type(tensor).getDimSize(i));
  return make<tensor::DimOp>(tensor, i);
}

Values Emitter::dimsOf(Value tensor) {
  Values sizes;
  for (int64_t i = 0, e = rank(tensor); i < e; ++i)
    sizes.push_back(dimOf(tensor, i));
  return sizes;
}

bool Emitter::sameDim(Value x, int64_t xDim, Value y, int64_t yDim) const {
  return shapes.dims(x)[xDim] == shapes.dims(y)[yDim];
}

Value Emitter::product(ValueRange sizes) {
  Value result = index(1);
  for (Value size : sizes)
    result = mul(result, size);
  return result;
}

//===----------------------------------------------------------------------===//
// Constants and checks
//===----------------------------------------------------------------------===//

std::optional<SmallVector<int64_t>> Emitter::constantInts(Value original) {
  DenseElementsAttr elements;
  if (!original || !matchPattern(original, m_Constant(&elements)) || !isa<IntegerType>(elements.getElementType()))
    return std::nullopt;
  bool isUnsigned = isUnsignedElement(elements.getElementType());
  SmallVector<int64_t> values;
  for (const APInt &value : elements.getValues<APInt>())
    values.push_back(isUnsigned ? static_cast<int64_t>(value.getZExtValue()) : value.getSExtValue());
  return values;
}

Attribute Emitter::splatConstant(Value original) {
  DenseElementsAttr elements;
  if (!original || !matchPattern(original, m_Constant(&elements)) || !elements.isSplat())
    return {};
  return elements.getSplatValue<Attribute>();
}

std::string Emitter::sentence(const Twine &whatIsWrong) const {
  std::string site = "an unnamed node";
  if (auto name = op->getLoc()->findInstanceOf<NameLoc>())
    site = "node '" + name.getName().str() + "'";
  return (Twine(site) + " (" + op->getName().stripDialect() + "): " + whatIsWrong + ".").str();
}

void Emitter::check(Value condition, const Twine &whatIsWrong) {
  if (!matchPattern(condition, m_One()))
    cf::AssertOp::create(b, condition, sentence(whatIsWrong));
}

//===----------------------------------------------------------------------===//
// Small tensors
//===----------------------------------------------------------------------===//

bool Emitter::isSmall(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.hasStaticShape() && tensor.getRank() <= 1 && tensor.getNumElements() <= 8;
}

Value Emitter::extract(Value tensor, ValueRange indices) {
  if (auto made = tensor.getDefiningOp<tensor::FromElementsOp>(); made && rank(tensor) <= 1) {
    if (indices.empty())
      return made.getElements().front();
    if (std::optional<int64_t> i = getConstantIntValue(indices.front()); i && *i < type(tensor).getNumElements())
      return made.getElements()[*i];
  }
  return make<tensor::ExtractOp>(tensor, indices);
}

Values Emitter::explode(Value tensor) {
  if (rank(tensor) == 0)
    return {extract(tensor, {})};
  Values elements;
  for (int64_t i = 0, e = type(tensor).getNumElements(); i < e; ++i)
    elements.push_back(extract(tensor, {index(i)}));
  return elements;
}

Values Emitter::explode(Value tensor, int64_t count) {
  if (rank(tensor) == 0 || !type(tensor).isDynamicDim(0))
    return explode(tensor);
  check(eq(dimOf(tensor, 0), index(count)), "a shape, or a list of one value per dim, has another length than shape "
                                            "inference found");
  Values elements;
  for (int64_t i = 0; i < count; ++i)
    elements.push_back(extract(tensor, {index(i)}));
  return elements;
}

Value Emitter::implode(RankedTensorType type, ValueRange elements) {
  if (elements.empty())
    return tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
  return tensor::FromElementsOp::create(b, type, elements);
}

Value Emitter::scalar(Value tensor) { return extract(tensor, Values(rank(tensor), index(0))); }

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

Emitter Emitter::at(OpBuilder &nested) { return Emitter(nested, op, module, mapping, shapes); }

Values Emitter::loops(ValueRange sizes, ValueRange init, function_ref<Values(Emitter &, ValueRange, ValueRange)> body) {
  if (sizes.empty())
    return body(*this, {}, init);
  Value zero = index(0), one = index(1);
  Values lower(sizes.size(), zero), steps(sizes.size(), one);
  scf::LoopNest nest = scf::buildLoopNest(
      b, b.getLoc(), lower, sizes, steps, init, [&](OpBuilder &nested, Location, ValueRange indices, ValueRange carried) {
        Emitter inner = at(nested);
        Values next = body(inner, indices, carried);
        return scf::ValueVector(next.begin(), next.end());
      });
  return Values(nest.results.begin(), nest.results.end());
}
