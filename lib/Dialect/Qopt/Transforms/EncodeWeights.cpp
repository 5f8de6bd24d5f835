#include "EncodeWeights.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Analysis/Sites.h"
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Dialect/Qopt/IR/Formats.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"
#include "qopt/Numerics/Formats/Affine.h"

#include "mlir/IR/Builders.h"

#include <cmath>
#include <limits>

using namespace qopt;

namespace {

BlockGrid gridOf(RowShape shape, const OperandSpec &spec) {
  BlockGrid::Dims dims{shape.rows, shape.cols};
  switch (spec.granularity) {
  case Granularity::Group:
    return BlockGrid::perGroup(dims, 1, spec.groupSize);
  case Granularity::Block:
    return BlockGrid::perBlock2D(dims, spec.blockRows, spec.blockColumns);
  case Granularity::Channel:
    return BlockGrid::perGroup(dims, 1, std::max<int64_t>(shape.cols, 1));
  default:
    return BlockGrid::perTensor(dims);
  }
}

/// max|w| / greatest, at least the least normal float; 1 for zeros.
std::vector<float> floatScales(std::span<const float> values, const BlockGrid &grid, Format format) {
  std::vector<float> scales(grid.scaleCount(), 0);
  grid.forEachRun([&](const BlockGrid::Run &run) {
    for (int64_t i = 0; i < run.count; ++i) {
      float &most = scales[run.scale + i * run.scaleStride];
      most = std::max(most, std::fabs(values[run.begin + i]));
    }
  });
  for (float &scale : scales)
    scale = scale == 0 ? 1 : std::max(scale / static_cast<float>(traits(format).max), std::numeric_limits<float>::min());
  return scales;
}

/// [rows, cols] of scales in the order of the weight's own dims.
template <typename T> std::vector<T> inLayout(const WeightRows &weight, RowShape shape, std::vector<T> scales) {
  if (weight.outputAxis() < weight.inputAxis() || shape.rows == 1 || shape.cols == 1)
    return scales;
  std::vector<T> turned(scales.size());
  for (int64_t row = 0; row < shape.rows; ++row)
    for (int64_t col = 0; col < shape.cols; ++col)
      turned[col * shape.rows + row] = scales[row * shape.cols + col];
  return turned;
}

void layScales(EncodedWeight &result, const WeightRows &weight, const OperandSpec &spec, RowShape scales) {
  int64_t rank = weight.type().getRank();
  switch (spec.granularity) {
  case Granularity::Group:
    result.axis = weight.inputAxis(), result.blockSize = spec.groupSize;
    break;
  case Granularity::Block:
    result.blockShape.assign(rank, 1);
    result.blockShape[weight.outputAxis()] = spec.blockRows;
    result.blockShape[weight.inputAxis()] = spec.blockColumns;
    break;
  case Granularity::Channel:
    result.axis = weight.outputAxis();
    result.scaleShape = {scales.rows};
    return;
  default:
    return;
  }
  result.scaleShape.assign(rank, 1);
  result.scaleShape[weight.outputAxis()] = scales.rows;
  result.scaleShape[weight.inputAxis()] = scales.cols;
}

mlir::ElementsAttr floats(mlir::MLIRContext *context, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<float> values, llvm::StringRef name) {
  return makeElements<float>(mlir::RankedTensorType::get(shape, mlir::Float32Type::get(context)), values, name);
}

/// The second level of NF4's scales.
void quantizeScalesOf(EncodedWeight &result, mlir::MLIRContext *context, llvm::ArrayRef<float> scales, llvm::StringRef name) {
  DoubleQuantizedScales twice = quantizeScales({scales.data(), scales.size()});
  auto count = static_cast<int64_t>(twice.codes.size());
  auto type = mlir::RankedTensorType::get({count}, elementTypeOf(Format::F8E4M3FN, context));
  result.scales = makeElements<uint8_t>(type, twice.codes, (name + "_scale").str());
  result.outer = floats(context, {static_cast<int64_t>(twice.superScales.size())}, twice.superScales, (name + "_outer").str());
  result.offset = floats(context, {}, twice.offset, (name + "_offset").str());
}

std::string whyNot(const WeightRows &weight, const OperandSpec &spec) {
  bool alongInputs = spec.granularity == Granularity::Group || spec.granularity == Granularity::Block;
  if (alongInputs && !weight.isMatrix())
    return "groups of input channels need a matrix or a 1x1 convolution";
  for (float value : weight.values())
    if (!std::isfinite(value))
      return "its weight holds a value that is not finite";
  return {};
}

} // namespace

WeightEncoder::WeightEncoder(const WeightRows &weight, const OperandSpec &spec) : weight(weight), spec(spec), why(whyNot(weight, spec)) {
  if (!why.empty())
    return;
  RowShape shape = weight.shape();
  codes.resize(weight.values().size());
  BlockGrid grid = gridOf(shape, spec);
  scaleShape = {grid.scaleShape()[0], grid.scaleShape()[1]};
  if (spec.scaleFormat)
    scaleCodes.resize(grid.scaleCount());
  if (spec.scaleFormat == Format::F8E8M0FNU) {
    quantizeMx(spec.format, weight.values(), shape, codes, scaleCodes, MxScaleRule::Floor, spec.groupSize);
  } else if (spec.scaleFormat) {
    outer = nvfp4TensorScale(weight.values());
    quantizeNvfp4(weight.values(), shape, outer, codes, scaleCodes);
  } else if (spec.format == Format::NF4) {
    scales.resize(grid.scaleCount());
    quantizeNf4(weight.values(), shape, spec.groupSize, codes, scales);
  } else {
    scales = floatScales(weight.values(), grid, spec.format);
    quantizeCodes(spec.format, weight.values(), grid, scales, codes);
  }
}

int64_t WeightEncoder::columnsPerScale() const {
  return spec.granularity == Granularity::Group   ? spec.groupSize
         : spec.granularity == Granularity::Block ? spec.blockColumns
                                                  : std::max<int64_t>(weight.shape().cols, 1);
}

std::vector<float> WeightEncoder::effectiveScales() const {
  if (!spec.scaleFormat && spec.doubleScales) // In the order that they are stored in, and back.
    return inLayout(weight, {scaleShape.cols, scaleShape.rows}, dequantizeScales(quantizeScales(inLayout(weight, scaleShape, scales))));
  if (!spec.scaleFormat)
    return scales;
  std::vector<float> decoded(scaleCodes.size());
  decodeSpan(*spec.scaleFormat, scaleCodes, decoded);
  if (spec.doubleScales)
    for (float &scale : decoded)
      scale *= outer;
  return decoded;
}

std::vector<float> WeightEncoder::rowScales() const {
  std::vector<float> own = effectiveScales(), rows;
  int64_t each = spec.granularity == Granularity::Block ? spec.blockRows : scaleShape.rows == 1 ? weight.shape().rows : 1;
  for (int64_t n = 0; n < weight.shape().rows; ++n)
    rows.insert(rows.end(), own.begin() + n / each * scaleShape.cols, own.begin() + (n / each + 1) * scaleShape.cols);
  return rows;
}

EncodedWeight WeightEncoder::encode(std::span<const float> values) const {
  std::vector<float> rows = rowScales();
  std::vector<uint8_t> chosen(values.size());
  int64_t columns = weight.shape().cols, length = columnsPerScale();
  for (int64_t n = 0; n < weight.shape().rows; ++n)
    for (int64_t k = 0; k < columns; ++k)
      if (float scale = rows[n * scaleShape.cols + k / length]; scale != 0) // All codes of a scale of zero say zero.
        chosen[n * columns + k] = static_cast<uint8_t>(qopt::encode(spec.format, values[n * columns + k] / scale));
  return withCodes(weight.toLayout<uint8_t>(chosen));
}

std::vector<float> WeightEncoder::decode(std::span<const uint8_t> laid) const {
  std::vector<float> scale = rowScales(), values(laid.size());
  int64_t columns = weight.shape().cols, length = columnsPerScale();
  weight.forEach([&](size_t row, size_t own) {
    int64_t n = static_cast<int64_t>(row) / columns, k = static_cast<int64_t>(row) % columns;
    values[row] = static_cast<float>(qopt::decode(spec.format, laid[own])) * scale[n * scaleShape.cols + k / length];
  });
  return values;
}

EncodedWeight WeightEncoder::withCodes(std::vector<uint8_t> laid) const {
  EncodedWeight result;
  result.error = why;
  if (!why.empty())
    return result;
  mlir::MLIRContext *context = weight.type().getContext();
  std::string name = "w" + std::string(traits(spec.format).name);
  layScales(result, weight, spec, scaleShape);
  result.codes = makeElements<uint8_t>(weight.type().clone(elementTypeOf(spec.format, context)), laid, name);
  result.bytes = std::move(laid);
  if (spec.scaleFormat) {
    auto type = mlir::RankedTensorType::get(result.scaleShape, elementTypeOf(*spec.scaleFormat, context));
    result.scales = makeElements<uint8_t>(type, inLayout(weight, scaleShape, scaleCodes), name + "_scale");
    if (spec.doubleScales)
      result.outer = floats(context, {}, outer, name + "_outer");
    return result;
  }
  std::vector<float> laidScales = inLayout(weight, scaleShape, scales);
  if (spec.doubleScales)
    quantizeScalesOf(result, context, laidScales, name);
  else
    result.scales = floats(context, result.scaleShape, laidScales, name + "_scale");
  return result;
}

void qopt::installEncoded(LinearLikeOpInterface op, const EncodedWeight &weight) {
  mlir::OpBuilder b(op);
  // A name of its own, as installWeight gives it.
  std::string name = nameOf(op) + "/weight";
  mlir::Location loc = mlir::NameLoc::get(b.getStringAttr(name), op.getLoc());
  auto constant = [&](mlir::ElementsAttr attr) { return nn::ConstantOp::create(b, loc, attr).getResult(); };
  auto index = [&](std::optional<int64_t> value) { return value ? b.getI64IntegerAttr(*value) : mlir::IntegerAttr(); };
  auto type = mlir::cast<mlir::RankedTensorType>(op.getWeightOperand().get().getType());
  mlir::Value codes = constant(weight.codes), scale = constant(weight.scales);
  if (weight.outer) {
    auto flat = mlir::cast<mlir::RankedTensorType>(scale.getType()).clone(b.getF32Type());
    auto axis = weight.offset ? b.getI64IntegerAttr(0) : mlir::IntegerAttr(), block = weight.offset ? b.getI64IntegerAttr(256) : axis;
    scale = qir::DequantizeOp::create(b, loc, flat, scale, constant(weight.outer), mlir::Value(), axis, block);
    if (weight.offset) {
      scale = nn::AddOp::create(b, loc, flat, scale, constant(weight.offset));
      auto shapeType = mlir::RankedTensorType::get({static_cast<int64_t>(weight.scaleShape.size())}, b.getI64Type());
      mlir::Value shape = constant(mlir::DenseElementsAttr::get(shapeType, llvm::ArrayRef<int64_t>(weight.scaleShape)));
      scale = nn::ReshapeOp::create(b, loc, flat.clone(weight.scaleShape), scale, shape);
    }
  }
  if (weight.codes.getElementType().isUnsignedInteger(4)) {
    std::span<const float, 16> table = nf4Table();
    mlir::Value values = constant(floats(b.getContext(), {16}, {table.data(), table.size()}, "nf4"));
    codes = qir::LookupOp::create(b, loc, type, codes, values);
  }
  auto box = weight.blockShape.empty() ? mlir::DenseI64ArrayAttr() : b.getDenseI64ArrayAttr(weight.blockShape);
  op.getWeightOperand().set(
      qir::DequantizeOp::create(b, loc, type, codes, scale, mlir::Value(), index(weight.axis), index(weight.blockSize), box));
}
