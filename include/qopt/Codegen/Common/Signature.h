// What a caller has to know of a lowered module.
#pragma once
#include "qopt/Support/ValueSpec.h"
#include "mlir/IR/BuiltinOps.h"
#include <optional>

namespace qopt {

struct Signature {
  llvm::SmallVector<ValueSpec> inputs, outputs;
};

/// The function that a model's graph is in.
inline constexpr llvm::StringLiteral entryFunctionName = "main";
/// The symbol of the compiled program (a qopt_entry_fn).
inline constexpr llvm::StringLiteral entrySymbolName = "qopt_entry";
inline constexpr llvm::StringLiteral signatureAttrName = "qopt.signature";
inline constexpr llvm::StringLiteral constantsAttrName = "qopt.constants";
inline constexpr llvm::StringLiteral outputAttrName = "qopt.output";

/// The element type of host tensors for an MLIR element type; signless integers are ONNX's signed ones.
std::optional<DType> dtypeOf(mlir::Type elementType);

/// Reads `qopt.signature`. Errors: it is missing or holds types that no host tensor has.
llvm::Expected<Signature> readSignature(mlir::ModuleOp module);

} // namespace qopt
