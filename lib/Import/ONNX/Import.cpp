#include "qopt/Import/ONNX/Import.h"

#include "Emit.h"
#include "ExternalFiles.h"
#include "Prepare.h"

#include "qopt/Dialect/ONNXRaw/IR/ONNXRaw.h"
#include "qopt/Support/MappedFile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"

using namespace mlir;
using namespace qopt;

namespace {
std::string hashOf(Span bytes) {
  llvm::BLAKE3 hasher;
  hasher.update(bytes);
  return llvm::toHex(hasher.final(), /*LowerCase=*/true);
}
} // namespace

OwningOpRef<ModuleOp> qopt::importOnnx(StringRef path, MLIRContext *context, const OnnxImportOptions &options) {
  context->loadDialect<onnxraw::ONNXRawDialect, func::FuncDialect>();
  auto fail = [&](llvm::Error error) {
    emitError(FileLineColLoc::get(context, path, 0, 0)) << path << ": " << llvm::toString(std::move(error));
    return OwningOpRef<ModuleOp>();
  };
  auto file = MappedFile::open(path);
  if (!file) {
    emitError(FileLineColLoc::get(context, path, 0, 0)) << llvm::toString(file.takeError());
    return {};
  }
  if ((*file)->bytes().empty())
    return fail(makeError("it is empty; is it an ONNX model?"));
  ExternalFiles external(path);
  auto model = prepareModel((*file)->bytes(), *file, external, options);
  if (!model)
    return fail(model.takeError());
  OwningOpRef<ModuleOp> module = emitModule(*model, path, context);
  if (!module)
    return {};
  (*module)->setAttr("onnx.hash", StringAttr::get(context, hashOf((*file)->bytes())));
  return module;
}
