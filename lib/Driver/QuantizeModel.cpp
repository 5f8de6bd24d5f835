#include "MixedPrecision.h"
#include "Planning.h"
#include "PrecisionReport.h"
#include "Quantization.h"
#include "StagePasses.h"
#include "WorkFolder.h"

#include "qopt/Analysis/Decisions.h"
#include "qopt/Analysis/Sites.h"
#include "qopt/Calibration/Annotate.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Interfaces/LinearLike.h"
#include "qopt/Pipelines/Passes.h"
#include "qopt/Pipelines/Phase.h"
#include "qopt/Pipelines/Run.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace qopt;

namespace {

/// Vocabularies are larger than any hidden dim: what maps to so many outputs at the model's end is the output projection.
constexpr int64_t kVocabulary = 8192;

bool reachesReturn(mlir::Value value) {
  return llvm::any_of(value.getUsers(), [](mlir::Operation *user) {
    return user->hasTrait<mlir::OpTrait::ReturnLike>() ||
           (user->getNumResults() == 1 && user->getResult(0).getType() == user->getOperand(0).getType() &&
            llvm::any_of(user->getUsers(), [](mlir::Operation *u) { return u->hasTrait<mlir::OpTrait::ReturnLike>(); }));
  });
}

RecipeSite siteOf(LinearLikeOpInterface op) {
  RecipeSite site{nameOf(op), {}};
  mlir::ElementsAttr weight = constantWeight(op);
  if (weight && op.getWeightOutputAxis() >= 0 && reachesReturn(op->getResult(0)) &&
      weight.getShapedType().getDimSize(op.getWeightOutputAxis()) >= kVocabulary)
    site.kinds.push_back("lm_head");
  StringRef mnemonic = op->getName().stripDialect();
  if (mnemonic.starts_with("conv")) {
    site.kinds.push_back(mnemonic == "conv" ? "Conv" : "ConvTranspose");
    return site;
  }
  site.kinds.push_back(mnemonic == "gemm" ? "Gemm" : "MatMul");
  if (weight)
    site.kinds.push_back("Linear");
  return site;
}

/// What the reader of the recipe has to say: keys of other tools that mean nothing here.
void noteReading(mlir::ModuleOp module, const Recipe &recipe) {
  DecisionLog log(module);
  for (const std::string &remark : recipe.remarks)
    log.add(module, Outcome::Quantized, "RECIPE-FOREIGN", remark);
}

/// Inputs that are too wide for a Gram matrix, where codes would be chosen by it.
void noteWideInputs(mlir::ModuleOp module, const Recipe &recipe, ArrayRef<SitePlan> plans) {
  std::vector<mlir::Operation *> ops;
  recipeSites(module, &ops);
  DecisionLog log(module);
  for (auto [op, plan] : llvm::zip(ops, plans))
    if (int64_t columns = columnCount(op); columns > recipe.calibration.maxColumns && roundsByInputs(recipe, plan))
      log.note(op, "CALIB-WIDE", formatv("its input has {0} columns, more than max_columns ({1}): calibration gathers no Gram matrix of it, so its codes are not chosen by it",
                                         columns, recipe.calibration.maxColumns).str());
}

/// What the recipe does with data and now goes without.
void noteWithoutData(mlir::ModuleOp module, const Recipe &recipe) {
  DecisionLog log(module);
  for (const Stage &stage : recipe.stages)
    if (needsData(stage))
      log.add(module, Outcome::Quantized, "DATA-NONE",
              "no calibration data: " + algorithmName(stage.options) +
                  (choosesCodes(stage.options) ? " rounds to nearest" : " is left out"));
}

Error runStages(mlir::ModuleOp module, Session &session, llvm::function_ref<Error(mlir::PassManager &)> add) {
  mlir::PassManager pm(module.getContext(), mlir::ModuleOp::getOperationName());
  if (Error error = add(pm))
    return error;
  if (session.configurePasses)
    session.configurePasses(pm);
  return runPasses(pm, module);
}

} // namespace

RangeChoice qopt::rangeChoice(const Recipe &recipe) {
  RangeChoice choice;
  choice.method = recipe.calibration.method.value_or(choice.method);
  choice.percent = recipe.calibration.percentile.value_or(choice.percent);
  choice.averagingConstant = recipe.calibration.averagingConstant.value_or(choice.averagingConstant);
  return choice;
}

std::string qopt::missingFor(const Scheme &scheme) { return pairOptions(scheme).missing; }

std::vector<RecipeSite> qopt::recipeSites(mlir::ModuleOp module, std::vector<mlir::Operation *> *ops) {
  std::vector<RecipeSite> sites;
  module.walk([&](LinearLikeOpInterface op) {
    if (!constantWeight(op))
      return;
    sites.push_back(siteOf(op));
    if (ops)
      ops->push_back(op);
  });
  return sites;
}

bool qopt::readsStatistics(const Recipe &recipe) { return recipe.needsCalibration(); }

bool qopt::roundsByInputs(const Recipe &recipe, const SitePlan &plan) {
  return plan.scheme && llvm::any_of(plan.stages, [&](unsigned stage) { return readsInputs(recipe.stages[stage]); });
}

int64_t qopt::columnCount(mlir::Operation *op) {
  auto linear = cast<LinearLikeOpInterface>(op);
  auto type = constantWeight(linear).getShapedType();
  int64_t axis = linear.getWeightOutputAxis(), outputs = axis < 0 ? 0 : type.getDimSize(axis);
  return outputs ? type.getNumElements() / outputs : 0;
}

/// The columns of the ops that `wanted` (by index) takes, where there are not more than `most`.
static std::vector<InputColumns> columnsOf(ArrayRef<mlir::Operation *> ops, int64_t most, function_ref<bool(size_t)> wanted) {
  std::vector<InputColumns> inputs;
  std::map<mlir::Operation *, Sites> sitesOf;
  for (auto [index, op] : llvm::enumerate(ops)) {
    if (!wanted(index) || columnCount(op) > most)
      continue;
    auto func = op->getParentOfType<mlir::func::FuncOp>();
    std::string why; // The passes say it where it matters.
    llvm::append_range(inputs, groupedColumns(cast<LinearLikeOpInterface>(op), sitesOf.try_emplace(func, func).first->second, why));
  }
  return inputs;
}

std::vector<InputColumns> qopt::allInputs(mlir::ModuleOp module) {
  std::vector<mlir::Operation *> ops;
  recipeSites(module, &ops);
  return columnsOf(ops, INT64_MAX, [](size_t) { return true; });
}

/// The sites of one of `rounds` parts of the model, in program order.
static llvm::StringSet<> namesOfRound(ArrayRef<RecipeSite> sites, ArrayRef<SitePlan> plans, int64_t round, int64_t rounds) {
  std::vector<StringRef> quantized;
  for (auto [site, plan] : llvm::zip(sites, plans))
    if (plan.scheme)
      quantized.push_back(site.name);
  int64_t count = static_cast<int64_t>(quantized.size()), begin = count * round / rounds, end = count * (round + 1) / rounds;
  llvm::StringSet<> names;
  names.insert(quantized.begin() + begin, quantized.begin() + end);
  return names;
}

/// What the stages that choose codes want of the sites in `names` that nobody has rounded yet.
static std::vector<InputColumns> missingColumns(mlir::ModuleOp module, const ResolvedRecipe &resolved, const llvm::StringSet<> &names,
                                                const WorkFolder *work) {
  llvm::StringSet<> wanted;
  for (auto [site, plan] : llvm::zip(resolved.sites, resolved.plans))
    if (names.contains(site.name) && roundsByInputs(resolved.recipe, plan) && !(work && work->has(site.name)))
      wanted.insert(site.name);
  std::vector<mlir::Operation *> ops; // Of those that are still in float.
  std::vector<RecipeSite> sites = recipeSites(module, &ops);
  return columnsOf(ops, resolved.recipe.calibration.maxColumns, [&](size_t index) { return wanted.contains(sites[index].name); });
}

/// What the first part's stages want of the inputs of these ops.
static std::vector<InputColumns> firstColumns(const Recipe &recipe, ArrayRef<mlir::Operation *> ops, ArrayRef<RecipeSite> sites, ArrayRef<SitePlan> plans) {
  // Rounds after the first gather for themselves; what prepares needs all at once.
  llvm::StringSet<> first = namesOfRound(sites, plans, 0, recipe.calibration.rounds);
  return columnsOf(ops, recipe.calibration.maxColumns, [&](size_t index) {
    const SitePlan &plan = plans[index];
    return plan.scheme && llvm::any_of(plan.stages, [&](unsigned s) {
             const Stage &stage = recipe.stages[s];
             return readsInputs(stage) && (std::holds_alternative<AWQOptions>(stage.options) || first.contains(sites[index].name));
           });
  });
}

Expected<std::vector<InputColumns>> qopt::inputsToGather(mlir::ModuleOp module, const Recipe &recipe) {
  std::vector<mlir::Operation *> ops;
  std::vector<RecipeSite> sites = recipeSites(module, &ops);
  auto plans = resolveRecipe(recipe, sites);
  if (!plans)
    return plans.takeError();
  return firstColumns(recipe, ops, sites, *plans);
}

/// Those of `names` that read nothing which another of them computes.
static llvm::StringSet<> firstOf(mlir::ModuleOp module, const llvm::StringSet<> &names) {
  llvm::StringSet<> first;
  llvm::DenseSet<mlir::Value> behind;
  module.walk([&](mlir::Operation *op) {
    bool reads = llvm::any_of(op->getOperands(), [&](mlir::Value operand) { return behind.contains(operand); });
    auto linear = dyn_cast<LinearLikeOpInterface>(op);
    std::string name = linear && constantWeight(linear) ? siteOf(linear).name : "";
    bool named = !name.empty() && names.contains(name);
    if (named && !reads)
      first.insert(name);
    if (named || reads)
      behind.insert(op->result_begin(), op->result_end());
  });
  return first;
}

/// The inputs of a part, as the module makes them now. Beside the float model, where that is given, only ops that read no other op of
/// the part: each of those behind would make up for the same errors once more.
static Expected<InputTable> gatherPart(mlir::ModuleOp module, mlir::ModuleOp reference, const ResolvedRecipe &resolved,
                                       const llvm::StringSet<> &names, const QuantizationRequest &request) {
  auto gather = [&](mlir::ModuleOp beside, const llvm::StringSet<> &some) -> Expected<InputTable> {
    std::vector<InputColumns> columns = missingColumns(module, resolved, some, request.work.get());
    return columns.empty() ? InputTable() : request.gather(module, beside, std::move(columns));
  };
  if (!reference)
    return gather({}, names);
  llvm::StringSet<> first = firstOf(module, names), behind;
  for (const auto &name : names)
    if (!first.contains(name.getKey()))
      behind.insert(name.getKey());
  auto table = gather(reference, first), rest = gather({}, behind);
  if (!table || !rest)
    return joinErrors(table.takeError(), rest.takeError());
  table->merge(*rest);
  return table;
}

/// Runs the stages that work on the quantized model as a whole.
static Error trainStages(mlir::ModuleOp reference, mlir::ModuleOp module, const ResolvedRecipe &resolved, const QuantizationRequest &request) {
  for (auto [index, stage] : llvm::enumerate(resolved.recipe.stages)) {
    if (!followsCodes(stage.options))
      continue;
    llvm::StringSet<> names;
    for (auto [site, plan] : llvm::zip(resolved.sites, resolved.plans))
      if (plan.scheme && llvm::is_contained(plan.stages, index))
        names.insert(site.name);
    if (!names.empty())
      if (Error error = request.train(reference, module, stage.options, names))
        return error;
  }
  return Error::success();
}

/// Runs the stages that choose codes, part after part; each later part calibrates on what the earlier ones left.
static Error roundInParts(mlir::ModuleOp module, ResolvedRecipe &resolved, const QuantizationRequest &request, Session &session) {
  int64_t rounds = request.gather ? resolved.recipe.calibration.rounds : 1;
  mlir::OwningOpRef<mlir::ModuleOp> reference;
  if (rounds > 1 && resolved.recipe.calibration.compensate)
    reference = module.clone();
  for (int64_t round = 0; round < rounds; ++round) {
    llvm::StringSet<> only = rounds > 1 ? namesOfRound(resolved.sites, resolved.plans, round, rounds) : llvm::StringSet<>();
    if (rounds > 1 && only.empty())
      continue;
    if (round > 0 && !missingColumns(module, resolved, only, request.work.get()).empty()) {
      resolved.inputs.reset(); // The next part's matrices take their place.
      auto table = gatherPart(module, reference ? *reference : mlir::ModuleOp(), resolved, only, request);
      if (!table)
        return table.takeError();
      resolved.inputs = std::make_shared<const InputTable>(std::move(*table));
      module->removeAttr("qopt.scaled_inputs"); // The new matrices are of the inputs as they are now.
    }
    if (Error error = runStages(module, session, [&](mlir::PassManager &pm) { return addRounding(pm, resolved, only); }))
      return error;
  }
  return Error::success();
}

namespace {

/// What the recipe means for the module.
struct Plan {
  std::vector<RecipeSite> sites;
  std::vector<SitePlan> plans;
  std::shared_ptr<const InputTable> inputs; ///< lives as long as the statistics
};

Expected<Plan> planFor(mlir::ModuleOp module, const Recipe &recipe, const Statistics *statistics) {
  Plan plan;
  std::vector<mlir::Operation *> ops;
  plan.sites = recipeSites(module, &ops);
  if (plan.sites.empty())
    return makeError("the model has no matrix product or convolution with constant weights: there is nothing to quantize");
  auto plans = resolveRecipe(recipe, plan.sites);
  if (!plans)
    return plans.takeError();
  plan.plans = std::move(*plans);
  if (!statistics)
    return plan;
  plan.inputs = std::shared_ptr<const InputTable>(std::shared_ptr<const void>(), &statistics->inputs);
  if (plan.inputs->empty() && !firstColumns(recipe, ops, plan.sites, plan.plans).empty())
    return makeError("the statistics hold no Gram matrices, which this recipe reads; calibrate with --gram");
  return plan;
}

void buildPreparation(mlir::PassManager &pm, const ResolvedRecipe &resolved) {
  addPreparation(pm, resolved);
  endPhase(pm, Phase::Transformed);
}

/// Behind all scales: those of biases follow from them.
Error buildEnd(mlir::PassManager &pm) {
  pm.addPass(createQuantizeBiasPass());
  pm.addPass(mlir::createCSEPass()); // Drops the float weights, which nothing reads any more.
  pm.addPass(createStripStatisticsPass());
  endPhase(pm, Phase::Quantized);
  return Error::success();
}

} // namespace

Error qopt::buildRewriting(mlir::ModuleOp module, const Recipe &recipe, mlir::PassManager &pm) {
  if (llvm::none_of(recipe.stages, [](const Stage &stage) { return precedesCalibration(stage.options); }))
    return Error::success();
  auto plan = planFor(module, recipe, nullptr);
  if (!plan)
    return plan.takeError();
  addRewriting(pm, {recipe, plan->sites, plan->plans, nullptr});
  return Error::success();
}

static std::string textOf(mlir::PassManager &pm) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (!pm.empty())
    pm.printAsTextualPipeline(stream);
  return text;
}

Expected<std::string> qopt::rewritingOf(mlir::ModuleOp module, const Recipe &recipe) {
  mlir::PassManager pm(module.getContext(), mlir::ModuleOp::getOperationName());
  if (Error error = buildRewriting(module, recipe, pm))
    return std::move(error);
  return textOf(pm);
}

Expected<std::string> qopt::rewriteModule(mlir::ModuleOp module, const Recipe &recipe, Session &session) {
  mlir::PassManager pm(module.getContext(), mlir::ModuleOp::getOperationName());
  if (Error error = buildRewriting(module, recipe, pm))
    return std::move(error);
  std::string text = textOf(pm);
  if (text.empty())
    return text;
  if (session.configurePasses)
    session.configurePasses(pm);
  if (Error error = runPasses(pm, module))
    return std::move(error);
  return text;
}

Error qopt::buildQuantization(mlir::ModuleOp module, const Recipe &recipe, const Statistics *statistics,
                              mlir::PassManager &preparation, mlir::PassManager &rounding) {
  for (const Stage &stage : recipe.stages)
    if (std::holds_alternative<MixedPrecisionOptions>(stage.options))
      return makeError("mixed_precision chooses schemes from what the passes before it have made, so its passes are not known before");
  if (recipe.calibration.rounds > 1)
    return makeError("rounds calibrate between passes, so they are not passes alone");
  if (llvm::any_of(recipe.stages, [](const Stage &stage) { return followsCodes(stage.options); }))
    return makeError("distillation and reconstruction run the program that the passes make, so they are no passes");
  auto plan = planFor(module, recipe, statistics);
  if (!plan)
    return plan.takeError();
  ResolvedRecipe resolved{recipe, plan->sites, plan->plans, plan->inputs};
  buildPreparation(preparation, resolved);
  if (Error error = addRounding(rounding, resolved, {}))
    return error;
  if (Error error = addPairs(rounding, resolved))
    return error;
  return buildEnd(rounding);
}

Error qopt::quantizeModule(mlir::ModuleOp module, const QuantizationRequest &request, Session &session) {
  const Recipe &recipe = *request.recipe;
  auto plan = planFor(module, recipe, request.statistics);
  if (!plan)
    return plan.takeError();
  noteReading(module, recipe);
  if (request.statistics) {
    noteWideInputs(module, recipe, plan->plans);
    annotateStatistics(module, *request.statistics, rangeChoice(recipe));
  } else {
    noteWithoutData(module, recipe);
  }
  if (request.statistics && !request.prepareOnly)
    plan->inputs = std::make_shared<const InputTable>(std::move(request.statistics->inputs));
  ResolvedRecipe resolved{recipe, plan->sites, plan->plans, std::move(plan->inputs), request.work};
  auto prepare = [&](mlir::PassManager &pm) {
    buildPreparation(pm, resolved);
    return Error::success();
  };
  if (Error error = runStages(module, session, prepare))
    return error;
  if (request.prepareOnly)
    return Error::success();
  if (request.beforeRounding)
    request.beforeRounding(module);
  PrecisionReport precision;
  if (Error error = assignPrecisions(module, resolved, plan->plans, request.precisionInputs, request.precision ? *request.precision : precision))
    return error;
  mlir::OwningOpRef<mlir::ModuleOp> reference;
  if (request.train && llvm::any_of(recipe.stages, [](const Stage &stage) { return followsCodes(stage.options); }))
    reference = module.clone();
  if (Error error = roundInParts(module, resolved, request, session))
    return error;
  if (Error error = runStages(module, session, [&](mlir::PassManager &pm) { return addPairs(pm, resolved); }))
    return error;
  resolved.inputs.reset(); // Their matrices would stay beside the training's tensors.
  if (Error error = reference ? trainStages(*reference, module, resolved, request) : Error::success())
    return error;
  return runStages(module, session, buildEnd);
}
