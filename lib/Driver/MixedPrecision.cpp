#include "MixedPrecision.h"
#include "ActivationSizes.h"
#include "Planning.h"
#include "PrecisionReport.h"

#include "qopt/Analysis/Decisions.h"
#include "qopt/Analysis/Sites.h"
#include "qopt/Dialect/Qopt/Transforms/Sensitivity.h"
#include "qopt/Interfaces/LinearLike.h"
#include "qopt/Numerics/Quantizers/Allocation.h"
#include "qopt/TargetInfo/Forms.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace llvm;
using namespace qopt;

namespace {

/// The ops that share one stage's bound.
struct Candidates {
  const Stage &stage;
  const MixedPrecisionOptions &options;
  std::vector<const Scheme *> schemes;
  std::vector<size_t> sites; ///< indices into the plans
  std::vector<mlir::Operation *> ops;
  std::vector<std::vector<Choice>> choices;
  std::vector<std::vector<double>> bits; ///< of each choice
  double weights = 0;                    ///< elements of all
  double floatTime = 0;

  bool isDivergence() const { return options.loss == OutputLoss::KL; }
  bool isLatency() const { return options.cost() == PrecisionCost::Latency; }
  double unit() const { return isLatency() ? floatTime : weights; } ///< that costs are told in
  PrecisionPoint point(double cost, double noise) const { return {cost / unit(), noise}; }
  std::string name(size_t op) const { return nameOf(ops[op]); }

  std::optional<double> noiseLimit() const {
    if (options.minimumSQNR)
      return std::pow(10.0, -*options.minimumSQNR / 10);
    return options.maximumDivergence;
  }
};

Expected<std::vector<OperandPair>> operandPairs(const Candidates &c) {
  std::vector<OperandPair> pairs;
  for (const Scheme *scheme : c.schemes) {
    if (std::string missing = missingFor(*scheme); !missing.empty())
      return makeError("line " + Twine(c.stage.line) + ": mixed_precision offers " + scheme->name + ", which needs " + missing);
    pairs.push_back({*scheme->weights, scheme->activations});
  }
  return pairs;
}

/// What activations can be rounded to.
std::vector<OperandSpec> activationFormats(ArrayRef<OperandPair> pairs) {
  std::vector<OperandSpec> formats;
  for (const OperandPair &pair : pairs)
    if (pair.activations && !is_contained(formats, *pair.activations))
      formats.push_back(*pair.activations);
  return formats;
}

/// Follows errors to the model's outputs where there are samples and gradients; else says that it does not, and why.
Expected<std::optional<OutputProbes>> probesOf(const Candidates &c, mlir::ModuleOp module, ArrayRef<OperandPair> pairs, const std::optional<PrecisionInputs> &given,
                                               bool &isLocal) {
  DecisionLog log(module);
  auto local = [&](const Twine &why) {
    isLocal = true;
    log.note(module, "MIX-LOCAL", "errors are followed no further than each op's own result: " + why);
  };
  if (!given) {
    local("there are no samples to run, only statistics; give --calibration-data");
    return std::nullopt;
  }
  StringSet<> names;
  for (size_t i = 0; i < c.ops.size(); ++i)
    names.insert(c.name(i));
  auto probed = given->probe(module, names, activationFormats(pairs), c.options);
  if (!probed)
    return probed.takeError();
  if (!probed->whyLocal.empty())
    local(probed->whyLocal);
  return std::move(probed->probes);
}

/// Rows that each op multiplies its weight with, on one sample.
Expected<ActivationSizes> rowsOn(const Candidates &c, mlir::ModuleOp module, const std::optional<PrecisionInputs> &given) {
  if (!c.isLatency())
    return ActivationSizes();
  if (!given)
    return makeError("line " + Twine(c.stage.line) + ": mixed_precision tells time by how long the samples are: give --calibration-data");
  return activationSizes(module, given->shapes);
}

/// What each scheme makes of one op.
void addCosts(Candidates &c, mlir::Operation *op, ArrayRef<OperandPair> pairs, ArrayRef<double> noise, double rows, const Target *target) {
  auto linear = cast<LinearLikeOpInterface>(op);
  auto elements = static_cast<double>(constantWeight(linear).getShapedType().getNumElements());
  c.weights += elements;
  c.floatTime += productTime({rows, elements, 4 * elements}, nullptr);
  std::vector<Choice> &choices = c.choices.emplace_back();
  std::vector<double> &bits = c.bits.emplace_back();
  for (auto [pair, lost] : zip(pairs, noise)) {
    auto bytes = static_cast<double>(quantizedBytes(linear, pair.weights));
    bits.push_back(8 * bytes);
    double cost = c.isLatency() ? productTime({rows, elements, bytes}, judge(*target, {pair.weights, pair.activations}, true).form) : bits.back();
    choices.push_back({cost, lost});
  }
}

/// Fills in what each op would cost and lose under each scheme.
Error addChoices(Candidates &c, mlir::ModuleOp module, const ResolvedRecipe &resolved, const std::optional<PrecisionInputs> &given, bool &isLocal) {
  auto pairs = operandPairs(c);
  if (!pairs)
    return pairs.takeError();
  auto rows = rowsOn(c, module, given);
  if (!rows)
    return rows.takeError();
  auto probes = probesOf(c, module, *pairs, given, isLocal);
  if (!probes)
    return probes.takeError();
  if (isLocal && c.isDivergence())
    return makeError("line " + Twine(c.stage.line) + ": mixed_precision has no divergence to go by, as errors cannot be followed to the outputs (MIX-LOCAL says why); use "
                                                     "loss: mse with bits_per_weight, relative_latency or minimum_sqnr");
  std::set<std::string> names;
  for (size_t i = 0; i < c.ops.size(); ++i)
    names.insert(c.name(i));
  std::map<std::string, Sensitivity> found;
  for (Sensitivity &s : measureSensitivities(module, *pairs, names, resolved.inputs, *probes ? &**probes : nullptr))
    found[s.site] = std::move(s);
  for (auto [i, op] : enumerate(c.ops)) {
    const Sensitivity &s = found[c.name(i)];
    if (!s.why.empty() || s.noise.size() != pairs->size())
      return makeError("line " + Twine(c.stage.line) + ": '" + c.name(i) + "' cannot take each of the schemes: " + s.why + "; ignore it");
    addCosts(c, op, *pairs, s.noise, static_cast<double>(rows->rowsOf(op)), given ? given->target : nullptr);
    if (s.whiteInput)
      op->emitRemark() << "its noise was predicted without a Gram matrix of its input [MIX-WHITE]";
  }
  return Error::success();
}

std::string wanted(const Candidates &c) {
  const MixedPrecisionOptions &o = c.options;
  return o.bitsPerWeight     ? formatv("{0:f2} bits per weight", *o.bitsPerWeight).str()
         : o.relativeLatency ? formatv("{0:f2} of the float model's time", *o.relativeLatency).str()
                             : noiseText(*c.noiseLimit(), c.isDivergence());
}

Expected<Allocation> solve(const Candidates &c) {
  auto budget = c.options.bitsPerWeight ? c.options.bitsPerWeight : c.options.relativeLatency;
  auto found = budget ? leastNoise(c.choices, *budget * c.unit()) : leastCost(c.choices, *c.noiseLimit());
  if (found)
    return std::move(*found);
  auto corners = frontier(c.choices);
  if (!corners)
    return makeError("line " + Twine(c.stage.line) + ": mixed_precision: " + corners.error());
  PrecisionPoint first = c.point(corners->front().cost, corners->front().noise), last = c.point(corners->back().cost, corners->back().noise);
  return makeError(formatv("line {0}: mixed_precision asks for {1}, but these schemes reach from {2:f2}{6} at {3} to {4:f2} at {5}; ask for "
                           "something between, or offer other schemes",
                           c.stage.line, wanted(c), first.cost, noiseText(first.noise, c.isDivergence()), last.cost, noiseText(last.noise, c.isDivergence()),
                           c.isLatency() ? " of the float model's time" : " bits per weight")
                       .str());
}

void fill(PrecisionReport &report, const Candidates &c, const Allocation &found) {
  report.isLatency = c.isLatency();
  report.isDivergence = c.isDivergence();
  report.limit = c.noiseLimit();
  auto corners = frontier(c.choices);
  for (const Choice &corner : *corners)
    report.frontier.push_back(c.point(corner.cost, corner.noise));
  report.chosen = c.point(found.cost, found.noise);
  report.bound = c.options.boundsCost() ? c.point(found.cost, found.bound) : c.point(found.bound, found.noise);
  for (auto [bits, pick] : zip(c.bits, found.picks))
    report.bitsPerWeight += bits[pick] / c.weights;
  for (auto [k, scheme] : enumerate(c.schemes))
    report.counts.push_back({scheme->name, count(found.picks, static_cast<int32_t>(k))});
}

Error assign(Candidates &c, mlir::ModuleOp module, const ResolvedRecipe &resolved, MutableArrayRef<SitePlan> plans, const std::optional<PrecisionInputs> &given,
             PrecisionReport &report) {
  if (!resolved.inputs)
    return makeError("line " + Twine(c.stage.line) + ": mixed_precision weighs what each format costs on samples: give --calibration-data "
                                                     "or --stats");
  if (Error error = addChoices(c, module, resolved, given, report.isLocal))
    return error;
  auto found = solve(c);
  if (!found)
    return found.takeError();
  DecisionLog log(module);
  for (auto [i, site] : enumerate(c.sites)) {
    plans[site].scheme = c.schemes[found->picks[i]];
    std::string others;
    for (auto [k, scheme] : enumerate(c.schemes))
      others += formatv("{0}{1} {2}", k ? ", " : "", scheme->name, noiseText(c.choices[i][k].noise, c.isDivergence())).str();
    log.add(c.ops[i], Outcome::Quantized, "MIX-CHOSEN", plans[site].scheme->name + " of " + others);
  }
  fill(report, c, *found);
  return Error::success();
}

} // namespace

Error qopt::assignPrecisions(mlir::ModuleOp module, const ResolvedRecipe &resolved, MutableArrayRef<SitePlan> plans,
                             const std::optional<PrecisionInputs> &given, PrecisionReport &report) {
  std::vector<mlir::Operation *> ops;
  recipeSites(module, &ops);
  for (auto [index, stage] : enumerate(resolved.recipe.stages)) {
    const auto *options = std::get_if<MixedPrecisionOptions>(&stage.options);
    if (!options)
      continue;
    Candidates c{stage, *options, {}, {}, {}, {}, {}};
    for (const Scheme &scheme : options->schemes)
      c.schemes.push_back(&scheme);
    for (auto [site, plan] : enumerate(plans)) // Overrides have schemes of their own.
      if (is_contained(plan.stages, static_cast<unsigned>(index)) && plan.scheme == c.schemes.front()) {
        c.sites.push_back(site);
        c.ops.push_back(ops[site]);
      }
    if (c.sites.empty())
      continue;
    if (Error error = assign(c, module, resolved, plans, given, report))
      return inContext(resolved.recipe.file, std::move(error));
  }
  return Error::success();
}
