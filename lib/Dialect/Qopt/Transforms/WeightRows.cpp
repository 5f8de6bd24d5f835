#include "WeightRows.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Support/MappedFile.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace qopt;

std::optional<WeightRows> WeightRows::of(LinearLikeOpInterface op, std::string &why) {
  mlir::ElementsAttr weight = constantWeight(op);
  if (!weight) {
    why = "both factors are computed: it has no weight";
    return std::nullopt;
  }
  return of(weight, op.getWeightOutputAxis(), op.getWeightInputAxis(), why);
}

std::optional<WeightRows> WeightRows::of(mlir::ElementsAttr weight, int64_t outputAxis, int64_t inputAxis, std::string &why) {
  FloatElements elements(weight);
  if (!elements.valid())
    why = "its weight is not a float32 constant";
  else if (outputAxis < 0)
    why = "its weight is a vector";
  if (!why.empty())
    return std::nullopt;
  WeightRows w;
  w.tensorType = mlir::RankedTensorType::get(weight.getShapedType().getShape(), weight.getElementType());
  w.output = outputAxis, w.input = inputAxis;
  auto dims = w.tensorType.getShape();
  w.matrix = inputAxis >= 0;
  for (auto [axis, dim] : llvm::enumerate(dims)) {
    w.inner *= static_cast<int64_t>(axis) > outputAxis ? dim : 1;
    w.matrix &= static_cast<int64_t>(axis) == outputAxis || static_cast<int64_t>(axis) == inputAxis || dim == 1;
  }
  w.rows.rows = dims[outputAxis];
  w.rows.cols = w.rows.rows == 0 ? 0 : w.tensorType.getNumElements() / w.rows.rows;
  w.data.resize(elements.values().size());
  w.forEach([&](size_t row, size_t own) { w.data[row] = elements.values()[own]; });
  releasePages({reinterpret_cast<const uint8_t *>(elements.values().data()), elements.values().size() * sizeof(float)});
  return w;
}
