//===- qopt-translate.cpp - Model files to and from IR -----------------------===//
#include "qopt/Pipelines/ImportPipeline.h"
#include "qopt/Pipelines/Register.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"

#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace {
/// The file's name, not its text: the importer maps it, and finds external data beside it.
OwningOpRef<Operation *> importRaw(llvm::SourceMgr &sources, MLIRContext *context) {
  return qopt::importModel(sources.getMemoryBuffer(sources.getMainFileID())->getBufferIdentifier(), context);
}

OwningOpRef<Operation *> importToNN(llvm::SourceMgr &sources, MLIRContext *context) {
  context->allowUnregisteredDialects(false);
  auto module = qopt::importModel(sources.getMemoryBuffer(sources.getMainFileID())->getBufferIdentifier(), context);
  if (!module)
    return {};
  PassManager manager(context);
  qopt::buildImportPipeline(manager);
  if (failed(manager.run(*module)))
    return {};
  return module;
}

void registerDialects(MLIRContext *context) {
  DialectRegistry registry;
  qopt::registerAllDialects(registry);
  context->appendDialectRegistry(registry);
}
} // namespace

int main(int argc, char **argv) {
  TranslateToMLIRRegistration raw("import-onnx-raw", "an ONNX model as onnxraw", [](llvm::SourceMgr &sources, MLIRContext *context) {
    registerDialects(context);
    return importRaw(sources, context);
  });
  TranslateToMLIRRegistration clean("import-onnx", "an ONNX model as a clean nn module",
                                    [](llvm::SourceMgr &sources, MLIRContext *context) {
                                      registerDialects(context);
                                      return importToNN(sources, context);
                                    });
  return failed(mlirTranslateMain(argc, argv, "qopt translation driver\n"));
}
