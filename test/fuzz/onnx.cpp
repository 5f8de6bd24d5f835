// ONNX models: the importer, and the pipeline to a clean nn module.
#include "Context.h"
#include "FuzzFile.h"

#include "qopt/Pipelines/ImportPipeline.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FuzzFile file(data, size);
  mlir::MLIRContext &context = fuzzContext();
  auto module = qopt::importModel(file.path(), &context);
  if (!module)
    return 0;
  mlir::PassManager passes(&context, mlir::ModuleOp::getOperationName());
  qopt::buildImportPipeline(passes);
  (void)passes.run(*module);
  return 0;
}
