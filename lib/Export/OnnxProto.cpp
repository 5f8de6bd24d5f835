#include "OnnxProto.h"

#include "qopt/Dialect/NN/IR/Constants.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"


using namespace mlir;
using onnx::TensorProto;

/// DType's codes are ONNX's. It has no 3-bit integers: 4-bit ones hold them.
int32_t qopt::onnxElementType(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type); integer && integer.getWidth() == 3)
    return integer.isUnsigned() ? TensorProto::UINT4 : TensorProto::INT4;
  auto dtype = qopt::nn::dtypeOf(type);
  return dtype ? static_cast<int32_t>(*dtype) : TensorProto::UNDEFINED;
}

void qopt::setTensorType(onnx::ValueInfoProto &info, RankedTensorType type, ArrayRef<std::string> dims) {
  auto *tensor = info.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(onnxElementType(type.getElementType()));
  auto *shape = tensor->mutable_shape();
  for (int64_t d = 0; d < type.getRank(); ++d) {
    auto *dim = shape->add_dim();
    if (!type.isDynamicDim(d))
      dim->set_dim_value(type.getDimSize(d));
    else if (static_cast<size_t>(d) < dims.size() && !dims[d].empty() && dims[d] != "?")
      dim->set_dim_param(dims[d]);
  }
}

namespace {

/// One byte per element → `bits` bits per element, the first in the low bits.
std::string packBytes(llvm::ArrayRef<char> bytes, unsigned bits) {
  unsigned perByte = 8 / bits, mask = (1u << bits) - 1;
  std::string packed((bytes.size() + perByte - 1) / perByte, '\0');
  for (size_t i = 0; i < bytes.size(); ++i)
    packed[i / perByte] |= static_cast<char>((static_cast<unsigned char>(bytes[i]) & mask) << (bits * (i % perByte)));
  return packed;
}

std::string splatOrDense(DenseElementsAttr dense, unsigned bits) {
  int64_t count = dense.getNumElements();
  if (bits == 1) {
    std::string bytes;
    for (bool value : dense.getValues<bool>())
      bytes.push_back(value);
    return bytes;
  }
  llvm::ArrayRef<char> raw = dense.getRawData();
  if (!dense.isSplat())
    return {raw.begin(), raw.end()};
  std::string bytes;
  for (int64_t i = 0; i < count; ++i)
    bytes.append(raw.begin(), raw.end());
  return bytes;
}

/// 3-bit codes, a byte each, as 4-bit ones of the same values.
void widen(std::string &bytes, bool isUnsigned) {
  for (char &byte : bytes)
    byte = static_cast<char>(isUnsigned ? byte & 7 : ((byte & 7) ^ 4) - 4);
}

} // namespace

llvm::Error qopt::setTensor(TensorProto &tensor, ElementsAttr value) {
  auto type = cast<RankedTensorType>(value.getType());
  int32_t code = onnxElementType(type.getElementType());
  if (code == TensorProto::UNDEFINED)
    return llvm::createStringError("ONNX has no element type for this constant");
  unsigned bits = type.getElementType().getIntOrFloatBitWidth();
  tensor.set_data_type(code);
  for (int64_t dim : type.getShape())
    tensor.add_dims(dim);
  std::string bytes;
  if (auto dense = dyn_cast<DenseElementsAttr>(value)) {
    bytes = splatOrDense(dense, bits);
  } else if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return llvm::createStringError("the bytes of a constant are missing");
    bytes.assign(blob->getData().begin(), blob->getData().end());
  } else {
    return llvm::createStringError("a constant is of a kind that cannot be exported");
  }
  if (bits == 3)
    widen(bytes, type.getElementType().isUnsignedInteger());
  if (bits == 2 || bits == 3 || bits == 4)
    bytes = packBytes(bytes, bits == 3 ? 4 : bits);
  tensor.set_raw_data(std::move(bytes));
  return llvm::Error::success();
}

bool qopt::setAttribute(onnx::AttributeProto &out, llvm::StringRef name, Attribute value) {
  out.set_name(name.str());
  if (auto flag = dyn_cast<BoolAttr>(value)) {
    out.set_type(onnx::AttributeProto::INT);
    out.set_i(flag.getValue());
  } else if (auto integer = dyn_cast<IntegerAttr>(value)) {
    out.set_type(onnx::AttributeProto::INT);
    out.set_i(integer.getInt());
  } else if (auto number = dyn_cast<FloatAttr>(value)) {
    out.set_type(onnx::AttributeProto::FLOAT);
    out.set_f(static_cast<float>(number.getValueAsDouble()));
  } else if (auto text = dyn_cast<StringAttr>(value)) {
    out.set_type(onnx::AttributeProto::STRING);
    out.set_s(text.str());
  } else if (auto list = dyn_cast<DenseI64ArrayAttr>(value)) {
    out.set_type(onnx::AttributeProto::INTS);
    for (int64_t v : list.asArrayRef())
      out.add_ints(v);
  } else {
    return false;
  }
  return true;
}
