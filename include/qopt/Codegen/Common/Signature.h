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
/// Names of the profile's sites.
inline constexpr llvm::StringLiteral kernelsAttrName = "qopt.kernels";
/// On an allocation: memory that the caller will own.
inline constexpr llvm::StringLiteral outputAttrName = "qopt.output";
/// On an allocation: its `memref.view`s that live together are disjoint.
inline constexpr llvm::StringLiteral arenaAttrName = "qopt.arena";
/// On a declaration: hands the kernel named here to the threads.
inline constexpr llvm::StringLiteral dispatchAttrName = "qopt.dispatch";
/// On a declaration: shows a buffer of this element type (a DType) to the observer.
inline constexpr llvm::StringLiteral observeAttrName = "qopt.observe";
/// On an argument of a kernel: overlaps with no other.
inline constexpr llvm::StringLiteral noaliasAttrName = "qopt.noalias";
/// On a call: its number in the profile.
inline constexpr llvm::StringLiteral siteAttrName = "qopt.site";

/// The element type of host tensors for an MLIR element type; signless integers are ONNX's signed ones.
std::optional<DType> dtypeOf(mlir::Type elementType);

/// Reads `qopt.signature`. Errors: it is missing or holds types that no host tensor has.
llvm::Expected<Signature> readSignature(mlir::ModuleOp module);

} // namespace qopt
