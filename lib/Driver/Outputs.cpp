#include "Outputs.h"

#include "qopt/Export/ONNX.h"
#include "qopt/Pipelines/ExportPipeline.h"
#include "qopt/Pipelines/Run.h"
#include "qopt/Support/AtomicFile.h"
#include "qopt/Support/Hash.h"
#include "qopt/Support/Version.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Pass/PassManager.h"

using namespace llvm;
using namespace qopt;

namespace {

Error writeOnnx(const Model &model, StringRef path, const Provenance &provenance, Session &session, std::vector<Remark> *remarks) {
  mlir::PassManager pm(model.context.get(), mlir::ModuleOp::getOperationName());
  buildExportPipeline(pm);
  if (session.configurePasses)
    session.configurePasses(pm);
  RemarkCollector collector(model.context.get());
  if (Error error = runPasses(pm, model.module.get()))
    return error;
  if (remarks)
    *remarks = collector.remarks;
  OnnxExportOptions options;
  options.version = version().str();
  options.inputs = {provenance.model};
  auto hash = sha256OfFile(provenance.model);
  if (!hash)
    return hash.takeError();
  options.metadata = {{"qopt.model", *hash}, {"qopt.recipe", provenance.recipe}, {"qopt.data", provenance.dataHash}};
  return exportOnnx(model.module.get(), path, options);
}

} // namespace

Error qopt::checkOutput(StringRef path) {
  for (StringRef ending : {".onnx", ".mlir", ".mlirbc", ".so", ".o"})
    if (path.ends_with(ending))
      return Error::success();
  if (path == "-")
    return Error::success();
  return usageError("'" + path + "' is no output that `qopt quantize` writes: .onnx, .mlir, .mlirbc, .so and .o are");
}

Error qopt::writeModel(const Model &model, StringRef path, StringRef target, const Provenance &provenance, Session &session,
                       std::vector<Remark> *remarks) {
  if (path.ends_with(".onnx"))
    return writeOnnx(model, path, provenance, session, remarks);
  if (isCode(path))
    return compileToCode(model.module.get(), path, target, provenance.model, session, remarks);
  return writeModule(model.module.get(), path, /*locations=*/true, session);
}

Error qopt::writeOutput(StringRef path, Session &session, function_ref<Error(raw_pwrite_stream &)> write) {
  if (path == "-") {
    SmallVector<char, 0> bytes;
    raw_svector_ostream stream(bytes);
    Error error = write(stream);
    session.out << stream.str();
    return error;
  }
  auto file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  if (Error error = write((*file)->os()))
    return error;
  return (*file)->commit();
}

Error qopt::writeModule(mlir::ModuleOp module, StringRef path, bool locations, Session &session) {
  return writeOutput(path, session, [&](raw_pwrite_stream &os) -> Error {
    if (path.ends_with(".mlirbc"))
      return succeeded(mlir::writeBytecodeToFile(module, os)) ? Error::success()
                                                              : makeError(path + ": the module cannot be written as bytecode");
    mlir::OpPrintingFlags flags;
    if (locations)
      flags.enableDebugInfo();
    module.print(os, flags);
    os << '\n';
    return Error::success();
  });
}
