//===- qopt-run-many.cpp - Many small models in one process ------------------===//
//
// For tests with thousands of models. Reads lines `MODEL <tab> INPUTS.npz <tab> OUTPUTS.npz`, runs each model, and answers each with
// `ok` or `STAGE: sentence`. The argument is LLVM's optimization level (0). Element types that .npy cannot name come and go as unsigned integers of their size.
//
//===----------------------------------------------------------------------===//
#include "qopt/Execution/JIT.h"
#include "qopt/Pipelines/CPU.h"
#include "qopt/Pipelines/ImportPipeline.h"
#include "qopt/Pipelines/Register.h"
#include "qopt/Pipelines/Run.h"
#include "qopt/Support/Npy.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include <iostream>

using namespace llvm;
using namespace qopt;

namespace {

Error inStage(StringRef stage, Error error) { return makeError(stage + ": " + toString(std::move(error))); }

Expected<std::unique_ptr<Executor>> compile(StringRef path, mlir::DialectRegistry &registry, unsigned optLevel) {
  auto context = std::make_shared<mlir::MLIRContext>(registry, mlir::MLIRContext::Threading::DISABLED);
  mlir::OwningOpRef<mlir::ModuleOp> module;
  {
    DiagnosticSentence sentence(context.get());
    module = importModel(path, context.get());
    if (!module)
      return inStage("import", sentence.error());
  }
  mlir::PassManager import(context.get(), mlir::ModuleOp::getOperationName());
  buildImportPipeline(import);
  if (Error error = runPasses(import, *module))
    return inStage("import", std::move(error));
  if (Error error = lowerForCPU(*module, {}))
    return inStage("lower", std::move(error));
  auto executor = createJITExecutor(std::move(module), context, {"host", /*threads=*/1, optLevel});
  return executor ? std::move(executor) : Expected<std::unique_ptr<Executor>>(inStage("compile", executor.takeError()));
}

Expected<SmallVector<Tensor>> load(StringRef path, ArrayRef<ValueSpec> specs) {
  auto arrays = readNpz(path);
  if (!arrays)
    return arrays.takeError();
  SmallVector<Tensor> inputs;
  for (const ValueSpec &spec : specs) {
    auto found = llvm::find_if(*arrays, [&](const NamedTensor &array) { return array.name == spec.name; });
    if (found == arrays->end())
      return makeError("input '" + spec.name + "' is not given");
    auto tensor = found->tensor.withType(spec.dtype, found->tensor.shape());
    if (!tensor)
      return tensor.takeError();
    inputs.push_back(*tensor);
  }
  return inputs;
}

Error save(StringRef path, ArrayRef<ValueSpec> specs, ArrayRef<Tensor> outputs) {
  std::vector<NamedTensor> arrays;
  for (auto [spec, output] : zip(specs, outputs)) {
    int64_t size = output.numElements() ? output.numBytes() / output.numElements() : 1;
    DType code = size == 8 ? DType::UInt64 : size == 4 ? DType::UInt32 : size == 2 ? DType::UInt16 : DType::UInt8;
    auto bits = output.withType(output.numElements() ? code : output.dtype(), output.shape());
    if (!bits)
      return bits.takeError();
    arrays.push_back({spec.name, *bits});
  }
  return writeNpz(path, arrays);
}

/// The model of the line before stays compiled.
struct Runner {
  mlir::DialectRegistry registry;
  unsigned optLevel = 0;
  std::string path;
  std::unique_ptr<Executor> executor;

  Error run(ArrayRef<StringRef> words) {
    if (words.size() != 3)
      return makeError("request: a line is MODEL, INPUTS.npz and OUTPUTS.npz between tabs");
    if (!executor || path != words[0]) {
      executor.reset();
      auto compiled = compile(words[0], registry, optLevel);
      if (!compiled)
        return compiled.takeError();
      executor = std::move(*compiled);
      path = words[0].str();
    }
    auto inputs = load(words[1], executor->inputs());
    if (!inputs)
      return inStage("run", inputs.takeError());
    auto outputs = executor->run(*inputs);
    return outputs ? save(words[2], executor->outputs(), *outputs) : inStage("run", outputs.takeError());
  }
};

} // namespace

int main(int argc, char **argv) {
  Runner runner;
  runner.optLevel = argc > 1 ? std::atoi(argv[1]) : 0;
  registerAllDialects(runner.registry);
  for (std::string line; std::getline(std::cin, line);) {
    SmallVector<StringRef> words;
    StringRef(line).split(words, '\t');
    Error error = runner.run(words);
    std::string answer = error ? toString(std::move(error)) : "ok";
    std::replace(answer.begin(), answer.end(), '\n', ' ');
    std::cout << answer << std::endl;
  }
}
