#include "Phases.h"

#include "qopt/Driver/Register.h"

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace qopt;

Expected<Phase> qopt::readPhase(const Arguments &arguments, StringRef command, Phase otherwise, ArrayRef<Phase> taken) {
  auto name = arguments.get("--compile-to");
  if (!name)
    return otherwise;
  auto phase = parsePhase(*name);
  std::string all = join(map_range(taken, phaseName), ", ");
  if (!phase)
    return usageError("there is no phase '" + *name + "' for --compile-to; those of `qopt " + command + "` are " + all);
  if (!is_contained(taken, *phase))
    return usageError("`qopt " + command + "` does not go through the phase '" + *name + "', but through " + all);
  if (auto out = arguments.get("-o"); out && !isModuleFile(*out))
    return usageError("--compile-to writes IR: give -o a name that ends in .mlir or .mlirbc, or - for standard output");
  return *phase;
}

bool qopt::isModuleFile(StringRef path) { return path == "-" || path.ends_with(".mlir") || path.ends_with(".mlirbc"); }

Expected<std::string> qopt::pipelineText(ArrayRef<mlir::OpPassManager *> managers) {
  std::string passes;
  raw_string_ostream os(passes);
  for (mlir::OpPassManager *manager : managers) {
    if (!passes.empty() && manager->size())
      os << ',';
    llvm::interleave(
        manager->begin(), manager->end(), [&](mlir::Pass &pass) { pass.printAsTextualPipeline(os); }, [&] { os << ','; });
  }
  std::string text = "builtin.module(" + passes + ")";
  // What is printed must mean the same when it is read.
  registerEveryPass();
  std::string problem, again;
  raw_string_ostream problems(problem), reprinted(again);
  auto parsed = mlir::parsePassPipeline(text, problems);
  if (mlir::succeeded(parsed))
    parsed->printAsTextualPipeline(reprinted);
  if (text != again)
    return makeError("the pipeline cannot be written as text, because a name in it (of a node, say) has a comma, a space or a bracket" +
                     (problem.empty() ? "" : ": " + StringRef(problem).trim()));
  return text;
}
