#include "Commands.h"
#include "Models.h"
#include "Outputs.h"
#include "Phases.h"
#include "Remarks.h"
#include "Tensors.h"
#include "qopt/Codegen/CPU/Artifact.h"
#include "qopt/Pipelines/CPU.h"
#include "qopt/Pipelines/Run.h"
#include "qopt/Support/AtomicFile.h"
#include "qopt/Support/Progress.h"

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
    {"--compile-to", "PHASE", "stop at imported, legalized, linalg, buffers, loops or lowered (for .mlir)"},
    {"--json", "FILE", "write seconds, bytes and remarks as JSON; - is standard output"},
    {"--print-pipeline", "", "print the passes, as `qopt-opt --pass-pipeline=…` takes them, and stop"},
};

struct Request {
  std::string output, target;
  unsigned optLevel = 3;
  ArtifactInfo info;
};

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

/// What compiling leaves behind: a line, and a line for each reason that a product or convolution is not in a kernel.
Error report(const Arguments &arguments, double seconds, ArrayRef<Remark> remarks, Session &session) {
  StringRef output = arguments.get("-o", "");
  uint64_t bytes = 0;
  if (output != "-")
    (void)sys::fs::file_size(output, bytes);
  if (!arguments.has("--quiet")) {
    session.err << arguments.positional()[0] << " -> " << output << " (" << arguments.get("--target", "host") << "): ";
    if (bytes)
      session.err << formatBytes(static_cast<int64_t>(bytes)) << " in ";
    session.err << formatSeconds(seconds) << '\n';
    printRemarks(session.err, remarks);
  }
  auto file = arguments.get("--json");
  if (!file)
    return Error::success();
  json::Object object{{"model", arguments.positional()[0]}, {"output", output}, {"target", arguments.get("--target", "host")},
                      {"bytes", static_cast<int64_t>(bytes)}, {"seconds", seconds}, {"remarks", toJson(remarks)}};
  return writeText(*file, toJson(json::Value(std::move(object))) + "\n", session);
}

constexpr Phase phases[] = {Phase::Imported, Phase::Legalized, Phase::Linalg, Phase::Buffers, Phase::Loops, Phase::Lowered};

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
  bool isModule = isModuleFile(request.output);
  bool printPipeline = arguments.has("--print-pipeline");
  if (!printPipeline && request.output.empty())
    return usageError("`qopt compile` needs -o OUT");
  if (!printPipeline && !isModule && !is_contained({".so", ".o", ".s", ".ll"}, ending))
    return usageError("'" + request.output + "': endings are .so, .o, .s, .ll, .mlir and .mlirbc");
  auto phase = readPhase(arguments, "compile", Phase::Lowered, phases);
  if (!phase)
    return phase.takeError();

  if (request.output == "-" && arguments.get("--json", "") == "-")
    return usageError("-o - and --json - both want standard output; give one of them a file");
  Stopwatch watch;
  auto model = loadModel(input);
  if (!model)
    return model.takeError();
  CPUOptions options;
  options.target = request.target;
  mlir::PassManager pm(model->context.get(), mlir::ModuleOp::getOperationName());
  if (*phase == Phase::Imported)
    endPhase(pm, *phase);
  buildLoweringTo(*phase, pm, options);
  if (printPipeline) {
    auto text = pipelineText({&pm});
    if (!text)
      return text.takeError();
    session.out << *text << '\n';
    return Done;
  }
  if (session.configurePasses)
    session.configurePasses(pm);
  RemarkCollector collector(model->context.get());
  if (Error error = runPasses(pm, *model->module))
    return inContext("'" + input + "'", std::move(error));
  if (Error error = isModule ? writeModule(*model->module, request.output, *phase < Phase::Linalg, session)
                             : writeCode(*model->module, request, session))
    return std::move(error);
  if (Error error = report(arguments, watch.seconds(), collector.remarks, session))
    return std::move(error);
  return Done;
}

} // namespace

Error compileToCode(mlir::ModuleOp module, StringRef path, StringRef target, StringRef modelPath, Session &session,
                    std::vector<Remark> *remarks) {
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
  RemarkCollector collector(module.getContext());
  if (Error error = runPasses(pm, module))
    return error;
  if (remarks)
    *remarks = collector.remarks;
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
