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
  Meter(ModuleOp module, llvm::ArrayRef<OperandPair> pairs, const LinearInputs &inputs)
      : pairs(pairs), inputs(inputs), ranges(module->getAttrOfType<DictionaryAttr>("qopt.ranges")) {}

  Sensitivity measure(LinearLikeOpInterface op, const Sites &sites) const {
    Sensitivity result{locationName(op.getLoc(), op->getName().getStringRef()), {}, false, {}};
    auto weight = WeightRows::of(op, result.why);
    if (!weight)
      return result;
    std::string noInput;
    auto input = inputs.of(op, sites, noInput);
    result.whiteInput = !input;
    std::vector<float> nothing(weight->values().size(), 0.0f);
    double signal = errorOf(*weight, nothing, input);
    for (const OperandPair &pair : pairs) {
      result.why = whyNot(*weight, pair.weights);
      auto step = stepOf(op, pair, sites, result.why);
      if (!result.why.empty())
        return result;
      WeightCodes codes = quantizeWeight(*weight, pair.weights, ScaleRule::Max);
      if (!codes.error.empty()) {
        result.why = codes.error;
        return result;
      }
      std::vector<float> rounded = decodeRows(*weight, codes);
      double rows = input ? input->rows : 1;
      double noise = errorOf(*weight, rounded, input) + rows * step * step / 12 * squares(rounded);
      result.noise.push_back(signal > 0 ? noise / signal : 0);
    }
    return result;
  }

private:
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

  /// Width of one step of the activation's codes; 0 where it stays in float.
  double stepOf(LinearLikeOpInterface op, const OperandPair &pair, const Sites &sites, std::string &why) const {
    if (!pair.activations || !why.empty())
      return 0;
    llvm::StringRef site = sites.name(op.getActivationOperand().get());
    auto range = ranges ? ranges.getAs<DenseF64ArrayAttr>(site) : DenseF64ArrayAttr();
    if (!range || range.size() != 2) {
      why = ("no calibration sample reached its input '" + site + "'").str();
      return 0;
    }
    double low = std::min(range[0], 0.0), high = std::max(range[1], 0.0);
    return pair.activations->symmetric ? std::max(-low, high) / 127 : (high - low) / 255;
  }

  llvm::ArrayRef<OperandPair> pairs;
  const LinearInputs &inputs;
  DictionaryAttr ranges;
};

} // namespace

std::vector<Sensitivity> qopt::measureSensitivities(ModuleOp module, llvm::ArrayRef<OperandPair> pairs,
                                                    const std::set<std::string> &names,
                                                    std::shared_ptr<const InputTable> table) {
  LinearInputs inputs(module, std::move(table));
  Meter meter(module, pairs, inputs);
  std::vector<Sensitivity> all;
  for (auto func : module.getOps<func::FuncOp>()) {
    if (func.isExternal())
      continue;
    Sites sites(func);
    func.walk([&](LinearLikeOpInterface op) {
      if (constantWeight(op) && names.count(locationName(op.getLoc(), op->getName().getStringRef())))
        all.push_back(meter.measure(op, sites));
    });
  }
  return all;
}
