#include "QuantizeWeights.h"
#include "Programs.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Analysis/Sites.h"
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Numerics/Formats/Affine.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include <cstring>

using namespace qopt;

namespace {

mlir::IntegerType codeType(mlir::MLIRContext *context, const OperandSpec &spec) {
  const FormatTraits &format = traits(spec.format);
  return mlir::IntegerType::get(context, format.bits,
                                format.isSigned ? mlir::IntegerType::Signless : mlir::IntegerType::Unsigned);
}

/// Scales lie in [N, groups] everywhere here; this is the grid over [N, K] that has them in that order.
BlockGrid rowGrid(RowShape shape, const OperandSpec &spec) {
  return spec.granularity == Granularity::Tensor ? BlockGrid::perTensor({shape.rows, shape.cols}) : groupGrid(shape, spec);
}

/// Where scales stand in the IR.
struct ScaleLayout {
  llvm::SmallVector<int64_t> shape;
  std::optional<int64_t> axis, blockSize;
  bool groupsFirst = false; ///< [groups, N] instead of [N, groups]
};

ScaleLayout scaleLayout(const WeightRows &weight, const OperandSpec &spec) {
  switch (spec.granularity) {
  case Granularity::Tensor:
    return {};
  case Granularity::Group: {
    ScaleLayout layout{llvm::SmallVector<int64_t>(weight.type().getRank(), 1), weight.inputAxis(), spec.groupSize,
                       weight.inputAxis() < weight.outputAxis()};
    layout.shape[weight.outputAxis()] = weight.shape().rows;
    layout.shape[weight.inputAxis()] = weight.shape().blocksPerRow(spec.groupSize);
    return layout;
  }
  default:
    return {{weight.shape().rows}, weight.outputAxis(), std::nullopt, false};
  }
}

template <typename T> std::vector<T> arrange(llvm::ArrayRef<T> byRows, RowShape shape, bool groupsFirst) {
  if (!groupsFirst || byRows.empty())
    return byRows.vec();
  int64_t groups = static_cast<int64_t>(byRows.size()) / shape.rows;
  std::vector<T> out(byRows.size());
  for (int64_t n = 0; n < shape.rows; ++n)
    for (int64_t g = 0; g < groups; ++g)
      out[g * shape.rows + n] = byRows[n * groups + g];
  return out;
}

/// The same way back.
template <typename T> std::vector<T> byRowsOf(llvm::ArrayRef<T> arranged, RowShape shape, bool groupsFirst) {
  if (!groupsFirst || arranged.empty())
    return arranged.vec();
  int64_t groups = static_cast<int64_t>(arranged.size()) / shape.rows;
  return arrange<T>(arranged, {groups, shape.rows}, true);
}

/// One byte an element, whatever the width.
llvm::ArrayRef<uint8_t> bytesOf(mlir::ElementsAttr attr, std::vector<uint8_t> &storage) {
  if (auto resource = mlir::dyn_cast<mlir::DenseResourceElementsAttr>(attr)) {
    llvm::ArrayRef<char> bytes = resource.getRawHandle().getBlob()->getData();
    return {reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()};
  }
  for (const llvm::APInt &code : mlir::cast<mlir::DenseElementsAttr>(attr).getValues<llvm::APInt>())
    storage.push_back(static_cast<uint8_t>(code.getRawData()[0]));
  return storage;
}

/// The same with whatever the bits beyond the width hold, so that constants made of them are the same attributes.
std::vector<uint8_t> rawBytes(mlir::ElementsAttr attr) {
  std::vector<uint8_t> expanded;
  auto dense = mlir::dyn_cast<mlir::DenseElementsAttr>(attr);
  if (!dense)
    return bytesOf(attr, expanded).vec();
  llvm::ArrayRef<char> raw = dense.getRawData();
  return dense.isSplat() ? std::vector<uint8_t>(dense.getNumElements(), static_cast<uint8_t>(raw[0])) : std::vector<uint8_t>(raw.begin(), raw.end());
}

bool hasZeroPoints(const OperandSpec &spec) { return !spec.symmetric || !traits(spec.format).isSigned; }

template <typename T> std::vector<uint8_t> toBytes(llvm::ArrayRef<T> values) {
  auto *bytes = reinterpret_cast<const uint8_t *>(values.data());
  return {bytes, bytes + values.size() * sizeof(T)};
}

template <typename T> std::vector<T> fromBytes(llvm::ArrayRef<uint8_t> bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

/// Zero points as their constant holds them: codes of a byte each, or floats of four.
std::vector<uint8_t> zeroBytes(llvm::ArrayRef<float> zeroPoints, const OperandSpec &spec) {
  return spec.zeroPointFormat ? toBytes(zeroPoints) : std::vector<uint8_t>(zeroPoints.begin(), zeroPoints.end());
}

/// The constants, of elements in the weight's own order and scales as `layout` has them.
WeightCodes makeCodes(const WeightRows &weight, const OperandSpec &spec, const ScaleLayout &layout, llvm::ArrayRef<uint8_t> elements,
                      llvm::ArrayRef<float> scales, llvm::ArrayRef<uint8_t> zeroPoints) {
  mlir::MLIRContext *context = weight.type().getContext();
  mlir::IntegerType code = codeType(context, spec);
  auto scalesType = mlir::RankedTensorType::get(layout.shape, mlir::Float32Type::get(context));
  WeightCodes result;
  std::string name = "w" + std::string(traits(spec.format).name);
  result.codes = makeElements<uint8_t>(weight.type().clone(code), elements, name);
  result.scales = makeElements<float>(scalesType, scales, name + "_scale");
  if (spec.zeroPointFormat)
    result.zeroPoints = makeElements<float>(scalesType, fromBytes<float>(zeroPoints), name + "_zero");
  else if (hasZeroPoints(spec))
    result.zeroPoints = makeElements<uint8_t>(scalesType.clone(code), zeroPoints, name + "_zero");
  result.axis = layout.axis, result.blockSize = layout.blockSize;
  return result;
}

} // namespace

std::vector<float> qopt::numbersOf(mlir::ElementsAttr attr, bool isSigned) {
  std::vector<float> values;
  if (!attr)
    return values;
  if (attr.getElementType().isF32())
    return FloatElements(attr).values().vec();
  unsigned width = attr.getElementType().getIntOrFloatBitWidth();
  std::vector<uint8_t> storage;
  for (uint8_t byte : bytesOf(attr, storage)) {
    llvm::APInt code(8, byte);
    code = code.trunc(width);
    values.push_back(static_cast<float>(isSigned ? code.getSExtValue() : static_cast<int64_t>(code.getZExtValue())));
  }
  return values;
}

BlockGrid qopt::groupGrid(RowShape shape, const OperandSpec &spec) {
  int64_t length = columnsPerScale(spec);
  return BlockGrid::perGroup({shape.rows, shape.cols}, 1, length ? length : std::max<int64_t>(shape.cols, 1));
}

AffineOptions qopt::affineOptions(const OperandSpec &spec) {
  const FormatTraits &format = traits(spec.format);
  AffineOptions options{intRange(spec.format, /*narrow=*/spec.symmetric && format.isSigned && format.bits > 4)};
  options.symmetric = spec.symmetric;
  options.fractionalZero = spec.zeroPointFormat.has_value();
  options.top = format.bits > 4 ? SymmetricTop::High : SymmetricTop::Signed;
  return options;
}

int64_t qopt::columnsPerScale(const OperandSpec &spec) {
  return spec.granularity == Granularity::Group ? spec.groupSize : 0;
}

std::string qopt::whyNot(const WeightRows &weight, const OperandSpec &spec) {
  if (spec.granularity == Granularity::Group && !weight.isMatrix())
    return "groups of input channels need a matrix or a 1x1 convolution";
  if (spec.granularity == Granularity::Block || spec.granularity == Granularity::Token)
    return "integer weights have a scale per tensor, channel or group";
  return {};
}

WeightCodes qopt::quantizeWeight(const WeightRows &weight, const OperandSpec &spec, ScaleRule rule) {
  if (std::string why = whyNot(weight, spec); !why.empty())
    return {{}, {}, {}, {}, {}, why};
  BlockGrid grid = rowGrid(weight.shape(), spec);
  AffineOptions options = affineOptions(spec);
  Result<GridParams> params = rule == ScaleRule::MSE ? paramsByClipSearch(weight.values(), grid, options)
                                                     : paramsFromValues(weight.values(), grid, options);
  if (!params)
    return {{}, {}, {}, {}, {}, "its weight holds a value that is not finite: " + params.error()};
  return encodeRows(weight, weight.values(), *params, spec);
}

WeightCodes qopt::encodeRows(const WeightRows &weight, std::span<const float> values, const GridParams &params,
                             const OperandSpec &spec) {
  AffineOptions options = affineOptions(spec);
  // Two's complement in the low bits is what both signed and unsigned constants hold, one byte an element.
  std::vector<int8_t> signedCodes(values.size());
  std::vector<uint8_t> codes(values.size());
  BlockGrid grid = rowGrid(weight.shape(), spec);
  if (traits(spec.format).isSigned) {
    quantize<int8_t>(values, grid, params.scales, params.zeroPoints, options.range, signedCodes);
    std::copy(signedCodes.begin(), signedCodes.end(), codes.begin());
  } else {
    quantize<uint8_t>(values, grid, params.scales, params.zeroPoints, options.range, codes);
  }
  ScaleLayout layout = scaleLayout(weight, spec);
  return makeCodes(weight, spec, layout, weight.toLayout<uint8_t>(codes), arrange<float>(params.scales, weight.shape(), layout.groupsFirst),
                   zeroBytes(arrange<float>(params.zeroPoints, weight.shape(), layout.groupsFirst), spec));
}

void qopt::readCodes(const WeightCodes &codes, std::vector<uint8_t> &elements, std::vector<float> &scales, std::vector<uint8_t> &zeroPoints) {
  elements = rawBytes(codes.codes);
  scales = FloatElements(codes.scales).values().vec();
  if (codes.zeroPoints && codes.zeroPoints.getElementType().isF32())
    zeroPoints = toBytes<float>(FloatElements(codes.zeroPoints).values());
  else
    zeroPoints = codes.zeroPoints ? rawBytes(codes.zeroPoints) : std::vector<uint8_t>();
}

std::optional<WeightCodes> qopt::codesFrom(const WeightRows &weight, const OperandSpec &spec, llvm::ArrayRef<uint8_t> elements,
                                           llvm::ArrayRef<float> scales, llvm::ArrayRef<uint8_t> zeroPoints) {
  if (!whyNot(weight, spec).empty())
    return std::nullopt;
  ScaleLayout layout = scaleLayout(weight, spec);
  size_t boxes = 1;
  for (int64_t dim : layout.shape)
    boxes *= static_cast<size_t>(dim);
  size_t zeroSize = spec.zeroPointFormat ? sizeof(float) : hasZeroPoints(spec) ? 1 : 0;
  if (elements.size() != weight.values().size() || scales.size() != boxes || zeroPoints.size() != boxes * zeroSize)
    return std::nullopt;
  return makeCodes(weight, spec, layout, elements, scales, zeroPoints);
}

std::vector<float> qopt::decodeRows(const WeightRows &weight, const WeightCodes &codes) {
  bool isSigned = !codes.codes.getElementType().isUnsignedInteger();
  bool grouped = codes.blockSize.has_value(), groupsFirst = grouped && weight.inputAxis() < weight.outputAxis();
  FloatElements scales(codes.scales);
  std::vector<float> scaleRows = byRowsOf<float>(scales.values(), weight.shape(), groupsFirst);
  std::vector<float> zeros = numbersOf(codes.zeroPoints, isSigned);
  zeros = byRowsOf<float>(zeros, weight.shape(), groupsFirst);
  std::vector<float> q = numbersOf(codes.codes, isSigned);
  RowShape shape = weight.shape();
  int64_t groups = codes.axis && shape.rows ? static_cast<int64_t>(scaleRows.size()) / shape.rows : 0;
  int64_t length = grouped ? *codes.blockSize : std::max<int64_t>(shape.cols, 1);
  // Codes lie in the weight's own order.
  std::vector<float> values(q.size());
  weight.forEach([&](size_t row, size_t own) {
    int64_t n = static_cast<int64_t>(row) / shape.cols, k = static_cast<int64_t>(row) % shape.cols;
    int64_t box = groups == 0 ? 0 : n * groups + k / length;
    values[row] = (q[own] - (zeros.empty() ? 0 : zeros[box])) * scaleRows[box];
  });
  return values;
}

void qopt::installWeight(LinearLikeOpInterface op, const WeightCodes &codes) {
  mlir::OpBuilder b(op);
  // A name of its own: the op's stays that of its result, by which later passes find statistics.
  std::string name = nameOf(op) + "/weight";
  mlir::Location loc = mlir::NameLoc::get(b.getStringAttr(name), op.getLoc());
  auto constant = [&](mlir::ElementsAttr attr) {
    return attr ? nn::ConstantOp::create(b, loc, attr).getResult() : mlir::Value();
  };
  auto index = [&](std::optional<int64_t> value) { return value ? b.getI64IntegerAttr(*value) : mlir::IntegerAttr(); };
  mlir::Value q = constant(codes.codes), scale = constant(codes.scales), zero = constant(codes.zeroPoints);
  op.getWeightOperand().set(qir::DequantizeOp::create(b, loc, op.getWeightOperand().get().getType(), q, scale, zero,
                                                      index(codes.axis), index(codes.blockSize)));
}

/// Constants, and what installEncoded makes scales and table look-ups of.
static bool isMadeOfConstants(mlir::Value value) {
  mlir::Operation *op = value.getDefiningOp();
  return op && (constantOf(value) || (mlir::isa<qir::DequantizeOp, qir::LookupOp, nn::AddOp, nn::ReshapeOp>(op) &&
                                      llvm::all_of(op->getOperands(), isMadeOfConstants)));
}

qir::DequantizeOp qopt::quantizedWeight(LinearLikeOpInterface op) {
  auto dequantize = op.getWeightOperand().get().getDefiningOp<qir::DequantizeOp>();
  return dequantize && isMadeOfConstants(dequantize) ? dequantize : qir::DequantizeOp();
}

bool qopt::hasTrainableScales(qir::DequantizeOp weight) {
  return constantOf(weight.getQ()) && mlir::isa<mlir::IntegerType>(mlir::cast<mlir::RankedTensorType>(weight.getQ().getType()).getElementType()) &&
         isF32Tensor(weight.getScale()) && constantOf(weight.getScale()) && weight.getX().hasOneUse();
}
