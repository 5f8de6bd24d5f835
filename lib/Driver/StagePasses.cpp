#include "StagePasses.h"

#include "qopt/Dialect/Qopt/Transforms/Operands.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace qopt {
namespace {

using Names = std::vector<std::string>;

template <typename Options> const Options *as(const Stage &stage) { return std::get_if<Options>(&stage.options); }

class StagePasses {
public:
  StagePasses(mlir::PassManager &pm, const ResolvedRecipe &resolved, const StringSet<> &only) : pm(pm), r(resolved), only(only) {
    for (auto [index, stage] : enumerate(r.recipe.stages))
      noteSites(index, stage);
  }

  void rewrite() {
    for (auto [index, stage] : enumerate(r.recipe.stages))
      if (as<EqualizationOptions>(stage))
        addEqualization(index);
      else if (const auto *rotation = as<RotationOptions>(stage))
        addRotation(index, *rotation);
  }

  void prepare() {
    for (auto [index, stage] : enumerate(r.recipe.stages)) {
      if (const auto *smooth = as<SmoothQuantOptions>(stage))
        addSmoothQuant(index, *smooth);
      else if (const auto *awq = as<AWQOptions>(stage))
        addAWQ(index, *awq);
    }
  }

  Error round() {
    for (auto [index, stage] : enumerate(r.recipe.stages))
      if (Error error = addStage(index, stage))
        return inContext(r.recipe.file, std::move(error));
    return Error::success();
  }

  Error pair() {
    MapVector<const Scheme *, Names> names;
    Names kept;
    for (auto [site, plan] : zip(r.sites, r.plans))
      (plan.scheme ? names[plan.scheme] : kept).push_back(site.name);
    for (auto &[scheme, some] : names) {
      PairOptions pairs = pairOptions(*scheme);
      if (!pairs.missing.empty())
        return makeError(r.recipe.file + ": scheme '" + scheme->name + "' needs " + pairs.missing + ", which this build cannot make");
      pairs.options->biasCorrection.assign(corrected.begin(), corrected.end());
      pairs.options->ignore.assign(kept.begin(), kept.end());
      if (names.size() > 1)
        pairs.options->targets.assign(some.begin(), some.end());
      pm.addPass(createInsertQDQPass(*pairs.options));
    }
    return Error::success();
  }

private:
  bool hasData() const { return r.inputs != nullptr; }

  /// The names of the sites that a stage touches.
  Names namesOf(unsigned stage) const {
    Names names;
    for (auto [site, plan] : zip(r.sites, r.plans))
      if (is_contained(plan.stages, stage))
        names.push_back(site.name);
    return names;
  }

  /// The same by the scheme that each gets in the end.
  MapVector<const Scheme *, Names> bySchemes(unsigned stage) const {
    MapVector<const Scheme *, Names> names;
    for (auto [site, plan] : zip(r.sites, r.plans))
      if (plan.scheme && is_contained(plan.stages, stage) && (only.empty() || only.contains(site.name)))
        names[plan.scheme].push_back(site.name);
    return names;
  }

  /// What later stages need to know of this one's sites.
  void noteSites(unsigned index, const Stage &stage) {
    const auto *awq = as<AWQOptions>(stage);
    for (const std::string &name : namesOf(index)) {
      if (const auto *search = as<ClipSearchOptions>(stage))
        clips[name] = clipOf(*search);
      else if (awq && awq->clip && hasData())
        clips.try_emplace(name, "hessian");
      if (as<BiasCorrectionOptions>(stage) && hasData())
        corrected.push_back(name);
    }
  }

  std::string clipOf(const ClipSearchOptions &search) const {
    return search.objective == ClipObjective::Weights || !hasData() ? "mse"
           : search.objective == ClipObjective::Inputs              ? "inputs"
                                                                     : "hessian";
  }

  /// Stages that choose codes; the others have had their turn, or their sites are known.
  Error addStage(unsigned index, const Stage &stage) {
    if (as<RTNOptions>(stage))
      return addRounding(index, 0);
    if (const auto *gptq = as<GPTQOptions>(stage))
      return hasData() ? addGPTQ(index, stage, *gptq) : addRounding(index, 0);
    if (as<MixedPrecisionOptions>(stage))
      return addGPTQ(index, stage, {});
    if (const auto *rounds = as<RoundingOptions>(stage))
      return addRounding(index, hasData() ? rounds->sweeps : 0, rounds->floorOrCeil);
    if (const auto *hqq = as<HQQOptions>(stage))
      return addHQQ(index, *hqq);
    return Error::success();
  }

  void addEqualization(unsigned index) {
    Names names = namesOf(index);
    if (names.empty())
      return;
    EqualizationPassOptions options;
    options.targets.assign(names.begin(), names.end());
    pm.addPass(createEqualizationPass(options));
  }

  void addRotation(unsigned index, const RotationOptions &rotation) {
    Names names = namesOf(index);
    if (names.empty())
      return;
    RotationPassOptions options;
    options.randomized = rotation.randomized;
    options.seed = rotation.seed;
    options.targets.assign(names.begin(), names.end());
    pm.addPass(createRotationPass(options));
  }

  void addSmoothQuant(unsigned index, const SmoothQuantOptions &smooth) {
    Names names = namesOf(index);
    if (names.empty() || !hasData())
      return;
    SmoothQuantPassOptions options;
    options.alpha = smooth.alpha.value_or(-1.0);
    options.targets.assign(names.begin(), names.end());
    pm.addPass(createSmoothQuantPass(options));
  }

  void addAWQ(unsigned index, const AWQOptions &awq) {
    if (!hasData())
      return;
    for (auto &[scheme, names] : bySchemes(index)) {
      AWQPassOptions options;
      options.weights = spell(*scheme->weights);
      options.steps = awq.gridSize;
      options.duoScaling = awq.duoScaling;
      options.targets.assign(names.begin(), names.end());
      pm.addPass(createAWQPass(options, r.inputs));
    }
  }

  /// Calls add(weights, clip, names) for each scheme and clip among a stage's sites.
  void forEachClip(unsigned index, function_ref<void(const Scheme &, const std::string &, const Names &)> add) const {
    for (auto &[scheme, names] : bySchemes(index)) {
      std::map<std::string, Names> byClip;
      for (const std::string &name : names) {
        auto clip = clips.find(name);
        byClip[clip == clips.end() ? "max" : clip->second].push_back(name);
      }
      for (auto &[clip, some] : byClip)
        add(*scheme, clip, some);
    }
  }

  Error addGPTQ(unsigned index, const Stage &stage, const GPTQOptions &gptq) {
    if (gptq.order == ActivationOrder::Dynamic)
      return makeError("line " + Twine(stage.line) + ": actorder: dynamic scatters a group's columns, which no format here stores; use "
                                                     "static, which is as good");
    forEachClip(index, [&](const Scheme &scheme, const std::string &clip, const Names &names) {
      GPTQPassOptions options;
      options.weights = spell(*scheme.weights);
      options.clip = clip;
      options.order = gptq.order == ActivationOrder::Static ? "static" : "none";
      options.blockSize = gptq.blockSize;
      options.dampening = gptq.dampeningFraction;
      options.shrinkage = gptq.shrinkage;
      options.refits = gptq.refits;
      options.sweeps = gptq.sweeps;
      options.targets.assign(names.begin(), names.end());
      options.biasCorrection.assign(corrected.begin(), corrected.end());
      pm.addPass(createGPTQPass(options, r.inputs, r.journal));
    });
    return Error::success();
  }

  /// Rounding to nearest is left to qopt-insert-qdq, unless clips are searched.
  Error addRounding(unsigned index, int64_t sweeps, bool floorOrCeil = false) {
    forEachClip(index, [&](const Scheme &scheme, const std::string &clip, const Names &names) {
      if (clip == "max" && sweeps == 0)
        return;
      RoundingPassOptions options;
      options.weights = spell(*scheme.weights);
      options.clip = clip;
      options.sweeps = sweeps;
      options.floorOrCeil = floorOrCeil;
      options.targets.assign(names.begin(), names.end());
      options.biasCorrection.assign(corrected.begin(), corrected.end());
      pm.addPass(createRoundingPass(options, r.inputs, r.journal));
    });
    return Error::success();
  }

  Error addHQQ(unsigned index, const HQQOptions &hqq) {
    for (auto &[scheme, names] : bySchemes(index)) {
      HQQPassOptions options;
      options.weights = spell(*scheme->weights);
      options.iterations = hqq.iterations;
      options.targets.assign(names.begin(), names.end());
      options.biasCorrection.assign(corrected.begin(), corrected.end());
      pm.addPass(createHQQPass(options, r.journal));
    }
    return Error::success();
  }

  mlir::PassManager &pm;
  const ResolvedRecipe &r;
  const StringSet<> &only;
  std::map<std::string, std::string> clips; ///< site → rule
  Names corrected;
};

} // namespace

PairOptions pairOptions(const Scheme &scheme) {
  PairOptions result{std::make_shared<InsertQDQPassOptions>(), {}};
  if (!scheme.weights)
    return {{}, "weights in a format of fewer bits"};
  if (std::string why = whyNotWeights(*scheme.weights); !why.empty())
    return {{}, "weights of " + describe(*scheme.weights) + " (" + why + ")"};
  result.options->weights = spell(*scheme.weights);
  result.options->activations = "none";
  if (!scheme.activations)
    return result;
  if (std::string why = whyNotActivations(*scheme.activations); !why.empty())
    return {{}, "activations of " + describe(*scheme.activations) + " (" + why + ")"};
  result.options->activations = spell(*scheme.activations);
  return result;
}

bool needsData(const Stage &stage) {
  return as<GPTQOptions>(stage) || as<AWQOptions>(stage) || as<RoundingOptions>(stage) || as<SmoothQuantOptions>(stage) ||
         as<BiasCorrectionOptions>(stage) || followsCodes(stage.options);
}

bool readsInputs(const Stage &stage) {
  const auto *search = as<ClipSearchOptions>(stage);
  return as<GPTQOptions>(stage) || as<AWQOptions>(stage) || as<RoundingOptions>(stage) || as<MixedPrecisionOptions>(stage) ||
         (search && search->objective != ClipObjective::Weights);
}

void addRewriting(mlir::PassManager &pm, const ResolvedRecipe &resolved) { StagePasses(pm, resolved, {}).rewrite(); }

void addPreparation(mlir::PassManager &pm, const ResolvedRecipe &resolved) { StagePasses(pm, resolved, {}).prepare(); }

Error addRounding(mlir::PassManager &pm, const ResolvedRecipe &resolved, const StringSet<> &only) {
  return StagePasses(pm, resolved, only).round();
}

Error addPairs(mlir::PassManager &pm, const ResolvedRecipe &resolved) { return StagePasses(pm, resolved, {}).pair(); }

} // namespace qopt
