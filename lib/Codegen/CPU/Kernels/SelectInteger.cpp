// sum (a - za)(w - zw) = sum a w' - za sum w', with w' = w - zw folded into the packed weights where it fits 8 bits.
// The column sums are exact in i32 and constant; a constant za makes the whole second term part of `init`.
#include "Selection.h"
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"

using namespace mlir;
using namespace qopt::qcpu;
using qopt::Values;
namespace qir = qopt::qir;

namespace {

/// Weights less their zero points, as K × N.
std::optional<Matrix<int8_t>> centeredWeights(Value weight, Value zeroPoint, int64_t columns) {
  auto data = constantData(weight);
  if (!data || data->type.getElementTypeBitWidth() != 8 || !isa<IntegerType>(data->type.getElementType()))
    return std::nullopt;
  std::vector<int32_t> zeros;
  if (zeroPoint) {
    auto zeroData = constantData(zeroPoint);
    if (!zeroData)
      return std::nullopt;
    zeros = zeroData->asInt32();
    if (zeros.size() != 1 && static_cast<int64_t>(zeros.size()) != columns)
      return std::nullopt;
  }
  std::vector<int32_t> values = data->asInt32();
  Matrix<int8_t> matrix{columns ? static_cast<int64_t>(values.size()) / columns : 0, columns, {}};
  matrix.elements.reserve(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    int32_t zero = zeros.empty() ? 0 : zeros.size() == 1 ? zeros[0] : zeros[i % columns];
    if (values[i] - zero < -128 || values[i] - zero > 127)
      return std::nullopt;
    matrix.elements.push_back(static_cast<int8_t>(values[i] - zero));
  }
  return matrix;
}

std::vector<int32_t> columnSums(const Matrix<int8_t> &matrix) {
  std::vector<int32_t> sums(matrix.n);
  for (size_t i = 0; i < matrix.elements.size(); ++i)
    sums[i % matrix.n] += matrix.elements[i];
  return sums;
}

bool is8Bit(Value value) {
  Type element = qopt::Emitter::elementType(value);
  return isa<IntegerType>(element) && element.getIntOrFloatBitWidth() == 8;
}

/// The activation's zero point: known now, or to be subtracted from the sums as they come.
struct ZeroPoint {
  Value dynamic;       ///< null when known
  int32_t known = 0;
};
ZeroPoint activationZeroPoint(Value zeroPoint) {
  if (!zeroPoint)
    return {};
  if (auto data = constantData(zeroPoint); data && data->type.getNumElements() == 1)
    return {{}, data->asInt32()[0]};
  return {zeroPoint, 0};
}

/// What the sums start from: the shift of signed activations undone, and a known zero point.
std::vector<int32_t> startOf(const KernelForm &form, const std::vector<int32_t> &sums, bool aSigned, int32_t zeroPoint) {
  int64_t factor = -zeroPoint - (aSigned && form.shiftsSignedActivations() ? 128 : 0);
  std::vector<int32_t> start;
  for (int32_t sum : sums)
    start.push_back(static_cast<int32_t>(static_cast<uint32_t>(factor * sum)));
  return start;
}

/// sums - zero point * column sums; the zero point is a scalar or one per row (last dim of size one).
Value subtractZeroPoint(qopt::Emitter &e, Value product, Value zeroPoint, const std::vector<int32_t> &sums) {
  MLIRContext *context = e.b.getContext();
  int64_t rank = qopt::Emitter::rank(product), own = qopt::Emitter::rank(zeroPoint);
  SmallVector<AffineExpr> exprs;
  for (int64_t dim = 0; dim < own; ++dim)
    exprs.push_back(e.knownDim(zeroPoint, dim) == 1 ? getAffineConstantExpr(0, context) : getAffineDimExpr(rank - own + dim, context));
  AffineMap identity = AffineMap::getMultiDimIdentityMap(rank, context);
  AffineMap columns = AffineMap::get(rank, 0, getAffineDimExpr(rank - 1, context), context);
  Type i32 = e.b.getI32Type(), element = qopt::Emitter::elementType(zeroPoint);
  Value constant = makeConstant<int32_t>(e, {static_cast<int64_t>(sums.size())}, i32, sums);
  return e.map(qopt::Emitter::type(product), e.dimsOf(product), {product, e[zeroPoint], constant},
               {identity, AffineMap::get(rank, 0, exprs, context), columns}, [&](qopt::Scalars &s, ValueRange v) {
                 Value zero = s.cast(s.decode(v[1], element), element, i32);
                 return s.sub(v[0], s.mul(zero, v[2]));
               });
}

/// A scalar, or one value for each row of `a` (rank of a, last dim one): then it broadcasts over the columns.
bool broadcastsOverColumns(qopt::Emitter &e, Value zeroPoint, Value a) {
  int64_t rank = qopt::Emitter::rank(zeroPoint);
  return rank == 0 || (rank <= qopt::Emitter::rank(a) && e.knownDim(zeroPoint, rank - 1) == 1);
}

Values selectIntegerMatMul(qir::IntegerMatMulOp op, qopt::Emitter &e, const CpuFeatures &features) {
  auto weightType = cast<RankedTensorType>(op.getB().getType());
  if (weightType.getRank() != 2 || !is8Bit(op.getA()) || qopt::Emitter::rank(op.getA()) < 1 || !weightType.hasStaticShape())
    return {};
  auto weights = centeredWeights(op.getB(), op.getBZeroPoint(), weightType.getDimSize(1));
  if (!weights || e.knownDim(op.getA(), qopt::Emitter::rank(op.getA()) - 1) != weights->k)
    return {};
  ZeroPoint zero = activationZeroPoint(op.getAZeroPoint());
  if (zero.dynamic && !broadcastsOverColumns(e, zero.dynamic, op.getA()))
    return {};
  const KernelForm *form = selectKernelForm(Operands::Int8, features, pairsAreBounded(*weights));
  if (!form)
    return {};
  bool aUnsigned = qopt::Emitter::elementType(op.getA()).isUnsignedInteger();
  std::vector<int32_t> sums = columnSums(*weights);
  Value init = padToPanels<int32_t>(e, *form, startOf(*form, sums, !aUnsigned, zero.known));
  Value product = emitGemmOp(e, e[op.getA()], aUnsigned, op.getY(), packPanels(e, *form, *weights), weights->n, init, *form,
                             e.b.getI32Type(), e.dims(op.getA()));
  return {zero.dynamic ? subtractZeroPoint(e, product, zero.dynamic, sums) : product};
}

Values selectIntegerConv(qir::IntegerConvOp op, qopt::Emitter &e, const CpuFeatures &features) {
  ConvSite site{op.getX(), op.getY(), op.getW(), op.getStrides(), op.getDilations(), op.getPads(), op.getAutoPad(),
                op.getLayout(), static_cast<int64_t>(op.getGroup())};
  ConvKind kind = classifyConv(site);
  if (kind == ConvKind::None || !is8Bit(op.getX()))
    return {};
  ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getW().getType()).getShape();
  auto weights = centeredWeights(op.getW(), op.getWZeroPoint(), shape[3]);
  ZeroPoint zero = activationZeroPoint(op.getXZeroPoint());
  if (!weights || (zero.dynamic && qopt::Emitter::rank(zero.dynamic) != 0))
    return {};
  bool isDepthwise = kind == ConvKind::Depthwise;
  const KernelForm *form = selectKernelForm(Operands::Int8, features, isDepthwise || pairsAreBounded(*weights));
  if (!form)
    return {};
  Type i8 = e.b.getI8Type(), i32 = e.b.getI32Type();
  bool aSigned = !qopt::Emitter::elementType(op.getX()).isUnsignedInteger();
  std::vector<int32_t> sums = columnSums(*weights);
  // Depthwise kernels widen instead of shifting.
  std::vector<int32_t> start = startOf(*form, sums, aSigned && !isDepthwise, zero.known);
  Value packed = isDepthwise ? makeConstant<int8_t>(e, {weights->k, weights->n}, i8, weights->elements)
                             : packPanels(e, *form, *weights);
  Value init = isDepthwise ? makeConstant<int32_t>(e, {weights->n}, i32, start) : padToPanels<int32_t>(e, *form, start);
  // What stands for a real zero outside the image is the zero point itself.
  Value pad = zero.dynamic ? e[zero.dynamic] : Value();
  if (!pad && zero.known != 0)
    pad = arith::ConstantOp::create(
        e.b, DenseElementsAttr::get(RankedTensorType::get({}, i8), APInt(8, zero.known, /*isSigned=*/false, /*implicitTrunc=*/true)));
  Value product = emitConvOp(e, site, kind, packed, shape[3], init, pad, *form, i32);
  return {zero.dynamic ? subtractZeroPoint(e, product, zero.dynamic, sums) : product};
}

} // namespace

void qopt::qcpu::addIntegerKernels(LoweringTable &table, const CpuFeatures &features) {
  table.prefer<qir::IntegerMatMulOp>(
      [features](qir::IntegerMatMulOp op, qopt::Emitter &e) { return selectIntegerMatMul(op, e, features); });
  table.prefer<qir::IntegerConvOp>(
      [features](qir::IntegerConvOp op, qopt::Emitter &e) { return selectIntegerConv(op, e, features); });
}
