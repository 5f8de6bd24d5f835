#include "qopt/Conversion/Common/SymbolicShapes.h"

#include "SymbolicTransfer.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace qopt;

SymbolicDim qopt::operator*(const SymbolicDim &x, const SymbolicDim &y) {
  auto factor = static_cast<uint64_t>(x.factor) * static_cast<uint64_t>(y.factor); // wraps, as the program does
  SymbolicDim result{static_cast<int64_t>(factor), x.atoms};
  if (result.factor == 0)
    return SymbolicDim::constant(0);
  result.atoms.append(y.atoms.begin(), y.atoms.end());
  llvm::sort(result.atoms);
  return result;
}

std::optional<SymbolicDim> qopt::exactQuotient(const SymbolicDim &x, const SymbolicDim &y) {
  if (y.factor == 0 || x.factor % y.factor != 0)
    return std::nullopt;
  SymbolicDim result{x.factor / y.factor, {}};
  auto next = y.atoms.begin();
  for (unsigned atom : x.atoms) {
    if (next != y.atoms.end() && *next == atom)
      ++next;
    else
      result.atoms.push_back(atom);
  }
  return next == y.atoms.end() ? std::optional(result) : std::nullopt;
}

SymbolicDim SymbolicShapes::freshAtom(bool isSize) {
  atoms.push_back({isSize, {}, 0});
  return {1, {static_cast<unsigned>(atoms.size() - 1)}};
}

SymbolicDim SymbolicShapes::keyedAtom(StringRef key, bool isSize) {
  auto [it, isNew] = keys.try_emplace(key, atoms.size());
  if (isNew)
    atoms.push_back({isSize, {}, 0});
  return {1, {it->second}};
}

std::optional<std::pair<Value, unsigned>> SymbolicShapes::argumentDim(unsigned atom) const {
  if (!atoms[atom].argument)
    return std::nullopt;
  return std::pair(atoms[atom].argument, atoms[atom].dim);
}

const SymbolicDims &SymbolicShapes::dims(Value value) const {
  static const SymbolicDims none;
  auto it = shapes.find(value);
  return it == shapes.end() ? none : it->second;
}

const SymbolicDims *SymbolicShapes::elements(Value value) const {
  auto it = contents.find(value);
  return it == contents.end() ? nullptr : &it->second;
}

void SymbolicShapes::addArgument(Value argument, ArrayRef<StringRef> names) {
  auto type = dyn_cast<RankedTensorType>(argument.getType());
  if (!type)
    return;
  SymbolicDims &dims = shapes[argument];
  for (auto [i, size] : llvm::enumerate(type.getShape())) {
    if (!ShapedType::isDynamic(size)) {
      dims.push_back(SymbolicDim::constant(size));
      continue;
    }
    bool isNamed = i < names.size() && !names[i].empty() && names[i] != "?";
    SymbolicDim atom = isNamed ? keyedAtom(("name:" + names[i]).str(), true) : freshAtom(true);
    Atom &source = atoms[atom.atoms.front()];
    if (!source.argument)
      source = {true, argument, static_cast<unsigned>(i)};
    dims.push_back(atom);
  }
}

SymbolicShapes::SymbolicShapes(Region &body) {
  auto function = dyn_cast<FunctionOpInterface>(body.getParentOp());
  for (BlockArgument argument : body.getArguments()) {
    SmallVector<StringRef> names;
    if (auto attribute = function ? function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), "nn.dims") : nullptr)
      for (Attribute name : attribute)
        names.push_back(isa<StringAttr>(name) ? cast<StringAttr>(name).getValue() : "");
    addArgument(argument, names);
  }
  body.walk<WalkOrder::PreOrder>([&](Operation *op) {
    visit(*op);
    for (Region &region : op->getRegions())
      for (BlockArgument argument : region.getArguments())
        for (Value value : {Value(argument)})
          if (auto type = dyn_cast<RankedTensorType>(value.getType()))
            for (int64_t size : type.getShape())
              shapes[value].push_back(ShapedType::isDynamic(size) ? freshAtom(true) : SymbolicDim::constant(size));
  });
}

void SymbolicShapes::visit(Operation &op) {
  SymbolicTransfer transfer(*this, op);
  transfer.run();
  for (OpResult result : op.getResults()) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    if (!type)
      continue;
    SymbolicDims &dims = shapes[result];
    dims.resize(type.getRank(), SymbolicDim::constant(ShapedType::kDynamic));
    for (auto [dim, size] : llvm::zip(dims, type.getShape())) {
      if (!ShapedType::isDynamic(size)) // What the type says is what the program is checked against.
        dim = SymbolicDim::constant(size);
      else if (dim.asConstant() == ShapedType::kDynamic)
        dim = freshAtom(true);
    }
  }
}
