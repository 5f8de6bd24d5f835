#include "qopt/Conversion/Common/ElementTypes.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

llvm::StringRef qopt::smallFloatName(Type element) {
  return llvm::TypeSwitch<Type, llvm::StringRef>(element)
      .Case<Float8E4M3FNType>([](auto) { return "f8e4m3fn"; })
      .Case<Float8E4M3FNUZType>([](auto) { return "f8e4m3fnuz"; })
      .Case<Float8E5M2Type>([](auto) { return "f8e5m2"; })
      .Case<Float8E5M2FNUZType>([](auto) { return "f8e5m2fnuz"; })
      .Case<Float8E8M0FNUType>([](auto) { return "f8e8m0"; })
      .Case<Float4E2M1FNType>([](auto) { return "f4e2m1"; })
      .Default([](auto) { return ""; });
}

bool qopt::isSmallFloat(Type element) { return !smallFloatName(element).empty(); }

bool qopt::isUnsignedElement(Type element) { return element.isUnsignedInteger() || element.isInteger(1); }

Type qopt::storageElementType(Type element) {
  MLIRContext *context = element.getContext();
  if (isSmallFloat(element))
    return IntegerType::get(context, 8);
  if (auto integer = dyn_cast<IntegerType>(element))
    return IntegerType::get(context, integer.getWidth() == 1 ? 1 : std::max(8u, integer.getWidth()));
  if (isa<IndexType, Float16Type, BFloat16Type, Float32Type, Float64Type>(element))
    return element;
  return {};
}

Type qopt::computeElementType(Type element) {
  if (isSmallFloat(element) || element.isF16() || element.isBF16())
    return Float32Type::get(element.getContext());
  return storageElementType(element);
}

Type qopt::storageType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return type;
  Type element = storageElementType(tensor.getElementType());
  return element ? tensor.clone(element) : Type();
}
