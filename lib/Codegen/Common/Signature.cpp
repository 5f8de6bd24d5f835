#include "qopt/Codegen/Common/Signature.h"

#include "qopt/Dialect/NN/IR/Constants.h"
#include "qopt/Support/Error.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

namespace qopt {

std::optional<DType> dtypeOf(Type type) { return nn::dtypeOf(type); }

/// The importer calls a dynamic dim without a name "?".
static std::string nameOfDim(StringAttr name) { return name.getValue() == "?" ? "" : name.str(); }

static llvm::Expected<ValueSpec> readValue(DictionaryAttr entry) {
  ValueSpec spec;
  auto name = entry.getAs<StringAttr>("name");
  auto type = entry.getAs<TypeAttr>("type");
  auto tensor = type ? dyn_cast<RankedTensorType>(type.getValue()) : RankedTensorType();
  if (!name || !tensor)
    return makeError("the module's qopt.signature has an entry without a name or a ranked tensor type");
  spec.name = name.str();
  auto dtype = dtypeOf(tensor.getElementType());
  if (!dtype)
    return makeError("'" + spec.name + "' has an element type that compiled programs cannot take or give");
  spec.dtype = *dtype;
  for (int64_t dim : tensor.getShape())
    spec.shape.push_back(ShapedType::isDynamic(dim) ? -1 : dim);
  if (auto names = entry.getAs<ArrayAttr>("dim_names"))
    for (Attribute dimName : names)
      spec.dimNames.push_back(isa<StringAttr>(dimName) ? nameOfDim(cast<StringAttr>(dimName)) : "");
  if (spec.dimNames.size() != spec.shape.size())
    spec.dimNames.clear();
  return spec;
}

static llvm::Error readValues(DictionaryAttr signature, StringRef key, SmallVectorImpl<ValueSpec> &specs) {
  auto entries = signature.getAs<ArrayAttr>(key);
  if (!entries)
    return makeError("the module's qopt.signature has no " + key);
  for (Attribute entry : entries) {
    auto dictionary = dyn_cast<DictionaryAttr>(entry);
    if (!dictionary)
      return makeError("the module's qopt.signature has an entry of " + key + " that is no dictionary");
    auto spec = readValue(dictionary);
    if (!spec)
      return spec.takeError();
    specs.push_back(std::move(*spec));
  }
  return llvm::Error::success();
}

llvm::Expected<Signature> readSignature(ModuleOp module) {
  auto attr = module->getAttrOfType<DictionaryAttr>(signatureAttrName);
  if (!attr)
    return makeError("the module has no qopt.signature: it was not lowered by qopt's own pipeline");
  Signature signature;
  if (llvm::Error error = readValues(attr, "inputs", signature.inputs))
    return error;
  if (llvm::Error error = readValues(attr, "outputs", signature.outputs))
    return error;
  return signature;
}

} // namespace qopt
