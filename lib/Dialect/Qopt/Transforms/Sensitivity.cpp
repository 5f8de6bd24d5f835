// What each format would cost each linear op, from its weights and the Gram matrix of its input.
#include "qopt/Dialect/Qopt/Transforms/Sensitivity.h"

#include "RoundWeights.h"

#include "qopt/Numerics/Quantizers/Gptq.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <numeric>

using namespace mlir;
using namespace qopt;

namespace {

double squares(std::span<const float> values) {
  return std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
}

class Meter {
public:
  Meter(ModuleOp module, llvm::ArrayRef<OperandPair> pairs, const LinearInputs &inputs, const OutputProbes *probes)
      : pairs(pairs), inputs(inputs), probes(probes), ranges(module->getAttrOfType<DictionaryAttr>("qopt.ranges")) {}

  Sensitivity measure(LinearLikeOpInterface op, const Sites &sites) const {
    Sensitivity result{nameOf(op), {}, false, {}};
    auto weight = WeightRows::of(op, result.why);
    if (!weight)
      return result;
    const ProbedSite *probed = probes ? probes->find(result.site) : nullptr;
    bool atOutputs = probed && probes->backwards;
    std::string noInput;
    auto input = atOutputs ? std::nullopt : inputs.of(op, sites, noInput);
    result.whiteInput = !atOutputs && !input;
    std::vector<float> nothing(weight->values().size(), 0.0f);
    double signal = atOutputs ? 1 : errorOf(*weight, nothing, input);
    for (const OperandPair &pair : pairs) {
      std::vector<float> rounded = nearestRows(*weight, pair.weights, result.why);
      double ofWeight = result.why.empty() ? atOutputs ? probes->scale * probed->weight.expectedSquare(weight->values(), rounded)
                                                       : relative(errorOf(*weight, rounded, input), signal)
                                           : 0;
      double ofInput = !pair.activations || !result.why.empty() ? 0
                       : probed                                 ? shown(*probed, *pair.activations, result.why)
                                                                : relative(guessed(op, pair, rounded, input, sites, result.why), signal);
      if (!result.why.empty())
        return result;
      result.noise.push_back(ofWeight + ofInput);
    }
    return result;
  }

private:
  static double relative(double noise, double signal) { return signal > 0 ? noise / signal : 0; }

  static double errorOf(const WeightRows &weight, std::span<const float> rounded, const std::optional<LinearInput> &input) {
    if (input)
      return hessianError(weight.values(), rounded, weight.shape(), input->hessian, poolFor());
    double sum = 0;
    for (size_t i = 0; i < rounded.size(); ++i) {
      double difference = static_cast<double>(weight.values()[i]) - rounded[i];
      sum += difference * difference;
    }
    return sum;
  }

  /// What the samples showed.
  double shown(const ProbedSite &site, const OperandSpec &activations, std::string &why) const {
    size_t format = llvm::find(probes->formats, activations) - probes->formats.begin();
    if (format >= site.activations.size() || !site.activations[format]) {
      why = "its activation cannot be " + describe(activations) + ", or no sample reached it";
      return 0;
    }
    return probes->backwards ? probes->scale * *site.activations[format] : relative(*site.activations[format], site.signal);
  }

  /// Without samples: codes of a static range spread errors evenly over one step.
  double guessed(LinearLikeOpInterface op, const OperandPair &pair, std::span<const float> rounded, const std::optional<LinearInput> &input,
                 const Sites &sites, std::string &why) const {
    const OperandSpec &spec = *pair.activations;
    if (spec.dynamic || !traits(spec.format).isInteger()) {
      why = "what activations in " + describe(spec) + " cost is measured on samples, so --calibration-data is needed";
      return 0;
    }
    llvm::StringRef site = sites.name(op.getActivationOperand().get());
    auto range = ranges ? ranges.getAs<DenseF64ArrayAttr>(site) : DenseF64ArrayAttr();
    if (!range || range.size() != 2) {
      why = ("no calibration sample reached its input '" + site + "'").str();
      return 0;
    }
    double low = std::min(range[0], 0.0), high = std::max(range[1], 0.0), top = traits(spec.format).max;
    double step = spec.symmetric ? std::max(-low, high) / top : (high - low) / (top - traits(spec.format).min);
    return (input ? input->rows : 1) * step * step / 12 * squares(rounded);
  }

  llvm::ArrayRef<OperandPair> pairs;
  const LinearInputs &inputs;
  const OutputProbes *probes;
  DictionaryAttr ranges;
};

} // namespace

std::vector<Sensitivity> qopt::measureSensitivities(ModuleOp module, llvm::ArrayRef<OperandPair> pairs,
                                                    const std::set<std::string> &names, std::shared_ptr<const InputTable> table,
                                                    const OutputProbes *probes) {
  LinearInputs inputs(module, std::move(table));
  Meter meter(module, pairs, inputs, probes);
  std::vector<Sensitivity> all;
  for (auto func : module.getOps<func::FuncOp>()) {
    if (func.isExternal())
      continue;
    Sites sites(func);
    func.walk([&](LinearLikeOpInterface op) {
      if (constantWeight(op) && names.count(nameOf(op)))
        all.push_back(meter.measure(op, sites));
    });
  }
  return all;
}
