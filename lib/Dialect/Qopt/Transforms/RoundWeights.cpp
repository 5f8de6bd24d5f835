#include "RoundWeights.h"

#include "BiasCorrection.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Dialect/Qopt/Transforms/Operands.h"
#include "qopt/Numerics/Quantizers/Awq.h"
#include "qopt/Numerics/Quantizers/Gptq.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"

#include "llvm/ADT/StringSwitch.h"

#include <cmath>

using namespace mlir;
using namespace qopt;

namespace {

/// Rows that local errors are taken over, evenly spaced.
constexpr int64_t kSampledRows = 64;

class Rounder {
public:
  Rounder(const RoundingTargets &targets, DecisionLog &log, RoundFn round, RoundingJournal *journal)
      : targets(targets), log(log), round(round), journal(journal) {}

  LogicalResult run(LinearLikeOpInterface op, llvm::StringRef name, const Sites &sites) {
    RoundedWeight entry{name.str(), spell(targets.spec), {}, {}, {}, {}};
    if (journal) {
      auto found = journal->find(name);
      if (!found)
        return op.emitError(llvm::toString(found.takeError()));
      if (*found)
        return takeUp(op, **found, sites);
    }
    size_t before = log.rows().size();
    roundAnew(op, name, sites, entry);
    if (!journal)
      return mlir::success();
    for (const Decision &row : log.rows().drop_front(before))
      entry.notes.push_back({row.code, row.reason, row.isRemark});
    if (llvm::Error error = journal->add(entry))
      return op.emitError(llvm::toString(std::move(error)));
    return mlir::success();
  }

private:
  void roundAnew(LinearLikeOpInterface op, llvm::StringRef name, const Sites &sites, RoundedWeight &entry) {
    std::string why;
    auto weight = WeightRows::of(op, why);
    if (weight && traits(targets.spec.format).isInteger())
      why = whyNot(*weight, targets.spec);
    if (!why.empty())
      return log.note(op, "ROUND-FORM", why);
    RoundedRows rounded = round(op, *weight, sites);
    if (!rounded.error.empty())
      return log.note(op, rounded.code, rounded.error);
    if (targets.biasCorrection.contains(name))
      correctBiasOf(op, *weight, rounded.values, sites);
    if (rounded.encoded) {
      installEncoded(op, *rounded.encoded);
      entry.codes = std::move(rounded.encoded->bytes);
      return;
    }
    WeightCodes codes = encodeRows(*weight, rounded.values, rounded.params, targets.spec);
    installWeight(op, codes);
    if (journal)
      readCodes(codes, entry.codes, entry.scales, entry.zeroPoints);
  }

  /// Does again what was done to the op when the entry was made.
  LogicalResult takeUp(LinearLikeOpInterface op, const RoundedWeight &entry, const Sites &sites) {
    for (const RoundedWeight::Note &row : entry.notes)
      row.isRemark ? log.note(op, row.code, row.text) : log.add(op, Outcome::Quantized, row.code, row.text);
    if (entry.codes.empty())
      return mlir::success();
    std::string why;
    auto weight = WeightRows::of(op, why);
    std::optional<WeightCodes> codes;
    bool fits = weight && entry.spec == spell(targets.spec);
    if (fits && !traits(targets.spec.format).isInteger())
      return takeUpEncoded(op, *weight, entry, sites);
    if (fits)
      codes = codesFrom(*weight, targets.spec, entry.codes, entry.scales, entry.zeroPoints);
    if (!codes)
      return op.emitError("its codes in the work folder do not fit its weight; remove the folder to begin anew");
    if (targets.biasCorrection.contains(entry.site))
      correctBiasOf(op, *weight, decodeRows(*weight, *codes), sites);
    installWeight(op, *codes);
    return mlir::success();
  }

  /// Scales of float and table formats follow from the weight again.
  LogicalResult takeUpEncoded(LinearLikeOpInterface op, const WeightRows &weight, const RoundedWeight &entry, const Sites &sites) {
    WeightEncoder encoder(weight, targets.spec);
    if (!encoder.error().empty() || entry.codes.size() != weight.values().size())
      return op.emitError("its codes in the work folder do not fit its weight; remove the folder to begin anew");
    if (targets.biasCorrection.contains(entry.site))
      correctBiasOf(op, weight, encoder.decode(entry.codes), sites);
    installEncoded(op, encoder.withCodes(entry.codes));
    return mlir::success();
  }

  const RoundingTargets &targets;
  DecisionLog &log;
  RoundFn round;
  RoundingJournal *journal;
};

} // namespace

std::optional<ClipRule> qopt::parseClipRule(llvm::StringRef name) {
  return llvm::StringSwitch<std::optional<ClipRule>>(name)
      .Case("max", ClipRule::Max)
      .Case("mse", ClipRule::MSE)
      .Case("inputs", ClipRule::Inputs)
      .Case("hessian", ClipRule::Hessian)
      .Default(std::nullopt);
}

FailureOr<RoundingTargets> qopt::readTargets(ModuleOp module, llvm::StringRef pass, llvm::StringRef weights,
                                             llvm::ArrayRef<std::string> names, llvm::ArrayRef<std::string> biasCorrection,
                                             Formats formats) {
  auto spec = parseOperandSpec(weights);
  if (!spec)
    return module.emitError(pass) << ": weights: " << llvm::toString(spec.takeError());
  bool isInteger = traits(spec->format).isInteger();
  if (!isInteger && formats == Formats::Integers)
    return module.emitError(pass) << ": weights: " << describe(*spec) << " is no integer format, which this pass needs";
  if (std::string why = whyNotWeights(*spec); !isInteger && !why.empty())
    return module.emitError(pass) << ": weights: " << weights << ": " << why;
  if (isInteger && (spec->granularity == Granularity::Block || spec->granularity == Granularity::Token))
    return module.emitError(pass) << ": weights: " << describe(*spec) << "; this pass takes scales per tensor, channel or group";
  RoundingTargets targets{*spec, {}, {}};
  targets.names.insert(names.begin(), names.end());
  targets.biasCorrection.insert(biasCorrection.begin(), biasCorrection.end());
  return targets;
}

LogicalResult qopt::roundWeights(ModuleOp module, const RoundingTargets &targets, DecisionLog &log, RoundFn round,
                                 RoundingJournal *journal) {
  Rounder rounder(targets, log, round, journal);
  for (auto func : module.getOps<func::FuncOp>()) {
    if (func.isExternal())
      continue;
    Sites sites(func);
    SmallVector<std::pair<LinearLikeOpInterface, std::string>> ops;
    func.walk([&](LinearLikeOpInterface op) {
      std::string name = nameOf(op);
      if (constantWeight(op) && (targets.names.empty() || targets.names.contains(name)))
        ops.push_back({op, name});
    });
    for (auto &[op, name] : ops)
      if (failed(rounder.run(op, name, sites)))
        return mlir::failure();
  }
  return mlir::success();
}

RoundedRows qopt::shrunk(RoundedRows rounded, const OperandSpec &spec) {
  if (spec.granularity == Granularity::Tensor) {
    rounded.params.scales.resize(1);
    rounded.params.zeroPoints.resize(std::min<size_t>(rounded.params.zeroPoints.size(), 1));
  }
  return rounded;
}

Result<GridParams> qopt::scalesOf(std::span<const float> weight, RowShape shape, const OperandSpec &spec, ClipRule rule,
                                  const LinearInput *input) {
  AffineOptions affine = affineOptions(spec);
  int64_t group = columnsPerScale(spec);
  if (spec.granularity == Granularity::Tensor) { // One scale, as every row's.
    auto one = paramsFromValues(weight, BlockGrid::perTensor({shape.rows, shape.cols}), affine);
    if (!one)
      return one.failure();
    return GridParams{std::vector<float>(shape.rows, one->scales[0]), std::vector<float>(shape.rows, one->zeroPoints[0])};
  }
  if (rule == ClipRule::Inputs)
    return paramsByWeightedClip(weight, shape.rows, shape.cols, group, input->diagonal(), affine, {0.5, 21}, poolFor());
  if (rule == ClipRule::Hessian)
    return paramsByHessianClip(weight, shape, group, input->hessian, affine, {0.5, 21}, poolFor());
  BlockGrid grid = groupGrid(shape, spec);
  return rule == ClipRule::MSE ? paramsByClipSearch(weight, grid, affine, {}, poolFor())
                               : paramsFromValues(weight, grid, affine);
}

std::vector<float> qopt::nearestRows(const WeightRows &weight, const OperandSpec &spec, std::string &why) {
  if (!traits(spec.format).isInteger()) {
    WeightEncoder encoder(weight, spec);
    why = encoder.error();
    return why.empty() ? encoder.nearestRows() : std::vector<float>();
  }
  why = whyNot(weight, spec);
  if (!why.empty())
    return {};
  auto scales = scalesOf(weight.values(), weight.shape(), spec, ClipRule::Max, nullptr);
  if (!scales) {
    why = "its weight holds a value that is not finite: " + scales.error();
    return {};
  }
  std::vector<float> rounded(weight.values().size());
  fakeQuantize(weight.values(), groupGrid(weight.shape(), spec), *scales, affineOptions(spec).range, rounded);
  return rounded;
}

double qopt::localSqnr(std::span<const float> weight, RowShape shape, std::span<const float> rounded, const LinearInput &input) {
  RowShape some{std::min(shape.rows, kSampledRows), shape.cols};
  std::vector<float> before, after, nothing(some.rows * some.cols, 0.0f);
  for (int64_t i = 0; i < some.rows; ++i) {
    int64_t row = i * shape.rows / some.rows;
    auto take = [&](std::span<const float> from, std::vector<float> &to) {
      to.insert(to.end(), from.begin() + row * shape.cols, from.begin() + (row + 1) * shape.cols);
    };
    take(weight, before);
    take(rounded, after);
  }
  double signal = hessianError(before, nothing, some, input.hessian, poolFor());
  return 10 * std::log10(signal / hessianError(before, after, some, input.hessian, poolFor()));
}

