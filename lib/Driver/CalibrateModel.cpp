#include "Quantization.h"

#include "qopt/Calibration/Annotate.h"
#include "qopt/Calibration/Session.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Pipelines/ResourceScope.h"
#include "qopt/Pipelines/Run.h"
#include "qopt/Support/Hash.h"
#include "qopt/Support/Progress.h"
#include "qopt/Support/Version.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Parallel.h"

using namespace llvm;
using namespace qopt;

namespace {

/// The instrumented model as a program, and the sites that it shows.
struct Instrumented {
  std::unique_ptr<ResourceScope> constants; ///< of the program: packed weights
  std::unique_ptr<Executor> executor;
  std::vector<SiteInfo> sites;
};

/// Functions return nothing any more, so that clean-up takes away what served results alone.
void dropResults(mlir::ModuleOp module) {
  for (auto func : module.getOps<mlir::func::FuncOp>()) {
    if (func.isExternal())
      continue;
    func.getBody().front().getTerminator()->eraseOperands(0, func.getNumResults());
    (void)func.eraseResults(llvm::BitVector(func.getNumResults(), true));
  }
}

InsertObserversPassOptions observersOf(const CalibrationRequest &request) {
  InsertObserversPassOptions options;
  options.linearInputsOnly = request.linearInputsOnly;
  options.only.assign(request.only.begin(), request.only.end());
  return options;
}

Expected<Instrumented> instrument(mlir::ModuleOp module, const CalibrationRequest &request, Session &session) {
  Instrumented result;
  result.constants = std::make_unique<ResourceScope>(module.getContext());
  mlir::OwningOpRef<mlir::ModuleOp> copy = module.clone();
  mlir::PassManager observers(module.getContext(), mlir::ModuleOp::getOperationName());
  observers.addPass(createInsertObserversPass(observersOf(request)));
  if (session.configurePasses)
    session.configurePasses(observers);
  if (Error error = runPasses(observers, *copy))
    return std::move(error);
  if (!request.only.empty())
    dropResults(*copy); // What no observer sees need not run.
  result.sites = readSites(*copy);
  auto executor = compileForHost(std::move(copy), request.threads);
  if (!executor)
    return executor.takeError();
  result.executor = std::move(*executor);
  return result;
}

} // namespace

/// Numerics' work on the process's threads.
static ParallelFor threadsFor(int32_t threads) {
  if (threads > 0)
    llvm::parallel::strategy = llvm::hardware_concurrency(threads);
  return [](int64_t count, const std::function<void(int64_t)> &body) {
    llvm::parallelFor(0, static_cast<size_t>(count), [&](size_t index) { body(static_cast<int64_t>(index)); });
  };
}

/// Compiles the module with observers and runs the samples. No `progress`: in silence.
static Expected<Statistics> observe(mlir::ModuleOp module, const CalibrationRequest &request, Session &session, Progress *progress) {
  if (progress)
    progress->stage("compiling the model with observers");
  auto program = instrument(module, request, session);
  if (!program)
    return inContext(request.modelPath, program.takeError());
  auto source = openSamples(request.dataPath, program->executor->inputs(), request.maxLength);
  if (!source)
    return source.takeError();
  std::optional<Instrumented> reference;
  if (request.reference) {
    auto floats = instrument(request.reference, request, session);
    if (!floats)
      return inContext(request.modelPath, floats.takeError());
    reference = std::move(*floats);
  }
  CalibrationOptions options;
  if (reference) {
    options.reference = reference->executor.get();
    options.referenceSites = reference->sites;
  }
  options.samples = request.samples;
  options.batch = batchFor(program->executor->inputs(), request.batch);
  options.firstSample = request.firstSample;
  options.columns = request.columns;
  options.parallelFor = threadsFor(request.threads);
  int64_t told = 0;
  if (progress) {
    progress->stage("calibrating", request.samples < 0 ? (*source)->size() : std::min(request.samples, (*source)->size()));
    options.progress = [&](int64_t done, int64_t) {
      progress->advance(done - told);
      told = done;
    };
  }
  auto statistics = calibrate(*program->executor, **source, program->sites, options);
  if (!statistics)
    return inContext(request.dataPath, statistics.takeError());
  return statistics;
}

Expected<std::string> qopt::modelHash(StringRef path, StringRef rewriting) {
  auto hash = sha256OfFile(path);
  return !hash || rewriting.empty() ? std::move(hash) : sha256(*hash + rewriting.str());
}

Expected<Statistics> qopt::calibrateModel(mlir::ModuleOp module, const CalibrationRequest &request, Session &session,
                                          Progress &progress) {
  auto hash = modelHash(request.modelPath, request.rewriting);
  if (!hash)
    return hash.takeError();
  auto statistics = observe(module, request, session, &progress);
  if (!statistics)
    return statistics.takeError();
  statistics->modelHash = *hash;
  statistics->tool = ("qopt " + version()).str();
  return statistics;
}

Expected<InputTable> qopt::gatherInputs(mlir::ModuleOp module, CalibrationRequest request, std::vector<InputColumns> columns,
                                        Session &session) {
  StringSet<> sites;
  for (const InputColumns &input : columns)
    if (sites.insert(input.site).second)
      request.only.push_back(input.site);
  request.columns = std::move(columns);
  auto statistics = observe(module, request, session, nullptr);
  if (!statistics)
    return statistics.takeError();
  return std::move(statistics->inputs);
}
