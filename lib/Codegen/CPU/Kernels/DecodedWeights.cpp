#include "DecodedWeights.h"

#include "qopt/Conversion/Common/ElementTypes.h"
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Numerics/Formats/BlockGrid.h"

using namespace mlir;
using namespace qopt;
using namespace qopt::qcpu;

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Which elements of the codes share a scale; none for scales that broadcast in other ways.
std::optional<BlockGrid> gridOf(qir::DequantizeOp op) {
  RankedTensorType type = typeOf(op.getQ()), scale = typeOf(op.getScale());
  BlockGrid::Dims shape(type.getShape().begin(), type.getShape().end()), box(shape);
  if (!type.hasStaticShape() || !scale.hasStaticShape())
    return std::nullopt;
  if (auto blocks = op.getBlockShape())
    box.assign(blocks->begin(), blocks->end());
  else if (op.getBlockSize()) {
    box.assign(shape.size(), 1);
    box[*op.getAxis()] = *op.getBlockSize();
  } else if (scale.getNumElements() != 1) {
    if (scale.getRank() != 1 || !op.getAxis())
      return std::nullopt;
    box[*op.getAxis()] = 1;
  }
  for (int64_t &size : box)
    size = std::max<int64_t>(size, 1);
  BlockGrid grid(shape, box);
  return grid.scaleCount() == scale.getNumElements() ? std::optional(grid) : std::nullopt;
}

/// What codes of a small type stand for, by code.
std::vector<float> valuesOf(Format format) {
  std::vector<float> values(traits(format).codeCount());
  for (size_t code = 0; code < values.size(); ++code)
    values[code] = static_cast<float>(decode(format, code));
  return values;
}

std::optional<std::vector<float>> constantElements(Value value) {
  auto data = constantData(value);
  if (!data)
    return std::nullopt;
  Type element = data->type.getElementType();
  if (element.isF32())
    return std::vector<float>(data->as<float>().begin(), data->as<float>().end());
  std::optional<Format> format = smallFloatFormat(element);
  if (!format)
    return std::nullopt;
  std::vector<float> table = valuesOf(*format), result;
  result.reserve(data->bytes.size());
  for (uint8_t code : data->as<uint8_t>())
    result.push_back(table[code & (table.size() - 1)]);
  return result;
}

/// Of codes of at most 16 bits, whose differences floats hold exactly.
std::vector<float> zerosOf(const ConstantData &zeros) {
  if (zeros.type.getElementType().isF32())
    return std::vector<float>(zeros.as<float>().begin(), zeros.as<float>().end());
  std::vector<int32_t> integers = zeros.asInt32();
  return std::vector<float>(integers.begin(), integers.end());
}

std::optional<std::vector<float>> dequantized(qir::DequantizeOp op) {
  auto grid = gridOf(op);
  auto scales = decodedElements(op.getScale());
  if (!grid || !scales || !typeOf(op.getX()).getElementType().isF32() || static_cast<int64_t>(scales->size()) != grid->scaleCount())
    return std::nullopt;
  std::vector<float> result(grid->elementCount());
  if (!isa<IntegerType>(typeOf(op.getQ()).getElementType())) {
    auto values = op.getZeroPoint() ? std::nullopt : decodedElements(op.getQ());
    if (!values)
      return std::nullopt;
    grid->forEachRun([&](const BlockGrid::Run &run) {
      for (int64_t i = 0; i < run.count; ++i)
        result[run.begin + i] = (*values)[run.begin + i] * (*scales)[run.scale + i * run.scaleStride];
    });
    return result;
  }
  auto codes = constantData(op.getQ()), zeroData = constantData(op.getZeroPoint());
  if (!codes || codes->type.getElementTypeBitWidth() > 16 || (op.getZeroPoint() && !zeroData))
    return std::nullopt;
  std::vector<int32_t> q = codes->asInt32();
  std::vector<float> zeros = zeroData ? zerosOf(*zeroData) : std::vector<float>(grid->scaleCount());
  if (static_cast<int64_t>(zeros.size()) != grid->scaleCount())
    return std::nullopt;
  grid->forEachRun([&](const BlockGrid::Run &run) {
    for (int64_t i = 0; i < run.count; ++i) {
      int64_t scale = run.scale + i * run.scaleStride;
      result[run.begin + i] = (static_cast<float>(q[run.begin + i]) - zeros[scale]) * (*scales)[scale];
    }
  });
  return result;
}

std::optional<std::vector<float>> lookedUp(qir::LookupOp op) {
  auto codes = constantData(op.getX());
  auto table = decodedElements(op.getTable());
  if (!codes || !table || table->empty())
    return std::nullopt;
  std::vector<float> result;
  result.reserve(codes->bytes.size());
  for (uint8_t code : codes->as<uint8_t>())
    result.push_back((*table)[code & (table->size() - 1)]);
  return result;
}

/// The sum with one number.
std::optional<std::vector<float>> shifted(nn::AddOp op) {
  auto a = decodedElements(op.getA()), b = decodedElements(op.getB());
  if (!a || !b || (b->size() != 1 && a->size() != 1))
    return std::nullopt;
  if (b->size() != 1)
    std::swap(a, b);
  for (float &element : *a)
    element += b->front();
  return a;
}

} // namespace

std::optional<std::vector<float>> qopt::qcpu::decodedElements(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.hasStaticShape())
    return std::nullopt;
  Operation *op = value.getDefiningOp();
  if (auto dequantize = dyn_cast_or_null<qir::DequantizeOp>(op))
    return dequantized(dequantize);
  if (auto lookup = dyn_cast_or_null<qir::LookupOp>(op))
    return lookedUp(lookup);
  if (auto add = dyn_cast_or_null<nn::AddOp>(op))
    return shifted(add);
  if (auto reshape = dyn_cast_or_null<nn::ReshapeOp>(op))
    return decodedElements(reshape.getData());
  return constantElements(value);
}

bool qopt::qcpu::hasPackedForm(qir::DequantizeOp op, bool transposed) {
  RankedTensorType type = typeOf(op.getQ());
  auto integer = dyn_cast<IntegerType>(type.getElementType());
  uint64_t depth = transposed ? 1 : 0;
  if (!integer || integer.getWidth() > 8 || type.getRank() != 2 || !type.hasStaticShape() || op.getBlockShape() ||
      !typeOf(op.getX()).getElementType().isF32())
    return false;
  // Differences of narrower codes fit 8 bits; nibbles have zeros of their own.
  bool wholeZeros = !op.getZeroPoint() || isa<IntegerType>(typeOf(op.getZeroPoint()).getElementType());
  bool fits = wholeZeros ? integer.getWidth() < 8 || (!op.getZeroPoint() && !integer.isUnsigned()) : hasNibbles(op);
  bool isConstant = op.getQ().getDefiningOp<nn::ConstantOp>() && op.getScale().getDefiningOp<nn::ConstantOp>() &&
                    (!op.getZeroPoint() || op.getZeroPoint().getDefiningOp<nn::ConstantOp>());
  bool alongDepth = op.getAxis() && *op.getAxis() == depth, onlyOne = typeOf(op.getScale()).getNumElements() == 1;
  return fits && isConstant && typeOf(op.getScale()).getElementType().isF32() && (onlyOne || alongDepth == op.getBlockSize().has_value()) &&
         gridOf(op).has_value();
}

bool qopt::qcpu::hasNibbles(qir::DequantizeOp op) { return typeOf(op.getQ()).getElementTypeBitWidth() <= 4; }

ScaledCodes qopt::qcpu::scaledCodes(qir::DequantizeOp op, bool transposed, float factor) {
  RankedTensorType type = typeOf(op.getQ());
  int64_t rows = type.getDimSize(0), columns = type.getDimSize(1), k = transposed ? columns : rows, n = transposed ? rows : columns;
  BlockGrid grid = *gridOf(op);
  std::vector<int32_t> q = constantData(op.getQ())->asInt32();
  std::vector<float> zeros = op.getZeroPoint() ? zerosOf(*constantData(op.getZeroPoint())) : std::vector<float>();
  std::vector<float> scales = *decodedElements(op.getScale());
  int64_t group = std::max<int64_t>(1, op.getBlockSize() ? static_cast<int64_t>(*op.getBlockSize()) : k);
  int64_t groups = (k + group - 1) / group;
  bool nibbles = hasNibbles(op);
  int32_t offset = nibbles && !typeOf(op.getQ()).getElementType().isUnsignedInteger() ? 8 : 0;
  ScaledCodes result{{k, n, std::vector<int8_t>(q.size())}, {groups, n, std::vector<float>(groups * n)}, {groups, n, {}}, group};
  if (nibbles)
    result.zeros.elements.resize(groups * n);
  grid.forEachRun([&](const BlockGrid::Run &run) {
    for (int64_t i = 0; i < run.count; ++i) {
      int64_t at = run.begin + i, row = at / columns, column = at % columns, scale = run.scale + i * run.scaleStride;
      int64_t depth = transposed ? column : row, output = transposed ? row : column;
      float zero = zeros.empty() ? 0 : zeros[scale];
      result.codes.elements[depth * n + output] = static_cast<int8_t>(nibbles ? q[at] + offset : q[at] - static_cast<int32_t>(zero));
      result.scales.elements[depth / group * n + output] = scales[scale] * factor;
      if (nibbles)
        result.zeros.elements[depth / group * n + output] = zero + static_cast<float>(offset);
    }
  });
  if (llvm::all_of(result.zeros.elements, [](float zero) { return zero == 8; }))
    result.zeros.elements.clear();
  return result;
}
