#include "Contents.h"

#include "qopt/Analysis/Sites.h"
#include "qopt/Dialect/NN/IR/Constants.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

#include <functional>
#include <map>

using namespace llvm;
using namespace qopt;

namespace {

std::string formatName(mlir::Type element) {
  if (auto dtype = nn::dtypeOf(element))
    return name(*dtype).str();
  std::string text;
  raw_string_ostream(text) << element;
  return text;
}

int64_t bitsOf(mlir::Type element) {
  if (auto dtype = nn::dtypeOf(element))
    return *dtype == DType::Bool ? 8 : bits(*dtype);
  return element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 64;
}

std::string constantName(mlir::Operation *op, mlir::ElementsAttr value) {
  std::string otherwise = op->getName().getStringRef().str();
  if (auto resource = dyn_cast<mlir::DenseResourceElementsAttr>(value))
    otherwise = resource.getRawHandle().getKey().str();
  return locationName(op->getLoc(), otherwise);
}

ConstantInfo describeConstant(mlir::Operation *op, mlir::ElementsAttr value) {
  mlir::ShapedType type = value.getShapedType();
  ConstantInfo info;
  info.name = constantName(op, value);
  info.format = formatName(type.getElementType());
  info.shape = shapeToString(type.getShape());
  info.elements = type.getNumElements();
  info.bytes = (info.elements * bitsOf(type.getElementType()) + 7) / 8;
  return info;
}

/// Every constant tensor that is read, once each, in program order.
std::vector<ConstantInfo> constantsOf(mlir::ModuleOp module) {
  std::vector<ConstantInfo> constants;
  DenseSet<mlir::Attribute> seen;
  module.walk([&](mlir::Operation *op) {
    mlir::ElementsAttr value;
    if (op->use_empty() || !mlir::matchPattern(op, mlir::m_Constant(&value)) || !seen.insert(value).second)
      return;
    constants.push_back(describeConstant(op, value));
  });
  return constants;
}

SizeByFormat addUp(ArrayRef<ConstantInfo> constants) {
  SizeByFormat sizes;
  for (const ConstantInfo &constant : constants) {
    FormatSize &size = sizes[constant.format];
    ++size.tensors;
    size.elements += constant.elements;
    size.bytes += constant.bytes;
  }
  return sizes;
}

std::map<std::string, int64_t> countOps(mlir::ModuleOp module) {
  std::map<std::string, int64_t> ops;
  module.walk([&](mlir::Operation *op) {
    if (!op->hasTrait<mlir::OpTrait::ConstantLike>() && !op->hasTrait<mlir::OpTrait::IsTerminator>() &&
        !isa<mlir::FunctionOpInterface, mlir::ModuleOp>(op))
      ++ops[op->getName().getStringRef().str()];
  });
  return ops;
}

/// `@main`, or else the first public function with a body.
mlir::FunctionOpInterface mainFunction(mlir::ModuleOp module) {
  if (auto main = module.lookupSymbol<mlir::FunctionOpInterface>("main"))
    return main;
  for (auto function : module.getOps<mlir::FunctionOpInterface>())
    if (function.isPublic() && !function.isExternal())
      return function;
  return {};
}

/// A function's argument or result as the user knows it. `attribute` looks one of its attributes up.
template <typename Lookup>
std::optional<ValueSpec> valueSpec(mlir::Type type, StringRef prefix, unsigned index, Lookup attribute) {
  auto tensor = dyn_cast<mlir::RankedTensorType>(type);
  auto dtype = tensor ? nn::dtypeOf(tensor.getElementType()) : std::nullopt;
  if (!dtype)
    return std::nullopt;
  ValueSpec spec;
  auto given = dyn_cast_or_null<mlir::StringAttr>(attribute("nn.name"));
  spec.name = given ? given.str() : (prefix + Twine(index)).str();
  spec.dtype = *dtype;
  for (int64_t dim : tensor.getShape())
    spec.shape.push_back(mlir::ShapedType::isDynamic(dim) ? -1 : dim);
  auto dims = dyn_cast_or_null<mlir::ArrayAttr>(attribute("nn.dims"));
  if (dims && dims.size() == spec.shape.size())
    for (mlir::Attribute dim : dims)
      spec.dimNames.push_back(isa<mlir::StringAttr>(dim) ? cast<mlir::StringAttr>(dim).str() : "");
  return spec;
}

void describeFunction(mlir::FunctionOpInterface function, ModuleContents &contents) {
  for (auto [i, type] : enumerate(function.getArgumentTypes()))
    if (auto spec = valueSpec(type, "arg", i, [&](StringRef key) { return function.getArgAttr(i, key); }))
      contents.inputs.push_back(std::move(*spec));
  for (auto [i, type] : enumerate(function.getResultTypes()))
    if (auto spec = valueSpec(type, "result", i, [&](StringRef key) { return function.getResultAttr(i, key); }))
      contents.outputs.push_back(std::move(*spec));
}

/// Module attributes of one value, by name; tables (decisions, ranges) are no provenance.
std::map<std::string, std::string> provenanceOf(mlir::ModuleOp module) {
  std::map<std::string, std::string> provenance;
  for (mlir::NamedAttribute entry : module->getDiscardableAttrs()) {
    std::string key = entry.getName().str();
    if (auto text = dyn_cast<mlir::StringAttr>(entry.getValue()))
      provenance[key] = text.str();
    else if (auto number = dyn_cast<mlir::IntegerAttr>(entry.getValue()))
      provenance[key] = std::to_string(number.getValue().getSExtValue());
    else if (auto table = dyn_cast<mlir::DictionaryAttr>(entry.getValue()); table && key == "onnx.metadata")
      for (mlir::NamedAttribute row : table)
        if (auto value = dyn_cast<mlir::StringAttr>(row.getValue()))
          provenance[row.getName().str()] = value.str();
  }
  return provenance;
}

} // namespace

SizeByFormat qopt::sizesOf(mlir::ModuleOp module) { return addUp(constantsOf(module)); }

ModuleContents qopt::contentsOf(mlir::ModuleOp module) {
  ModuleContents contents;
  contents.ops = countOps(module);
  contents.constants = constantsOf(module);
  contents.sizes = addUp(contents.constants);
  std::multimap<int64_t, ConstantInfo, std::greater<>> largestFirst; // those of one size in the module's order
  for (ConstantInfo &constant : contents.constants)
    largestFirst.emplace(constant.bytes, std::move(constant));
  contents.constants.clear();
  for (auto &[bytes, constant] : largestFirst)
    contents.constants.push_back(std::move(constant));
  if (auto function = mainFunction(module))
    describeFunction(function, contents);
  contents.provenance = provenanceOf(module);
  return contents;
}
