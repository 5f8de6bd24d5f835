#include "QuantizeWeights.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Numerics/Quantizers/Scales.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace qopt;

WeightCodes qopt::quantizeWeight(mlir::ElementsAttr weight, int64_t axis, WeightClip clip) {
  FloatElements elements(weight);
  if (!elements.valid())
    return {{}, {}, "its weight is not a float32 constant"};
  std::span<const float> values(elements.values().data(), elements.values().size());
  auto shape = weight.getShapedType().getShape();
  BlockGrid grid = BlockGrid::perAxis({shape.begin(), shape.end()}, static_cast<int>(axis));
  AffineOptions options{intRange(Format::Int8, /*narrow=*/true)};
  Result<GridParams> params =
      clip == WeightClip::MSE ? paramsByClipSearch(values, grid, options) : paramsFromValues(values, grid, options);
  if (!params)
    return {{}, {}, "its weight holds a value that is not finite: " + params.error()};
  std::vector<int8_t> codes(values.size());
  quantize<int8_t>(values, grid, params->scales, {}, options.range, codes);

  mlir::MLIRContext *context = weight.getContext();
  auto codesType = mlir::RankedTensorType::get(shape, mlir::IntegerType::get(context, 8));
  auto scalesType =
      mlir::RankedTensorType::get({static_cast<int64_t>(params->scales.size())}, mlir::Float32Type::get(context));
  return {makeElements<int8_t>(codesType, codes, "w8"), makeElements<float>(scalesType, params->scales, "w8_scale"), {}};
}
