#include "Planning.h"
#include "Quantization.h"

#include "qopt/Analysis/Sites.h"
#include "qopt/Calibration/Annotate.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Interfaces/LinearLike.h"
#include "qopt/Pipelines/Run.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

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
  RecipeSite site{locationName(op.getLoc(), op->getName().getStringRef()), {}};
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

/// The options of qopt-insert-qdq that make a scheme, or a clause that says what is not there yet.
struct PairOptions {
  InsertQDQPassOptions options;
  std::string missing;
};

PairOptions pairOptions(const Scheme &scheme) {
  PairOptions result;
  if (!scheme.weights || !traits(scheme.weights->format).isInteger() || scheme.weights->scaleFormat || scheme.weights->doubleScales)
    return {{}, "weights of " + (scheme.weights ? describe(*scheme.weights) : std::string("no format"))};
  result.options.weights = spell(*scheme.weights);
  if (!scheme.activations) {
    result.options.activations = "none";
    return result;
  }
  const OperandSpec &activations = *scheme.activations;
  if (activations.dynamic && activations.granularity == Granularity::Token && activations.format == Format::Int8 &&
      activations.symmetric) {
    result.options.activations = "dynamic";
    return result;
  }
  bool eight = activations.format == Format::Int8 || activations.format == Format::UInt8;
  if (activations.dynamic || activations.granularity != Granularity::Tensor || !eight)
    return {{}, "activations of " + describe(activations)};
  result.options.activations = "static";
  result.options.activationType = activations.format == Format::UInt8 ? "ui8" : "i8";
  return result;
}

/// The names of the sites that a stage touches.
std::vector<std::string> namesOf(unsigned stage, ArrayRef<RecipeSite> sites, ArrayRef<SitePlan> plans) {
  std::vector<std::string> names;
  for (auto [site, plan] : llvm::zip(sites, plans))
    if (llvm::is_contained(plan.stages, stage))
      names.push_back(site.name);
  return names;
}

/// Stages that prepare for rounding: a pass each, or an option of the pass that rounds.
Error addPreparation(mlir::PassManager &pm, const Stage &stage, std::vector<std::string> names, PairOptions &pairs) {
  if (std::holds_alternative<RTNOptions>(stage.options))
    return Error::success();
  if (const auto *smooth = std::get_if<SmoothQuantOptions>(&stage.options)) {
    if (names.empty())
      return Error::success();
    SmoothQuantPassOptions options;
    options.alpha = smooth->alpha.value_or(-1.0);
    options.targets.assign(names.begin(), names.end());
    pm.addPass(createSmoothQuantPass(options));
    return Error::success();
  }
  if (std::holds_alternative<BiasCorrectionOptions>(stage.options)) {
    pairs.options.biasCorrection.assign(names.begin(), names.end());
    return Error::success();
  }
  if (std::holds_alternative<ClipSearchOptions>(stage.options)) {
    pairs.options.weightClip = "mse";
    return Error::success();
  }
  return makeError("line " + Twine(stage.line) + ": the algorithm '" + algorithmName(stage.options) +
                   "' is not in this build; use smoothquant, bias_correction, clip_search and rtn");
}

RangeMethod rangeMethod(const Recipe &recipe) {
  switch (recipe.calibration.method.value_or(RangeRule::MinMax)) {
  case RangeRule::MinMax:
    return RangeMethod::MinMax;
  case RangeRule::MovingAverage:
    return RangeMethod::MovingAverage;
  case RangeRule::Percentile:
    return RangeMethod::Percentile;
  case RangeRule::MSE:
    return RangeMethod::MSE;
  case RangeRule::Entropy:
    return RangeMethod::Entropy;
  }
  return RangeMethod::MinMax;
}

} // namespace

RangeChoice qopt::rangeChoice(const Recipe &recipe) {
  RangeChoice choice;
  choice.method = rangeMethod(recipe);
  if (recipe.calibration.percentile)
    choice.percent = *recipe.calibration.percentile;
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

bool qopt::readsStatistics(const Recipe &recipe) {
  return recipe.needsCalibration() || llvm::any_of(recipe.stages, [](const Stage &stage) {
           return std::holds_alternative<SmoothQuantOptions>(stage.options) ||
                  std::holds_alternative<BiasCorrectionOptions>(stage.options);
         });
}

Error qopt::quantizeModule(mlir::ModuleOp module, const QuantizationRequest &request, Session &session) {
  const Recipe &recipe = *request.recipe;
  std::vector<RecipeSite> sites = recipeSites(module);
  if (sites.empty())
    return makeError("the model has no matrix product or convolution with constant weights: there is nothing to quantize");
  auto plans = resolveRecipe(recipe, sites);
  if (!plans)
    return plans.takeError();
  if (request.statistics)
    annotateStatistics(module, *request.statistics, rangeChoice(recipe));

  llvm::MapVector<const Scheme *, std::vector<std::string>> bySchemes;
  std::vector<std::string> kept;
  for (auto [site, plan] : llvm::zip(sites, *plans))
    if (plan.scheme)
      bySchemes[plan.scheme].push_back(site.name);
    else
      kept.push_back(site.name);

  mlir::PassManager preparation(module.getContext(), mlir::ModuleOp::getOperationName());
  mlir::PassManager rounding(module.getContext(), mlir::ModuleOp::getOperationName());
  PairOptions shared;
  for (auto [index, stage] : llvm::enumerate(recipe.stages))
    if (Error error = addPreparation(preparation, stage, namesOf(index, sites, *plans), shared))
      return inContext(recipe.file, std::move(error));
  for (auto &[scheme, names] : bySchemes) {
    PairOptions pairs = pairOptions(*scheme);
    if (!pairs.missing.empty())
      return makeError(recipe.file + ": scheme '" + scheme->name + "' needs " + pairs.missing +
                       ", which this build cannot make; W8A8, W8A8_DYNAMIC and W8A16 are there");
    pairs.options.weightClip = shared.options.weightClip;
    pairs.options.biasCorrection = shared.options.biasCorrection;
    pairs.options.ignore.assign(kept.begin(), kept.end());
    if (bySchemes.size() > 1)
      pairs.options.targets.assign(names.begin(), names.end());
    rounding.addPass(createInsertQDQPass(pairs.options));
  }
  rounding.addPass(mlir::createCSEPass()); // Drops the float weights, which nothing reads any more.
  if (session.configurePasses)
    for (mlir::PassManager *pm : {&preparation, &rounding})
      session.configurePasses(*pm);
  if (Error error = runPasses(preparation, module))
    return error;
  if (request.beforeRounding)
    request.beforeRounding(module);
  if (Error error = runPasses(rounding, module))
    return error;
  for (StringRef attribute : {"qopt.ranges", "qopt.channels"})
    module->removeAttr(attribute);
  return Error::success();
}
