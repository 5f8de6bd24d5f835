// MLIR types and attributes as ONNX protobuf messages. Internal to this room.
#ifndef QOPT_LIB_EXPORT_ONNXPROTO_H
#define QOPT_LIB_EXPORT_ONNXPROTO_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

#include "llvm/Support/Error.h"

#include <onnx/onnx_pb.h>

namespace qopt {

/// ONNX's code for an element type (signless integers are ONNX's signed ones); UNDEFINED where there is none.
int32_t onnxElementType(mlir::Type type);

/// `dims` names symbolic dims ("" where nameless).
void setTensorType(onnx::ValueInfoProto &info, mlir::RankedTensorType type, llvm::ArrayRef<std::string> dims);

/// A TensorProto with raw data; sub-byte elements are packed, two or four a byte, the first in the low bits.
/// Errors: a type that ONNX lacks, bytes that are missing.
llvm::Error setTensor(onnx::TensorProto &tensor, mlir::ElementsAttr value);

/// An integer, float, string, integer list or tensor attribute. False where the attribute is of another kind.
bool setAttribute(onnx::AttributeProto &out, llvm::StringRef name, mlir::Attribute value);

} // namespace qopt

#endif // QOPT_LIB_EXPORT_ONNXPROTO_H
