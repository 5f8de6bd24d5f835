#include "MixedPrecision.h"
#include "Planning.h"
#include "PrecisionReport.h"

#include "qopt/Analysis/Decisions.h"
#include "qopt/Analysis/Sites.h"
#include "qopt/Dialect/Qopt/Transforms/Sensitivity.h"
#include "qopt/Interfaces/LinearLike.h"
#include "qopt/Numerics/Quantizers/Allocation.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace llvm;
using namespace qopt;

namespace {

double decibels(double noise) { return noise > 0 ? -10 * std::log10(noise) : std::numeric_limits<double>::infinity(); }

/// The ops that share one stage's budget.
struct Candidates {
  const Stage &stage;
  const MixedPrecisionOptions &options;
  std::vector<const Scheme *> schemes;
  std::vector<size_t> sites; ///< indices into the plans
  std::vector<mlir::Operation *> ops;
  std::vector<std::vector<Choice>> choices;
  double weights = 0; ///< elements of all

  PrecisionPoint point(double cost, double noise) const { return {cost / weights, decibels(noise)}; }
};

Error checkScheme(const Scheme &scheme, unsigned line) {
  const auto &a = scheme.activations;
  bool staticBytes = a && !a->dynamic && a->granularity == Granularity::Tensor && (a->format == Format::Int8 || a->format == Format::UInt8);
  if (scheme.weights && traits(scheme.weights->format).isInteger() && (!a || staticBytes))
    return Error::success();
  return makeError("line " + Twine(line) + ": mixed_precision cannot predict the noise of " + scheme.name +
                   "; it chooses among integer weights with float activations or static 8-bit ones");
}

Expected<std::vector<OperandPair>> operandPairs(const Candidates &c) {
  std::vector<OperandPair> pairs;
  for (const Scheme *scheme : c.schemes) {
    if (Error error = checkScheme(*scheme, c.stage.line))
      return std::move(error);
    pairs.push_back({*scheme->weights, scheme->activations});
  }
  return pairs;
}

/// Fills in what each op would cost and lose under each scheme.
Error addChoices(Candidates &c, mlir::ModuleOp module, const ResolvedRecipe &resolved, MutableArrayRef<SitePlan> plans) {
  auto pairs = operandPairs(c);
  if (!pairs)
    return pairs.takeError();
  std::set<std::string> names;
  for (size_t site : c.sites)
    names.insert(resolved.sites[site].name);
  std::map<std::string, Sensitivity> found;
  for (Sensitivity &s : measureSensitivities(module, *pairs, names, resolved.inputs))
    found[s.site] = std::move(s);
  for (auto [site, op] : zip(c.sites, c.ops)) {
    const Sensitivity &s = found[resolved.sites[site].name];
    if (!s.why.empty() || s.noise.size() != pairs->size())
      return makeError("line " + Twine(c.stage.line) + ": '" + resolved.sites[site].name + "' cannot take each of the schemes: " + s.why +
                       "; ignore it");
    auto linear = cast<LinearLikeOpInterface>(op);
    std::vector<Choice> choices;
    for (auto [pair, noise] : zip(*pairs, s.noise))
      choices.push_back({8.0 * static_cast<double>(quantizedBytes(linear, pair.weights)), noise});
    c.choices.push_back(std::move(choices));
    c.weights += static_cast<double>(constantWeight(linear).getShapedType().getNumElements());
    if (s.whiteInput)
      op->emitRemark() << "its noise was predicted without a Gram matrix of its input [MIX-WHITE]";
  }
  return Error::success();
}

Expected<Allocation> solve(const Candidates &c) {
  auto found = c.options.bitsPerWeight ? leastNoise(c.choices, *c.options.bitsPerWeight * c.weights)
                                       : leastCost(c.choices, std::pow(10.0, -*c.options.minimumSQNR / 10));
  if (found)
    return std::move(*found);
  auto corners = frontier(c.choices);
  if (!corners)
    return makeError("line " + Twine(c.stage.line) + ": mixed_precision: " + corners.error());
  PrecisionPoint first = c.point(corners->front().cost, corners->front().noise), last = c.point(corners->back().cost, corners->back().noise);
  return makeError(formatv("line {0}: mixed_precision asks for {1}, but these schemes reach from {2:f2} bits per weight at {3:f1} dB to "
                           "{4:f2} at {5:f1} dB; ask for something between, or offer other schemes",
                           c.stage.line,
                           c.options.bitsPerWeight ? formatv("{0:f2} bits per weight", *c.options.bitsPerWeight).str()
                                                   : formatv("{0:f1} dB", *c.options.minimumSQNR).str(),
                           first.bitsPerWeight, first.sqnr, last.bitsPerWeight, last.sqnr)
                       .str());
}

void fill(PrecisionReport &report, const Candidates &c, const Allocation &found) {
  auto corners = frontier(c.choices);
  for (const Choice &corner : *corners)
    report.frontier.push_back(c.point(corner.cost, corner.noise));
  report.chosen = c.point(found.cost, found.noise);
  report.bound = c.options.bitsPerWeight ? c.point(found.cost, found.bound) : c.point(found.bound, found.noise);
  for (auto [k, scheme] : enumerate(c.schemes))
    report.counts.push_back({scheme->name, count(found.picks, static_cast<int32_t>(k))});
}

Error assign(Candidates &c, mlir::ModuleOp module, const ResolvedRecipe &resolved, MutableArrayRef<SitePlan> plans,
             PrecisionReport &report) {
  if (!resolved.inputs)
    return makeError("line " + Twine(c.stage.line) + ": mixed_precision weighs what each format costs on samples: give --calibration-data "
                                                     "or --stats");
  if (Error error = addChoices(c, module, resolved, plans))
    return error;
  auto found = solve(c);
  if (!found)
    return found.takeError();
  DecisionLog log(module);
  for (auto [i, site] : enumerate(c.sites)) {
    plans[site].scheme = c.schemes[found->picks[i]];
    std::string others;
    for (auto [k, scheme] : enumerate(c.schemes))
      others += formatv("{0}{1} {2:f1} dB", k ? ", " : "", scheme->name, decibels(c.choices[i][k].noise)).str();
    log.add(c.ops[i], Outcome::Quantized, "MIX-CHOSEN", plans[site].scheme->name + " of " + others);
  }
  fill(report, c, *found);
  return Error::success();
}

} // namespace

Error qopt::assignPrecisions(mlir::ModuleOp module, const ResolvedRecipe &resolved, MutableArrayRef<SitePlan> plans,
                             PrecisionReport &report) {
  std::vector<mlir::Operation *> ops;
  recipeSites(module, &ops);
  for (auto [index, stage] : enumerate(resolved.recipe.stages)) {
    const auto *options = std::get_if<MixedPrecisionOptions>(&stage.options);
    if (!options)
      continue;
    Candidates c{stage, *options, {}, {}, {}, {}, 0};
    for (const std::string &name : options->schemes)
      c.schemes.push_back(findShippedScheme(name));
    for (auto [site, plan] : enumerate(plans)) // Overrides have schemes of their own.
      if (is_contained(plan.stages, static_cast<unsigned>(index)) && plan.scheme == c.schemes.front()) {
        c.sites.push_back(site);
        c.ops.push_back(ops[site]);
      }
    if (c.sites.empty())
      continue;
    if (Error error = assign(c, module, resolved, plans, report))
      return inContext(resolved.recipe.file, std::move(error));
  }
  return Error::success();
}
