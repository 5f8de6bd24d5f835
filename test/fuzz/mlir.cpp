// Modules: parser, verifiers, and the passes that quantize or legalize what was parsed. Text only: MLIR's bytecode reader does not survive
// hostile bytes, so that a search would find nothing else; the driver guards itself against it (lib/Driver/Models.cpp).
#include "Context.h"

#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Pipelines/CPU.h"
#include "qopt/Pipelines/ImportPipeline.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Pass/PassManager.h"

#include "llvm/Support/MemoryBuffer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mlir::MLIRContext &context = fuzzContext();
  llvm::StringRef text(reinterpret_cast<const char *>(data), size);
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(text, "fuzz.mlir");
  if (mlir::isBytecode(buffer->getMemBufferRef()))
    return 0;
  auto module = qopt::parseModel(std::move(buffer), &context);
  if (!module)
    return 0;
  mlir::PassManager passes(&context, mlir::ModuleOp::getOperationName());
  passes.addPass(qopt::createInsertQDQPass());
  qopt::buildLegalizeStage(passes, {});
  (void)passes.run(*module);
  return 0;
}
