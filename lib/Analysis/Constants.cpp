#include "qopt/Analysis/Constants.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace qopt;

namespace {
constexpr size_t kInlineBytes = 1024;
constexpr size_t kAlignment = 64;
} // namespace

FloatElements::FloatElements(ElementsAttr attr) {
  if (!attr || !attr.getElementType().isF32())
    return;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    size_t bytes = static_cast<size_t>(attr.getNumElements()) * sizeof(float);
    if (!blob || blob->getData().size() != bytes)
      return;
    view = {reinterpret_cast<const float *>(blob->getData().data()), bytes / sizeof(float)};
    isValid = true;
    return;
  }
  auto dense = dyn_cast<DenseElementsAttr>(attr);
  if (!dense)
    return;
  isValid = true;
  if (dense.isSplat()) {
    storage.assign(dense.getNumElements(), dense.getSplatValue<float>());
    view = storage;
    return;
  }
  view = {reinterpret_cast<const float *>(dense.getRawData().data()), static_cast<size_t>(dense.getNumElements())};
}

ElementsAttr qopt::constantOf(Value value) {
  ElementsAttr attr;
  if (value)
    matchPattern(value, m_Constant(&attr));
  return attr;
}

std::optional<double> qopt::scalarConstant(Value value) {
  auto dense = dyn_cast_or_null<DenseElementsAttr>(constantOf(value));
  if (!dense || dense.getNumElements() != 1)
    return std::nullopt;
  if (isa<FloatType>(dense.getElementType()))
    return (*dense.value_begin<APFloat>()).convertToDouble();
  auto type = dyn_cast<IntegerType>(dense.getElementType());
  if (!type)
    return std::nullopt;
  APInt element = *dense.value_begin<APInt>();
  return type.isUnsigned() ? static_cast<double>(element.getZExtValue()) : static_cast<double>(element.getSExtValue());
}

ElementsAttr qopt::makeElements(RankedTensorType type, ArrayRef<char> bytes, llvm::StringRef name) {
  if (bytes.size() <= kInlineBytes)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  AsmResourceBlob blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, kAlignment, /*dataIsMutable=*/false);
  return DenseResourceElementsAttr::get(type, name, std::move(blob));
}
