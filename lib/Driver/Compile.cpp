#include "Commands.h"
#include "Models.h"
#include "Outputs.h"
#include "Tensors.h"
#include "qopt/Codegen/CPU/Artifact.h"
#include "qopt/Pipelines/CPU.h"
#include "qopt/Pipelines/Run.h"
#include "qopt/Support/AtomicFile.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;

namespace qopt {

namespace {

constexpr Option options[] = {
    {"-o", "OUT", "what to write, by its ending: .so, .o, .s, .ll, .mlir, .mlirbc; - is textual MLIR on standard output"},
    {"--target", "T", "what to compile for (default: host)"},
    {"-O", "LEVEL", "LLVM's optimization level, 0 to 3 (default 3)"},
    {"--name", "PREFIX", "what the C functions are called after (default: the model's file name)"},
    {"--compile-to", "PHASE", "stop at imported, linalg, buffers, loops or lowered (for .mlir)"},
    {"--print-pipeline", "", "print the passes, as `qopt-opt --pass-pipeline=…` takes them, and stop"},
};

struct Request {
  std::string output, target;
  unsigned optLevel = 3;
  ArtifactInfo info;
};

/// Writes through a stream that appears whole or not at all.
Error writeOutput(StringRef path, Session &session, function_ref<Error(raw_pwrite_stream &)> write) {
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

Error writeModule(mlir::ModuleOp module, const Request &request, Session &session) {
  return writeOutput(request.output, session, [&](raw_pwrite_stream &os) -> Error {
    if (StringRef(request.output).ends_with(".mlirbc"))
      return succeeded(mlir::writeBytecodeToFile(module, os)) ? Error::success()
                                                              : makeError("the module cannot be written as bytecode");
    module.print(os);
    os << '\n';
    return Error::success();
  });
}

/// A folder for the files between compiler and linker; gone with the object.
struct WorkFolder {
  SmallString<128> path;
  ~WorkFolder() {
    if (!path.empty())
      sys::fs::remove_directories(path);
  }
  std::string file(StringRef name) const { return (path + "/" + name).str(); }
};

/// Code and constants as objects, linked into `request.output`.
Error writeLinked(Module &code, TargetMachine &machine, ArrayRef<ConstantBytes> constants, const Request &request) {
  WorkFolder folder;
  if (std::error_code failed = sys::fs::createUniqueDirectory("qopt-compile", folder.path))
    return makeError("no temporary folder can be made: " + failed.message());
  std::vector<std::string> objects = {folder.file("code.o"), folder.file("constants.o")};
  for (const std::string &object : objects) {
    std::error_code failed;
    raw_fd_ostream os(object, failed);
    if (failed)
      return makeError("'" + object + "' cannot be written: " + failed.message());
    if (object != objects[0])
      writeConstantObject(os, constants);
    else if (Error error = emitCode(code, machine, CodeFile::Object, os))
      return error;
    os.close();
    if (os.has_error()) {
      failed = os.error();
      os.clear_error();
      return makeError("'" + object + "' cannot be written: " + failed.message());
    }
  }
  bool relocatable = StringRef(request.output).ends_with(".o");
  std::string linked = folder.file("linked");
  if (Error error = linkArtifact(objects, linked, request.info.prefix, relocatable))
    return error;
  auto bytes = MemoryBuffer::getFile(linked, false, false);
  if (!bytes)
    return makeError("'" + linked + "' cannot be read: " + bytes.getError().message());
  auto file = AtomicFile::create(request.output, {}, relocatable ? 0666 : 0777);
  if (!file)
    return file.takeError();
  (*file)->os() << (*bytes)->getBuffer();
  return (*file)->commit();
}

Error writeCode(mlir::ModuleOp module, const Request &request, Session &session) {
  auto target = findCPUTarget(request.target);
  if (!target)
    return target.takeError();
  auto machine = createTargetMachine(*target, request.optLevel);
  if (!machine)
    return machine.takeError();
  auto signature = readSignature(module);
  if (!signature)
    return signature.takeError();
  auto constants = readConstants(module);
  if (!constants)
    return constants.takeError();
  LLVMContext context;
  auto code = translateToLLVM(module, context, *target, **machine);
  if (!code)
    return code.takeError();
  addDescriptor(**code, *signature, kernelNames(module), *target, request.info);
  optimize(**code, **machine, request.optLevel);
  StringRef ending = sys::path::extension(request.output);
  if (ending == ".ll" || ending == ".s")
    return writeOutput(request.output, session, [&](raw_pwrite_stream &os) -> Error {
      if (ending == ".s")
        return emitCode(**code, **machine, CodeFile::Assembly, os);
      (*code)->print(os, nullptr);
      return Error::success();
    });
  if (Error error = writeLinked(**code, **machine, *constants, request))
    return error;
  SmallString<128> header(request.output);
  sys::path::replace_extension(header, ".h");
  return writeText(header, headerText(*signature, request.info), session);
}

/// The stages up to `phase`. Errors: no such phase.
Error addStages(mlir::OpPassManager &pm, StringRef phase, const CPUOptions &options) {
  using Stage = void (*)(mlir::OpPassManager &, const CPUOptions &);
  struct Step {
    StringRef phase;
    SmallVector<Stage, 2> stages;
  };
  const Step steps[] = {{"imported", {}},
                        {"linalg", {buildGraphStage, buildTensorStage}},
                        {"buffers", {buildBufferStage}},
                        {"loops", {buildLoopStage}},
                        {"lowered", {buildLLVMStage}}};
  for (const Step &step : steps) {
    for (Stage stage : step.stages)
      stage(pm, options);
    if (step.phase == phase)
      return Error::success();
  }
  return usageError("'--compile-to " + phase + "': the phases are imported, linalg, buffers, loops and lowered");
}

Expected<int> run(const Arguments &arguments, Session &session) {
  if (arguments.positional().size() != 1)
    return usageError("`qopt compile` takes one model");
  auto level = arguments.integer("-O", 3, 0);
  if (!level)
    return level.takeError();
  const std::string &input = arguments.positional()[0];
  Request request;
  request.output = arguments.get("-o", "").str();
  request.target = arguments.get("--target", "host").str();
  request.optLevel = *level;
  request.info.model = sys::path::stem(input).str();
  request.info.prefix = toIdentifier(arguments.get("--name", request.info.model));
  StringRef ending = sys::path::extension(request.output);
  bool isModule = request.output == "-" || ending == ".mlir" || ending == ".mlirbc";
  bool printPipeline = arguments.has("--print-pipeline");
  if (!printPipeline && request.output.empty())
    return usageError("`qopt compile` needs -o OUT");
  if (!printPipeline && !isModule && !is_contained({".so", ".o", ".s", ".ll"}, ending))
    return usageError("'" + request.output + "': endings are .so, .o, .s, .ll, .mlir and .mlirbc");
  if (arguments.has("--compile-to") && !isModule && !printPipeline)
    return usageError("--compile-to needs an output of .mlir or .mlirbc");

  auto model = loadModel(input);
  if (!model)
    return model.takeError();
  CPUOptions options;
  options.target = request.target;
  mlir::PassManager pm(model->context.get(), mlir::ModuleOp::getOperationName());
  if (Error error = addStages(pm, arguments.get("--compile-to", "lowered"), options))
    return std::move(error);
  if (printPipeline) {
    pm.printAsTextualPipeline(session.out);
    session.out << '\n';
    return Done;
  }
  if (session.configurePasses)
    session.configurePasses(pm);
  if (Error error = runPasses(pm, *model->module))
    return inContext("'" + input + "'", std::move(error));
  if (Error error = isModule ? writeModule(*model->module, request, session)
                             : writeCode(*model->module, request, session))
    return std::move(error);
  return Done;
}

} // namespace

Error compileToCode(mlir::ModuleOp module, StringRef path, StringRef target, StringRef modelPath, Session &session) {
  Request request;
  request.output = path.str();
  request.target = target.str();
  request.info.model = sys::path::stem(modelPath).str();
  request.info.prefix = toIdentifier(request.info.model);
  CPUOptions options;
  options.target = request.target;
  mlir::PassManager pm(module.getContext(), mlir::ModuleOp::getOperationName());
  buildLoweringPipeline(pm, options);
  if (session.configurePasses)
    session.configurePasses(pm);
  if (Error error = runPasses(pm, module))
    return error;
  return writeCode(module, request, session);
}

const Command &compileCommand() {
  static const Command command = {"compile",
                                  "MODEL -o OUT [options]",
                                  "Compile a model to native code, or to IR on the way there",
                                  options,
                                  "  qopt compile model.onnx -o model.so --target avx2\n"
                                  "  qopt compile model.onnx -o - --compile-to linalg\n",
                                  run};
  return command;
}

} // namespace qopt
