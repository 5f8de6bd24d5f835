#include "Commands.h"
#include "Contents.h"
#include "Distill.h"
#include "DryRun.h"
#include "Outputs.h"
#include "PartialWork.h"
#include "Phases.h"
#include "Planning.h"
#include "Quantization.h"
#include "QuantizationReport.h"
#include "RecipeOptions.h"
#include "Reconstruct.h"
#include "StagePasses.h"

#include "qopt/Calibration/Passes.h"
#include "qopt/Calibration/SampleSource.h"
#include "qopt/Dialect/Qopt/Transforms/CompareSites.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Pipelines/CPU.h"
#include "qopt/Pipelines/Run.h"
#include "qopt/Support/AtomicFile.h"
#include "qopt/Support/Hash.h"
#include "qopt/Support/Progress.h"
#include "qopt/Support/Version.h"

#include "mlir/Pass/PassManager.h"

using namespace llvm;

namespace qopt {

namespace {

constexpr Option ownOptions[] = {
    {"-o", "OUT", "what to write, by its ending: .onnx (QDQ), .mlir, .mlirbc, .so"},
    {"--calibration-data", "DATA", "a .npz (samples along axis 0), or a folder of .npz files or of test_data_set_N (a sample each)"},
    {"--stats", "FILE.stats", "statistics of `qopt calibrate` in place of data"},
    {"--calibration-method", "M", "minmax, moving-average, percentile, mse or entropy (default: the recipe's)"},
    {"--percentile", "P", "for the method percentile (default 99.999)"},
    {"--evaluation-data", "DATA", "samples of the model's real use: the report says where they look other than calibration's"},
    {"--samples", "N", "use only the first N samples"},
    {"--batch", "N", "samples a run of calibration (default 8)"},
    {"--threads", "N", "threads to use (default: one for each core)"},
    {"--target", "T", "what to compile for when OUT is code (default: host)"},
    {"--noise-samples", "N", "measure noise at every site over the first N samples (default 8; 0: do not)"},
    {"--compile-to", "PHASE", "write the IR at imported, calibrating, transformed, quantized, legalized, linalg, buffers, loops or lowered"},
    {"--print-pipeline", "", "print the passes, as `qopt-opt --pass-pipeline=…` takes them, and stop (statistics from --stats)"},
    {"--allow-emulation", "", "take formats that the target can only emulate, for accuracy studies"},
    {"--report", "DIR", "write report.json and report.html into DIR"},
    {"--json", "FILE", "write the report as JSON; - is standard output"},
    workFolderOption,
    dryRunOption,
};
constexpr auto options = withRecipeOptions(ownOptions);

Error overrideCalibration(const Arguments &arguments, Recipe &recipe) {
  if (auto method = arguments.get("--calibration-method")) {
    std::optional<RangeMethod> chosen = parseRangeMethod(*method);
    if (!chosen)
      return usageError("--calibration-method is '" + *method + "'; it must be " + kRangeMethodChoices);
    recipe.calibration.method = chosen;
    recipe.calibration.percentile = recipe.calibration.averagingConstant = std::nullopt;
  }
  if (auto percentile = arguments.get("--percentile")) {
    double value = 0;
    if (percentile->getAsDouble(value) || value <= 50 || value > 100)
      return usageError("--percentile is '" + *percentile + "'; it must be more than 50 and at most 100");
    if (recipe.calibration.method != RangeMethod::Percentile)
      return usageError("--percentile needs the calibration method percentile");
    recipe.calibration.percentile = value;
  }
  return Error::success();
}

/// The command line's calibration data, and how to run it.
Expected<CalibrationRequest> calibrationRequest(const Arguments &arguments, const Recipe &recipe) {
  auto samples = arguments.integer("--samples", recipe.calibration.samples.value_or(-1), 1),
       batch = arguments.integer("--batch", 8, 1), threads = arguments.integer("--threads", 0, 1);
  for (auto *number : {&samples, &batch, &threads})
    if (!*number)
      return number->takeError();
  CalibrationRequest request{arguments.positional()[0], arguments.get("--calibration-data", "").str(), *samples, *batch, 0,
                             static_cast<int32_t>(*threads)};
  request.maxLength = recipe.calibration.maxLength;
  return request;
}

Expected<std::optional<Statistics>> gather(const Arguments &arguments, const Recipe &recipe, const Model &model,
                                           StringRef rewriting, Session &session, Progress &progress) {
  auto given = givenStatistics(arguments, recipe, rewriting);
  if (!given || *given || !arguments.has("--calibration-data"))
    return given;
  auto request = calibrationRequest(arguments, recipe);
  if (!request)
    return request.takeError();
  auto columns = inputsToGather(*model.module, recipe);
  if (!columns)
    return columns.takeError();
  request->linearInputsOnly = !recipe.hasStaticActivations();
  request->rewriting = rewriting.str();
  request->columns = std::move(*columns);
  auto statistics = calibrateModel(*model.module, *request, session, progress);
  if (!statistics)
    return statistics.takeError();
  return std::optional<Statistics>(std::move(*statistics));
}

/// What to measure noise with; nothing where there is no data, or nobody reads the outcome.
Expected<std::optional<NoiseRequest>> noiseRequest(const Arguments &arguments) {
  auto samples = arguments.integer("--noise-samples", 8, 0), threads = arguments.integer("--threads", 0, 1);
  for (auto *number : {&samples, &threads})
    if (!*number)
      return number->takeError();
  auto data = arguments.get("--calibration-data");
  if (arguments.has("--noise-samples") && *samples && !data)
    return usageError("--noise-samples needs --calibration-data: noise is measured on samples");
  bool unread = arguments.has("--quiet") && !arguments.has("--report") && !arguments.has("--json");
  if (!data || !*samples || unread)
    return std::optional<NoiseRequest>();
  return std::optional<NoiseRequest>(NoiseRequest{data->str(), *samples, 1, static_cast<int32_t>(*threads)});
}

/// How the tensors look on --evaluation-data.
Error addDriftTo(QuantizationReport &report, const Arguments &arguments, const Model &model, const std::optional<Statistics> &seen,
                 StringRef rewriting, Session &session, Progress &progress) {
  auto data = arguments.get("--evaluation-data");
  if (!data)
    return Error::success();
  if (!seen)
    return usageError("--evaluation-data is compared with calibration: give --calibration-data or --stats too");
  auto batch = arguments.integer("--batch", 8, 1), threads = arguments.integer("--threads", 0, 1);
  if (!batch)
    return batch.takeError();
  if (!threads)
    return threads.takeError();
  CalibrationRequest request{arguments.positional()[0], data->str(), -1, *batch, 0, static_cast<int32_t>(*threads)};
  request.rewriting = rewriting.str();
  auto used = calibrateModel(*model.module, request, session, progress);
  if (!used)
    return used.takeError();
  auto drifts = driftBetween(*seen, *used);
  if (!drifts)
    return drifts.takeError();
  report.drifts = std::move(*drifts);
  return Error::success();
}

/// What is known before any work. Errors: a file that cannot be read.
Expected<QuantizationReport> beginReport(const Arguments &arguments) {
  QuantizationReport report;
  report.model = arguments.positional()[0];
  report.output = arguments.get("-o", "").str();
  report.recipe = recipeText(arguments);
  report.target = arguments.get("--target", "host").str();
  report.tool = ("qopt " + version()).str();
  auto model = modelHash(report.model);
  if (!model)
    return model.takeError();
  report.modelHash = *model;
  auto recipe = recipeHash(arguments);
  if (!recipe)
    return recipe.takeError();
  report.recipeHash = *recipe;
  return report;
}

/// Whether a stage is judged by what becomes of the outputs' distributions.
bool comparesDistributions(const Stage &stage) {
  const auto *mixed = std::get_if<MixedPrecisionOptions>(&stage.options);
  return mixed && mixed->loss == OutputLoss::KL;
}

SampleRequest samplesOf(const CalibrationRequest &calibration) {
  return {calibration.dataPath, calibration.samples, calibration.maxLength, calibration.threads};
}

/// Nothing without a mixed_precision stage, or without samples. Errors: samples that do not fit the model.
Expected<std::optional<PrecisionInputs>> precisionInputs(const Arguments &arguments, const Recipe &recipe, mlir::ModuleOp model, Progress &progress) {
  bool isMixed = any_of(recipe.stages, [](const Stage &stage) { return std::holds_alternative<MixedPrecisionOptions>(stage.options); });
  if (!isMixed || !arguments.has("--calibration-data"))
    return std::optional<PrecisionInputs>();
  auto calibration = calibrationRequest(arguments, recipe);
  if (!calibration)
    return calibration.takeError();
  PrecisionInputs inputs;
  auto target = findTarget(arguments.get("--target", "host"));
  if (!target)
    return target.takeError();
  inputs.target = *target;
  std::vector<ValueSpec> specs = contentsOf(model).inputs;
  auto source = openSamples(calibration->dataPath, specs, calibration->maxLength);
  if (!source)
    return source.takeError();
  auto first = (*source)->read(0, samplesToRun(**source, specs, 1, 1).step);
  if (!first)
    return first.takeError();
  for (const Tensor &tensor : *first)
    inputs.shapes.emplace_back(tensor.shape());
  inputs.probe = [&progress, data = samplesOf(*calibration)](
                     mlir::ModuleOp module, const StringSet<> &names, ArrayRef<OperandSpec> formats, const MixedPrecisionOptions &options) {
    SampleRequest some = data;
    some.samples = some.samples < 0 ? options.samples : std::min(some.samples, options.samples);
    return probeOutputs(module, names, formats, options.loss, some, progress);
  };
  return std::optional<PrecisionInputs>(std::move(inputs));
}

constexpr Phase phases[] = {Phase::Imported,  Phase::Calibrating, Phase::Transformed, Phase::Quantized, Phase::Legalized,
                            Phase::Linalg,    Phase::Buffers,     Phase::Loops,       Phase::Lowered};

/// What runs before there is anything to quantize: imported, or with observers.
void buildObserving(mlir::OpPassManager &pm, Phase phase) {
  if (phase == Phase::Calibrating)
    pm.addPass(createInsertObserversPass());
  endPhase(pm, phase);
}

Expected<int> printPipeline(const Arguments &arguments, const Recipe &recipe, const Model &model, Phase phase, Session &session) {
  auto manager = [&] { return mlir::PassManager(model.context.get(), mlir::ModuleOp::getOperationName()); };
  mlir::PassManager preparation = manager(), rounding = manager(), lowering = manager(), none = manager();
  if (phase < Phase::Transformed) {
    buildObserving(preparation, phase);
  } else {
    if (Error error = buildRewriting(*model.module, recipe, preparation))
      return std::move(error);
    auto stats = arguments.get("--stats");
    if (!stats && (readsStatistics(recipe) || any_of(recipe.stages, needsData)))
      return usageError("--print-pipeline prints where statistics are read from: make them with `qopt calibrate` and give --stats FILE");
    if (stats)
      preparation.addPass(createAnnotateStatisticsPass(annotateOptions(*stats, rangeChoice(recipe))));
    auto statistics = stats ? readStatistics(*stats) : Expected<Statistics>(Statistics());
    if (!statistics)
      return statistics.takeError();
    if (Error error = buildQuantization(*model.module, recipe, stats ? &*statistics : nullptr, preparation, rounding))
      return std::move(error);
    buildLoweringTo(phase, lowering, {arguments.get("--target", "host").str()});
  }
  auto text = pipelineText({&preparation, phase > Phase::Transformed ? &rounding : &none, &lowering});
  if (!text)
    return text.takeError();
  session.out << *text << '\n';
  return Done;
}

/// Writes IR of a phase that quantizing begins from.
Expected<int> writeEarly(Model &model, StringRef out, Phase phase, Session &session) {
  mlir::PassManager pm(model.context.get(), mlir::ModuleOp::getOperationName());
  buildObserving(pm, phase);
  if (Error error = runPasses(pm, *model.module))
    return std::move(error);
  if (Error error = writeModule(*model.module, out, /*locations=*/true, session))
    return std::move(error);
  return Done;
}

/// From quantize/dequantize pairs on, where --compile-to asks for it.
Error lowerTo(Phase phase, const Arguments &arguments, const Model &model, Session &session) {
  mlir::PassManager pm(model.context.get(), mlir::ModuleOp::getOperationName());
  buildLoweringTo(phase, pm, {arguments.get("--target", "host").str()});
  if (session.configurePasses)
    session.configurePasses(pm);
  if (Error error = runPasses(pm, *model.module))
    return error;
  return writeModule(*model.module, *arguments.get("-o"), phase < Phase::Linalg, session);
}

Expected<int> run(const Arguments &arguments, Session &session) {
  if (arguments.positional().size() != 1)
    return usageError("`qopt quantize` takes one model");
  auto out = arguments.get("-o");
  bool printOnly = arguments.has("--print-pipeline");
  if (!out && !printOnly)
    return usageError("`qopt quantize` needs -o OUT");
  auto phase = readPhase(arguments, "quantize", Phase::Quantized, phases);
  if (!phase)
    return phase.takeError();
  if (*phase < Phase::Quantized && arguments.has("--work-dir"))
    return usageError("nothing is rounded before the phase '" + phaseName(Phase::Quantized) + "'; leave --work-dir out");
  if (*phase < Phase::Quantized && (arguments.has("--report") || arguments.has("--json")))
    return usageError("there is nothing to report of the phase '" + phaseName(*phase) + "'; leave --report and --json out");
  auto recipe = chooseRecipe(arguments);
  if (!recipe)
    return recipe.takeError();
  if (Error error = overrideCalibration(arguments, *recipe))
    return std::move(error);
  const std::string &path = arguments.positional()[0];
  if (!printOnly)
    if (Error error = checkOutput(*out))
      return std::move(error);
  if (!printOnly)
    if (Error error = checkNotSameFile(*out, path))
      return std::move(error);
  if (Error error = arguments.has("--dry-run") ? Error::success() : prepareReports(arguments))
    return std::move(error);
  Stopwatch watch;
  Progress progress(session.err, chooseProgressMode(session.err, arguments.has("--quiet")));
  progress.stage("reading the model");
  auto model = loadModel(path);
  if (!model)
    return model.takeError();
  if (arguments.has("--dry-run"))
    return dryRun(arguments, *recipe, *model, session);
  if (printOnly)
    return printPipeline(arguments, *recipe, *model, *phase, session);
  if (*phase < Phase::Transformed)
    return writeEarly(*model, *out, *phase, session);
  // Models in IR or ONNX are bound to no machine: they are judged for the one that the request names. Code always is for one.
  if (isCode(*out) || arguments.has("--target"))
    if (Error error = checkLegal(*model->module, *recipe, recipeText(arguments),
                                 arguments.get("--target", "host"), arguments.has("--allow-emulation")))
      return inContext(path, std::move(error));
  auto report = beginReport(arguments);
  if (!report)
    return report.takeError();
  report->before = sizesOf(*model->module);
  auto work = openWork(arguments, options, *model->module);
  if (!work)
    return work.takeError();
  if (*work && (*work)->held())
    progress.stage(std::to_string((*work)->held()) + " weights are rounded already");
  auto rewriting = rewriteModule(*model->module, *recipe, session);
  if (!rewriting)
    return inContext(path, rewriting.takeError());
  auto collect = [&] { return gather(arguments, *recipe, *model, *rewriting, session, progress); };
  auto statistics = *work && !arguments.has("--stats") ? (*work)->statisticsOr(collect) : collect();
  if (!statistics)
    return statistics.takeError();
  auto noise = noiseRequest(arguments);
  if (!noise)
    return noise.takeError();
  if (Error error = addDriftTo(*report, arguments, *model, *statistics, *rewriting, session, progress))
    return std::move(error);
  progress.stage("quantizing");
  QuantizationRequest request{&*recipe, *statistics ? &**statistics : nullptr};
  request.precision = &report->precision;
  request.work = *work;
  request.prepareOnly = *phase == Phase::Transformed;
  if (recipe->calibration.rounds > 1 && *statistics) {
    if (!arguments.has("--calibration-data"))
      return usageError("the recipe goes over the model in " + Twine(recipe->calibration.rounds) +
                        " rounds, which calibrate on what is quantized already: give --calibration-data");
    auto calibration = calibrationRequest(arguments, *recipe);
    if (!calibration)
      return calibration.takeError();
    request.gather = [&session, &progress, base = std::move(*calibration)](mlir::ModuleOp module, mlir::ModuleOp reference,
                                                                             std::vector<InputColumns> columns) mutable {
      base.reference = reference;
      progress.stage("calibrating the next part");
      auto inputs = gatherInputs(module, base, std::move(columns), session);
      progress.stage("quantizing the next part");
      return inputs;
    };
  }
  if (any_of(recipe->stages, [](const Stage &stage) { return followsCodes(stage.options); }) && *statistics) {
    if (!arguments.has("--calibration-data"))
      return usageError("the recipe trains scales on samples: give --calibration-data");
    auto calibration = calibrationRequest(arguments, *recipe);
    if (!calibration)
      return calibration.takeError();
    request.train = [&progress, data = samplesOf(*calibration)](
                        mlir::ModuleOp before, mlir::ModuleOp module, const AlgorithmOptions &stage, const StringSet<> &names) {
      const auto *blocks = std::get_if<ReconstructionOptions>(&stage);
      return blocks ? reconstruct(before, module, names, *blocks, data, progress)
                    : distill(before, module, names, std::get<DistillationOptions>(stage), data, progress);
    };
  }
  auto weighed = precisionInputs(arguments, *recipe, *model->module, progress);
  if (!weighed)
    return inContext(path, weighed.takeError());
  request.precisionInputs = std::move(*weighed);
  if (*noise)
    (*noise)->divergence = any_of(recipe->stages, comparesDistributions);
  mlir::OwningOpRef<mlir::ModuleOp> reference;
  if (*noise)
    request.beforeRounding = [&](mlir::ModuleOp module) {
      numberOps(module);
      reference = module.clone();
    };
  if (Error error = quantizeModule(*model->module, request, session))
    return inContext(path, std::move(error));
  if (request.prepareOnly) {
    if (*statistics) // What rounding would read goes with it.
      enterInputs(*model->module, (*statistics)->inputs);
    if (Error error = writeModule(*model->module, *out, /*locations=*/true, session))
      return std::move(error);
    return Done;
  }
  report->after = sizesOf(*model->module);
  addDecisions(*report, *model->module);
  if (*noise) {
    auto measured = measureNoise(*reference, *model->module, **noise, progress);
    if (!measured)
      return inContext(path, measured.takeError());
    report->noise = std::move(*measured);
    if (std::string missed = addMeasured(report->precision, report->noise); !missed.empty())
      report->remarks.push_back({"", "", "missed", "MIX-MISSED", missed});
    dropNumbers(*model->module);
    reference = {};
  }
  progress.stage("writing " + out->str()); // Code uses the module up.
  Provenance provenance{path, recipeText(arguments),
                        *statistics ? (*statistics)->dataHash.hex() : ""};
  std::vector<Remark> remarks;
  if (Error error = *phase > Phase::Quantized
                        ? lowerTo(*phase, arguments, *model, session)
                        : writeModel(*model, *out, arguments.get("--target", "host"), provenance, session, &remarks))
    return std::move(error);
  for (const Remark &remark : remarks)
    report->remarks.push_back({remark.site, "", "compiled", remark.code, remark.text});
  progress.finish();
  reportWork(work->get(), arguments.get("--work-dir", ""), *report);
  if (*statistics)
    addStatistics(*report, **statistics, rangeChoice(*recipe));
  report->seconds = watch.seconds();
  report->peakBytes = peakResidentBytes();
  if (Error error = writeReports(arguments, *report, session))
    return std::move(error);
  if (Error error = *work ? (*work)->remove() : Error::success())
    return std::move(error);
  return Done;
}

} // namespace

const Command &quantizeCommand() {
  static const Command command = {"quantize",
                                  "MODEL -o OUT [--scheme S] [--calibration-data D] [options]",
                                  "Quantize a model",
                                  options,
                                  "  qopt quantize model.onnx -o int8.onnx --calibration-data calib.npz\n"
                                  "  qopt quantize model.onnx -o int8.so --scheme W8A8_DYNAMIC\n"
                                  "  qopt quantize model.onnx -o int4.onnx --scheme W4A16 --algorithm awq,gptq --calibration-data calib.npz\n"
                                  "  qopt quantize model.onnx -o fp8.mlir --scheme FP8_DYNAMIC --activation-format e5m2\n",
                                  run};
  return command;
}

} // namespace qopt
