#include "qopt/Codegen/Common/ConstantBytes.h"
#include "qopt/Codegen/Common/Signature.h"
#include "qopt/Support/Error.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace qopt {

static void expandSplat(ArrayRef<char> element, int64_t count, std::vector<char> &bytes) {
  bytes.reserve(count * element.size());
  for (int64_t i = 0; i < count; ++i)
    bytes.insert(bytes.end(), element.begin(), element.end());
}

static void readDense(DenseElementsAttr value, ConstantBytes &constant) {
  auto owned = std::make_shared<std::vector<char>>();
  if (value.getElementType().isInteger(1)) {
    for (bool element : value.getValues<bool>())
      owned->push_back(element);
  } else if (value.isSplat()) {
    expandSplat(value.getRawData(), value.getNumElements(), *owned);
  } else {
    constant.bytes = value.getRawData();
    return;
  }
  constant.bytes = *owned;
  constant.owned = std::move(owned);
}

static llvm::Expected<ConstantBytes> readConstant(NamedAttribute entry) {
  ConstantBytes constant;
  constant.symbol = entry.getName().str();
  auto elements = cast<ElementsAttr>(entry.getValue());
  Type element = elements.getElementType();
  constant.elementBytes = element.isIndex() ? 8 : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  if (auto dense = dyn_cast<DenseElementsAttr>(entry.getValue())) {
    readDense(dense, constant);
  } else if (auto resource = dyn_cast<DenseResourceElementsAttr>(entry.getValue())) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return makeError("the bytes of constant '" + resource.getRawHandle().getKey() + "' are not in this file");
    constant.bytes = blob->getData();
  } else {
    return makeError("constant '" + constant.symbol + "' is neither dense nor a resource");
  }
  if (int64_t(constant.bytes.size()) != elements.getNumElements() * constant.elementBytes)
    return makeError("a constant has " + Twine(constant.bytes.size()) + " bytes, but its type needs " +
                     Twine(elements.getNumElements() * constant.elementBytes));
  return constant;
}

llvm::Expected<std::vector<ConstantBytes>> readConstants(ModuleOp module) {
  std::vector<ConstantBytes> constants;
  auto attr = module->getAttrOfType<DictionaryAttr>(constantsAttrName);
  if (!attr)
    return constants;
  for (NamedAttribute entry : attr) {
    auto constant = readConstant(entry);
    if (!constant)
      return constant.takeError();
    constants.push_back(std::move(*constant));
  }
  return constants;
}

} // namespace qopt
