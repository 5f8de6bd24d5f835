// `qopt check`: what a scheme will make of a model on a target, before any work is done.
#include "Commands.h"
#include "Contents.h"
#include "Estimate.h"
#include "Models.h"
#include "Planning.h"
#include "RecipeOptions.h"
#include "Tensors.h"

#include "qopt/Interfaces/LinearLike.h"
#include "qopt/Support/Json.h"
#include "qopt/Support/Progress.h"
#include "qopt/TargetInfo/Forms.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace qopt {
namespace {

constexpr Option ownOptions[] = {
    {"--target", "T", "what it is to run on (default: host)"},
    {"--allow-emulation", "", "take formats that the target can only emulate"},
    {"--calibration-data", "DATA", "estimate memory and time for these samples"},
    {"--samples", "N", "for the first N of them, or for N where there is no DATA"},
    {"--batch", "N", "samples a run of calibration (default 8)"},
    {"--json", "FILE", "write the outcome as JSON; - is standard output"},
};
constexpr auto options = withRecipeOptions(ownOptions);

/// What becomes of one product or convolution.
struct Fate {
  StringRef outcome; ///< a form's kind, "kept" or "refused"
  std::string code, reason;
  std::string nearest; ///< a legal scheme, when refused
};

Fate fateOf(LinearLikeOpInterface op, const SitePlan &plan, const Target &target, bool allowEmulation) {
  if (!plan.scheme)
    return {"kept", "QUANT-IGNORED", plan.reason, ""};
  if (!constantWeight(op).getShapedType().getElementType().isF32())
    return {"kept", "QUANT-TYPE", "it does not compute in float32", ""};
  if (op.getWeightOutputAxis() < 0)
    return {"kept", "QUANT-RANK", "its weight is a vector", ""};
  Verdict verdict = judge(target, {plan.scheme->weights, plan.scheme->activations}, allowEmulation);
  if (!verdict)
    return {"refused", verdict.code, verdict.reason, verdict.nearest.str()};
  return {formKindName(verdict.form->kind), verdict.code, verdict.reason, ""};
}

struct Plan {
  std::vector<RecipeSite> sites;
  std::vector<SitePlan> decided;
  std::vector<Fate> fates;
  int64_t bytesBefore = 0, bytesAfter = 0;

  const Fate *refusal() const {
    auto found = find_if(fates, [](const Fate &fate) { return fate.outcome == "refused"; });
    return found == fates.end() ? nullptr : &*found;
  }
};

Expected<Plan> makePlan(mlir::ModuleOp module, const Recipe &recipe, const Target &target, bool allowEmulation) {
  Plan plan;
  std::vector<mlir::Operation *> ops;
  plan.sites = recipeSites(module, &ops);
  if (plan.sites.empty())
    return makeError("the model has no matrix product or convolution with constant weights: there is nothing to quantize");
  auto decided = resolveRecipe(recipe, plan.sites);
  if (!decided)
    return decided.takeError();
  plan.bytesBefore = plan.bytesAfter = totalBytes(sizesOf(module));
  DenseSet<mlir::Attribute> counted;
  plan.decided = std::move(*decided);
  for (auto [op, site] : zip(ops, plan.decided)) {
    auto linear = cast<LinearLikeOpInterface>(op);
    plan.fates.push_back(fateOf(linear, site, target, allowEmulation));
    bool stays = plan.fates.back().outcome == "kept" || !site.scheme->weights;
    if (stays || !counted.insert(constantWeight(linear)).second)
      continue;
    plan.bytesAfter += quantizedBytes(linear, *site.scheme->weights) - constantWeight(linear).getShapedType().getNumElements() * 4;
  }
  return plan;
}

void print(raw_ostream &os, const Plan &plan, const Estimate &estimate, StringRef recipe, const Target &target) {
  MapVector<std::pair<StringRef, StringRef>, int64_t> counts;
  std::map<StringRef, StringRef> reasons;
  for (const Fate &fate : plan.fates) {
    ++counts[{fate.outcome, fate.code}];
    reasons.try_emplace(fate.code, fate.reason);
  }
  os << recipe << " on " << target.name << ": " << plan.fates.size() << " products and convolutions\n";
  for (const auto &[key, count] : counts)
    os << formatv("  {0,6}  {1,-9} {2,-27} {3}\n", count, key.first, key.second, reasons[key.second]);
  os << formatv("constants: {0} now, about {1} quantized ({2:f1}%)\n", formatBytes(plan.bytesBefore),
                formatBytes(plan.bytesAfter), plan.bytesBefore ? 100.0 * plan.bytesAfter / plan.bytesBefore : 100.0);
  print(os, estimate);
}

json::Value toJson(const Plan &plan, const Estimate &estimate, StringRef recipe, const Target &target) {
  json::Array sites;
  for (auto [site, fate] : zip(plan.sites, plan.fates))
    sites.push_back(json::Object{{"site", json::fixUTF8(site.name)},
                                 {"outcome", fate.outcome},
                                 {"code", fate.code},
                                 {"reason", json::fixUTF8(fate.reason)}});
  return json::Object{{"recipe", recipe},
                      {"target", target.name},
                      {"legal", !plan.refusal()},
                      {"nearest", plan.refusal() ? json::Value(plan.refusal()->nearest) : nullptr},
                      {"bytes_before", plan.bytesBefore},
                      {"bytes_after", plan.bytesAfter},
                      {"estimate", qopt::toJson(estimate)},
                      {"sites", std::move(sites)}};
}

Error refusalOf(const Plan &plan, StringRef recipe) {
  const Fate *refused = plan.refusal();
  return refused ? makeError(recipe + " is refused [" + refused->code + "]: " + refused->reason) : Error::success();
}

/// What this build cannot make of the recipe, whatever the target.
Error checkBuild(const Recipe &recipe) {
  for (const Stage &stage : recipe.stages)
    if (std::string missing = stage.scheme ? missingFor(*stage.scheme) : ""; !missing.empty())
      return makeError(recipe.file + ": the target takes scheme '" + stage.scheme->name + "', but this build cannot make " +
                       missing);
  return Error::success();
}

Expected<int> run(const Arguments &arguments, Session &session) {
  if (arguments.positional().size() != 1)
    return usageError("`qopt check` takes one model");
  auto recipe = chooseRecipe(arguments);
  if (!recipe)
    return recipe.takeError();
  auto target = findTarget(arguments.get("--target", "host")); // Before the model, which takes longer.
  if (!target)
    return target.takeError();
  auto model = loadModel(arguments.positional()[0]);
  return model ? tellPlan(arguments, *recipe, *model, /*mustBeLegal=*/true, session) : model.takeError();
}

} // namespace

Expected<int> tellPlan(const Arguments &arguments, const Recipe &recipe, const Model &model, bool mustBeLegal, Session &session) {
  auto target = findTarget(arguments.get("--target", "host"));
  if (!target)
    return target.takeError();
  const std::string &path = arguments.positional()[0];
  auto plan = makePlan(*model.module, recipe, **target, arguments.has("--allow-emulation"));
  if (!plan)
    return inContext(path, plan.takeError());
  auto work = workToEstimate(arguments, recipe, *model.module);
  if (!work)
    return work.takeError();
  work->plans = plan->decided;
  Estimate estimated = estimate(*model.module, *work);
  std::string name = recipeText(arguments);
  if (auto file = arguments.get("--json")) {
    if (Error error = writeText(*file, qopt::toJson(toJson(*plan, estimated, name, **target)) + "\n", session))
      return std::move(error);
  } else {
    print(session.out, *plan, estimated, name, **target);
  }
  if (Error error = mustBeLegal ? refusalOf(*plan, name) : Error::success())
    return inContext(path, std::move(error));
  if (Error error = checkBuild(recipe))
    return std::move(error);
  return Done;
}

Error checkLegal(mlir::ModuleOp module, const Recipe &recipe, StringRef name, StringRef targetName, bool allowEmulation) {
  auto target = findTarget(targetName);
  if (!target)
    return target.takeError();
  auto plan = makePlan(module, recipe, **target, allowEmulation);
  return plan ? refusalOf(*plan, name) : plan.takeError();
}

const Command &checkCommand() {
  static const Command command = {"check",
                                  "MODEL [--scheme S | --recipe R] [--target T]",
                                  "Tell whether a scheme is legal for a target, and what it will do; nothing is written",
                                  options,
                                  "  qopt check model.onnx --scheme W4A16 --target avx2\n",
                                  run};
  return command;
}

} // namespace qopt
