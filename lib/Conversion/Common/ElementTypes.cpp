#include "qopt/Conversion/Common/ElementTypes.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

std::optional<qopt::Format> qopt::smallFloatFormat(Type element) {
  return llvm::TypeSwitch<Type, std::optional<Format>>(element)
      .Case<Float8E4M3FNType>([](auto) { return Format::F8E4M3FN; })
      .Case<Float8E4M3FNUZType>([](auto) { return Format::F8E4M3FNUZ; })
      .Case<Float8E5M2Type>([](auto) { return Format::F8E5M2; })
      .Case<Float8E5M2FNUZType>([](auto) { return Format::F8E5M2FNUZ; })
      .Case<Float8E8M0FNUType>([](auto) { return Format::F8E8M0FNU; })
      .Case<Float6E3M2FNType>([](auto) { return Format::F6E3M2FN; })
      .Case<Float6E2M3FNType>([](auto) { return Format::F6E2M3FN; })
      .Case<Float4E2M1FNType>([](auto) { return Format::F4E2M1FN; })
      .Default([](auto) { return std::nullopt; });
}

llvm::StringRef qopt::smallFloatName(Type element) {
  std::optional<Format> format = smallFloatFormat(element);
  if (!format)
    return "";
  switch (*format) { // Where no other format of these bits is known, the runtime's names leave the suffix out.
  case Format::F8E8M0FNU:
    return "f8e8m0";
  case Format::F6E3M2FN:
    return "f6e3m2";
  case Format::F6E2M3FN:
    return "f6e2m3";
  case Format::F4E2M1FN:
    return "f4e2m1";
  default:
    return {traits(*format).name.data(), traits(*format).name.size()};
  }
}

bool qopt::isSmallFloat(Type element) { return smallFloatFormat(element).has_value(); }

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
