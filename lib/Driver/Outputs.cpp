#include "Outputs.h"

#include "Tensors.h"

#include "qopt/Export/ONNX.h"
#include "qopt/Support/AtomicFile.h"
#include "qopt/Support/Hash.h"
#include "qopt/Support/Version.h"

#include "mlir/Bytecode/BytecodeWriter.h"

using namespace llvm;
using namespace qopt;

namespace {

Error writeOnnx(const Model &model, StringRef path, const Provenance &provenance) {
  OnnxExportOptions options;
  options.version = version().str();
  options.inputs = {provenance.model};
  auto hash = sha256OfFile(provenance.model);
  if (!hash)
    return hash.takeError();
  options.metadata = {{"qopt.model", *hash}, {"qopt.recipe", provenance.recipe}, {"qopt.data", provenance.dataHash}};
  return exportOnnx(model.module.get(), path, options);
}

Error writeModelText(const Model &model, StringRef path, Session &session) {
  std::string text;
  raw_string_ostream os(text);
  mlir::OpPrintingFlags flags;
  flags.enableDebugInfo();
  model.module.get().print(os, flags);
  return qopt::writeText(path, text + "\n", session);
}

Error writeBytecode(const Model &model, StringRef path) {
  auto file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  if (mlir::failed(mlir::writeBytecodeToFile(model.module.get(), (*file)->os())))
    return makeError(path + ": the module could not be written as bytecode");
  return (*file)->commit();
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

Error qopt::writeModel(const Model &model, StringRef path, StringRef target, const Provenance &provenance, Session &session) {
  if (path.ends_with(".onnx"))
    return writeOnnx(model, path, provenance);
  if (path.ends_with(".mlirbc"))
    return writeBytecode(model, path);
  if (path.ends_with(".so") || path.ends_with(".o"))
    return compileToCode(model.module.get(), path, target, provenance.model, session);
  return writeModelText(model, path, session);
}
