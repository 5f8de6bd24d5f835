#include "Models.h"
#include "qopt/Execution/JIT.h"
#include "qopt/Execution/Library.h"
#include "qopt/Pipelines/CPU.h"
#include "qopt/Pipelines/ImportPipeline.h"
#include "qopt/Pipelines/Register.h"
#include "qopt/Pipelines/Run.h"
#include "qopt/Support/MappedFile.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

namespace qopt {

static std::shared_ptr<mlir::MLIRContext> makeContext() {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  return std::make_shared<mlir::MLIRContext>(registry, mlir::MLIRContext::Threading::DISABLED);
}

/// MLIR's bytecode reader trusts what it reads: a damaged file can lead it past a null pointer. False where that ended it, which needs
/// llvm::CrashRecoveryContext to be enabled; nothing of the context is to be touched then.
static bool parseGuarded(std::unique_ptr<MemoryBuffer> buffer, Model &model) {
  bool guarded = mlir::isBytecode(buffer->getMemBufferRef());
  auto parse = [&] { model.module = parseModel(std::move(buffer), model.context.get()); };
  return guarded ? CrashRecoveryContext().RunSafely(parse) : (parse(), true);
}

static Expected<Model> parse(StringRef path) {
  // Opening a pipe would wait for a writer.
  if (sys::fs::exists(path) && !sys::fs::is_regular_file(path))
    return makeError("'" + path + "' cannot be read: it is not a regular file");
  // Small files are read, not mapped; bytecode wants its sections aligned in memory.
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/path.ends_with(".mlir"),
                                      /*IsVolatile=*/false, Align(64));
  if (!buffer)
    return makeError("'" + path + "' cannot be read: " + buffer.getError().message());
  Model model{makeContext(), {}};
  DiagnosticSentence sentence(model.context.get());
  if (!parseGuarded(std::move(*buffer), model)) {
    static std::vector<Model> leftBehind;
    leftBehind.push_back(std::move(model));
    return makeError("'" + path + "' is damaged: MLIR's reader of bytecode fails on it; write it anew");
  }
  if (!model.module)
    return sentence.error();
  return model;
}

/// What reading has touched of the weights, which lie in mapped pages.
static void giveBackPages(mlir::ModuleOp module) {
  module.walk([](mlir::Operation *op) {
    for (mlir::NamedAttribute attr : op->getAttrs()) {
      auto resource = dyn_cast<mlir::DenseResourceElementsAttr>(attr.getValue());
      if (mlir::AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr)
        releasePages({reinterpret_cast<const uint8_t *>(blob->getData().data()), blob->getData().size()});
    }
  });
}

static Expected<Model> import(StringRef path) {
  Model model{makeContext(), {}};
  DiagnosticSentence sentence(model.context.get());
  model.module = importModel(path, model.context.get());
  if (!model.module)
    return sentence.error();
  mlir::PassManager pm(model.context.get(), mlir::ModuleOp::getOperationName());
  buildImportPipeline(pm);
  if (Error error = runPasses(pm, *model.module))
    return std::move(error);
  giveBackPages(*model.module);
  return model;
}

Expected<Model> loadModel(StringRef path) {
  if (path.ends_with(".onnx"))
    return import(path);
  if (path.ends_with(".mlir") || path.ends_with(".mlirbc"))
    return parse(path);
  return makeError("'" + path + "' is not a model that qopt reads: .onnx, .mlir and .mlirbc are");
}

Expected<std::unique_ptr<Executor>> loadExecutor(StringRef path, StringRef target, int32_t threads, unsigned optLevel,
                                                 Session &session) {
  if (path.ends_with(".so"))
    return loadArtifact(path, threads);
  auto model = loadModel(path);
  if (!model)
    return model.takeError();
  CPUOptions options;
  options.target = target.str();
  mlir::PassManager pm(model->context.get(), mlir::ModuleOp::getOperationName());
  buildLoweringPipeline(pm, options);
  if (session.configurePasses)
    session.configurePasses(pm);
  if (Error error = runPasses(pm, *model->module))
    return inContext("'" + path + "'", std::move(error));
  return createJITExecutor(std::move(model->module), model->context, {target.str(), threads, optLevel});
}

Expected<std::unique_ptr<Executor>> compileForHost(mlir::OwningOpRef<mlir::ModuleOp> module, int32_t threads) {
  if (Error error = lowerForCPU(*module, {}))
    return std::move(error);
  JITOptions options;
  options.threads = threads;
  return createJITExecutor(std::move(module), nullptr, options);
}

} // namespace qopt
