// Modules, text and bytecode: parser, verifiers, and the passes that quantize or legalize what was parsed.
#include "Context.h"

#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Pipelines/CPU.h"
#include "qopt/Pipelines/ImportPipeline.h"

#include "mlir/Pass/PassManager.h"

#include "llvm/Support/MemoryBuffer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mlir::MLIRContext &context = fuzzContext();
  llvm::StringRef text(reinterpret_cast<const char *>(data), size);
  auto module = qopt::parseModel(llvm::MemoryBuffer::getMemBufferCopy(text, "fuzz.mlir"), &context);
  if (!module)
    return 0;
  mlir::PassManager passes(&context, mlir::ModuleOp::getOperationName());
  passes.addPass(qopt::createInsertQDQPass());
  qopt::buildLegalizeStage(passes, {});
  (void)passes.run(*module);
  return 0;
}
