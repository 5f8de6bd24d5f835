#include "DecodedWeights.h"
#include "Selection.h"
#include "qopt/Codegen/CPU/Kernels/QCPU.h"
#include "qopt/Dialect/NN/IR/NN.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace qopt::qcpu;
using qopt::Values;
namespace nn = qopt::nn;
namespace qir = qopt::qir;

Value qopt::qcpu::emitGemmOp(qopt::Emitter &e, Value a, bool aUnsigned, Value result, Value packed, int64_t columns,
                             Value init, const KernelForm &form, Type accumulator, Values dims) {
  dims.back() = e.index(columns);
  RankedTensorType type = e.stored(result).clone(accumulator);
  Value out = e.empty(type, dims);
  return GemmOp::create(e.b, TypeRange{type}, a, packed, Value(), Value(), init, out, e.b.getStringAttr(form.name), e.b.getBoolAttr(aUnsigned),
                        e.b.getI64IntegerAttr(0))
      .getResult(0);
}

namespace {

/// A rank-two f32 constant as K × N, transposed and scaled on the way.
std::optional<Matrix<float>> weightMatrix(Value weight, bool transposed, float scale) {
  auto data = constantData(weight);
  if (!data || data->type.getRank() != 2 || !data->type.getElementType().isF32())
    return std::nullopt;
  int64_t rows = data->type.getDimSize(0), columns = data->type.getDimSize(1);
  llvm::ArrayRef<float> values = data->as<float>();
  Matrix<float> matrix{transposed ? columns : rows, transposed ? rows : columns, {}};
  matrix.elements.resize(values.size());
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      matrix.elements[transposed ? column * rows + row : row * columns + column] = values[row * columns + column] * scale;
  return matrix;
}

/// A constant that is one value per column: n values, or ones before them.
std::optional<std::vector<float>> columnVector(Value value, int64_t columns, float scale) {
  auto data = constantData(value);
  if (!data || !data->type.getElementType().isF32() || data->type.getNumElements() != columns || data->type.getRank() == 0 ||
      data->type.getShape().back() != columns)
    return std::nullopt;
  std::vector<float> result;
  for (float element : data->as<float>())
    result.push_back(element * scale);
  return result;
}

/// The constant vector that the only user of a product adds to it, which the product can start from.
Value addedBias(Value product, int64_t columns) {
  if (!product.hasOneUse())
    return {};
  auto add = dyn_cast<nn::AddOp>(*product.user_begin());
  if (!add || add.getC().getType() != product.getType())
    return {};
  Value other = add.getA() == product ? add.getB() : add.getA();
  return columnVector(other, columns, 1) ? other : Value();
}

/// A product with weights that stay codes until their panel is in cache.
Value emitDecodingGemm(qopt::Emitter &e, Value a, Value result, const ScaledCodes &weights, Value init,
                       const KernelForm &form, Values dims) {
  dims.back() = e.index(weights.codes.n);
  RankedTensorType type = e.stored(result);
  Value out = e.empty(type, dims), scales = packPanels(e, form, weights.scales);
  Value packed = form.operands == Operands::Weight4 ? packNibblePanels(e, form, weights.codes) : packPanels(e, form, weights.codes);
  Value zeros = weights.zeros.elements.empty() ? Value() : packPanels(e, form, weights.zeros);
  return GemmOp::create(e.b, TypeRange{type}, a, packed, scales, zeros, init, out, e.b.getStringAttr(form.name), e.b.getBoolAttr(false),
                        e.b.getI64IntegerAttr(weights.group))
      .getResult(0);
}

bool isF32(Value value) { return qopt::Emitter::elementType(value).isF32(); }

Values selectConstantMatMul(nn::MatMulOp op, qopt::Emitter &e, const KernelForm &form) {
  auto weights = weightMatrix(op.getB(), false, 1);
  if (!weights || qopt::Emitter::rank(op.getA()) < 1 || e.knownDim(op.getA(), qopt::Emitter::rank(op.getA()) - 1) != weights->k)
    return {};
  Value init;
  if (Value bias = addedBias(op.getY(), weights->n))
    init = padToPanels<float>(e, form, *columnVector(bias, weights->n, 1));
  return {emitGemmOp(e, e[op.getA()], false, op.getY(), packPanels(e, form, *weights), weights->n, init, form,
                     e.b.getF32Type(), e.dims(op.getA()))};
}

const KernelForm *selectDecodingForm(qir::DequantizeOp weight, const CpuFeatures &features) {
  return weight ? selectKernelForm(hasNibbles(weight) ? Operands::Weight4 : Operands::Weight8, features) : nullptr;
}

Values selectDecodingMatMul(nn::MatMulOp op, qopt::Emitter &e, const CpuFeatures &features) {
  auto weight = op.getB().getDefiningOp<qir::DequantizeOp>();
  const KernelForm *form = selectDecodingForm(weight, features);
  int64_t last = qopt::Emitter::rank(op.getA()) - 1;
  if (!form || !hasPackedForm(weight, false) || last < 0 || !isF32(op.getA()) ||
      e.knownDim(op.getA(), last) != qopt::Emitter::type(op.getB()).getDimSize(0))
    return {};
  ScaledCodes codes = scaledCodes(weight, false, 1);
  Value init;
  if (Value bias = addedBias(op.getY(), codes.codes.n))
    init = padToPanels<float>(e, *form, *columnVector(bias, codes.codes.n, 1));
  return {emitDecodingGemm(e, e[op.getA()], op.getY(), codes, init, *form, e.dims(op.getA()))};
}

Values selectDecodingGemm(nn::GemmOp op, qopt::Emitter &e, const CpuFeatures &features) {
  auto weight = op.getB().getDefiningOp<qir::DequantizeOp>();
  const KernelForm *form = selectDecodingForm(weight, features);
  bool transposed = op.getTransB();
  if (!form || op.getTransA() || !isF32(op.getY()) || !hasPackedForm(weight, transposed) ||
      e.knownDim(op.getA(), 1) != qopt::Emitter::type(op.getB()).getDimSize(transposed ? 1 : 0))
    return {};
  ScaledCodes codes = scaledCodes(weight, transposed, op.getAlpha().convertToFloat());
  Value init;
  float beta = op.getBeta().convertToFloat();
  if (op.getC() && beta != 0) {
    auto bias = columnVector(op.getC(), codes.codes.n, beta);
    if (!bias)
      return {};
    init = padToPanels<float>(e, *form, std::move(*bias));
  }
  return {emitDecodingGemm(e, e[op.getA()], op.getY(), codes, init, *form, e.dims(op.getA()))};
}

Values selectGemm(nn::GemmOp op, qopt::Emitter &e, const KernelForm &form) {
  if (!isF32(op.getY()) || op.getTransA())
    return {};
  auto weights = weightMatrix(op.getB(), op.getTransB(), op.getAlpha().convertToFloat());
  if (!weights || e.knownDim(op.getA(), 1) != weights->k)
    return {};
  Value init;
  float beta = op.getBeta().convertToFloat();
  if (op.getC() && beta != 0) {
    auto bias = columnVector(op.getC(), weights->n, beta);
    if (!bias)
      return {};
    init = padToPanels<float>(e, form, std::move(*bias));
  }
  return {emitGemmOp(e, e[op.getA()], false, op.getY(), packPanels(e, form, *weights), weights->n, init, form,
                     e.b.getF32Type(), e.dims(op.getA()))};
}

/// The addition that a product has done already (addedBias) passes it on.
Values selectBiasAdd(nn::AddOp op, qopt::Emitter &e) {
  for (Value operand : {op.getA(), op.getB()}) {
    auto product = operand.getDefiningOp<nn::MatMulOp>();
    auto gemm = e[operand].getDefiningOp<GemmOp>();
    if (product && gemm && gemm.getInit() && isF32(operand) && addedBias(operand, qopt::Emitter::type(operand).getShape().back()))
      return {e[operand]};
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Products of two computed matrices
//===----------------------------------------------------------------------===//

/// An operand seen through the transposes before it: its lowered value and which of its dims is dim i of the view.
struct View {
  Value source;
  SmallVector<int64_t> perm;
};

View throughTranspose(Value value, llvm::function_ref<bool(ArrayRef<int64_t>)> fits) {
  int64_t rank = qopt::Emitter::rank(value);
  View view{value, llvm::to_vector(llvm::seq<int64_t>(0, rank))};
  if (auto transpose = value.getDefiningOp<nn::TransposeOp>(); transpose && fits(transpose.getPerm()))
    view = View{transpose.getX(), llvm::to_vector(transpose.getPerm())};
  return view;
}

/// Batch dims and element types agree, so that there is nothing to broadcast or convert.
bool isPlainBatch(nn::MatMulOp op, qopt::Emitter &e) {
  int64_t rank = qopt::Emitter::rank(op.getA());
  if (rank < 2 || qopt::Emitter::rank(op.getB()) != rank || !isF32(op.getA()) || !isF32(op.getB()) || !isF32(op.getY()))
    return false;
  for (int64_t dim = 0; dim < rank - 2; ++dim)
    if (!e.sameDim(op.getA(), dim, op.getB(), dim))
      return false;
  return true;
}

/// K is one number on both sides, or the program stops.
void checkInnerDims(nn::MatMulOp op, qopt::Emitter &e) {
  int64_t rank = qopt::Emitter::rank(op.getA());
  if (!e.sameDim(op.getA(), rank - 1, op.getB(), rank - 2))
    e.check(e.eq(e.dim(op.getA(), rank - 1), e.dim(op.getB(), rank - 2)),
            "the operands' inner dims differ, so that there is no matrix product");
}

/// The product, its result laid out so that dim perm[i] is the view's dim i, as `result` of the graph.
Value emitBatch(nn::MatMulOp op, qopt::Emitter &e, const KernelForm &form, Value result, ArrayRef<int64_t> outPerm) {
  int64_t last = qopt::Emitter::rank(op.getA()) - 1;
  View a = throughTranspose(op.getA(), [&](ArrayRef<int64_t> perm) { return perm[last] == last; });
  View b = throughTranspose(op.getB(), [&](ArrayRef<int64_t> perm) { return perm[last] == last || perm[last - 1] == last; });
  Values dims(last + 1);
  for (int64_t dim = 0; dim <= last; ++dim)
    dims[outPerm[dim]] = dim == last ? e.dim(op.getB(), dim) : e.dim(op.getA(), dim);
  RankedTensorType type = e.stored(result);
  Value out = e.empty(type, dims);
  return BatchMatMulOp::create(e.b, TypeRange{type}, e[a.source], e[b.source], out, e.b.getStringAttr(form.name),
                               e.b.getDenseI64ArrayAttr(a.perm), e.b.getDenseI64ArrayAttr(b.perm),
                               e.b.getDenseI64ArrayAttr(outPerm))
      .getResult(0);
}

Values selectMatMul(nn::MatMulOp op, qopt::Emitter &e, const KernelForm &form) {
  if (!isF32(op.getA()) || !isF32(op.getB()) || !isF32(op.getY()))
    return {};
  if (op.getB().getDefiningOp<nn::ConstantOp>())
    if (Values gemm = selectConstantMatMul(op, e, form); !gemm.empty())
      return gemm;
  if (!isPlainBatch(op, e))
    return {};
  checkInnerDims(op, e);
  SmallVector<int64_t> identity = llvm::to_vector(llvm::seq<int64_t>(0, qopt::Emitter::rank(op.getA())));
  return {emitBatch(op, e, form, op.getY(), identity)};
}

/// A transposed product is computed in place; the product itself falls away if nothing else uses it.
Values selectTranspose(nn::TransposeOp op, qopt::Emitter &e, const KernelForm &form) {
  auto product = op.getX().getDefiningOp<nn::MatMulOp>();
  int64_t last = qopt::Emitter::rank(op.getX()) - 1;
  if (!product || !product.getY().hasOneUse() || !e[op.getX()].getDefiningOp<BatchMatMulOp>() || op.getPerm()[last] != last)
    return {};
  SmallVector<int64_t> inverse(op.getPerm().size());
  for (auto [to, from] : llvm::enumerate(op.getPerm()))
    inverse[from] = to;
  return {emitBatch(product, e, form, op.getY(), inverse)};
}

} // namespace

void qopt::qcpu::addMatMulKernels(LoweringTable &table, const CpuFeatures &features) {
  const KernelForm *form = selectKernelForm(Operands::F32, features);
  if (!form)
    return;
  table.prefer<nn::MatMulOp>([form](nn::MatMulOp op, qopt::Emitter &e) { return selectMatMul(op, e, *form); });
  table.prefer<nn::GemmOp>([form](nn::GemmOp op, qopt::Emitter &e) { return selectGemm(op, e, *form); });
  table.prefer<nn::MatMulOp>([features](nn::MatMulOp op, qopt::Emitter &e) { return selectDecodingMatMul(op, e, features); });
  table.prefer<nn::GemmOp>([features](nn::GemmOp op, qopt::Emitter &e) { return selectDecodingGemm(op, e, features); });
  table.prefer<nn::AddOp>([](nn::AddOp op, qopt::Emitter &e) { return selectBiasAdd(op, e); });
  table.prefer<nn::TransposeOp>([form](nn::TransposeOp op, qopt::Emitter &e) { return selectTranspose(op, e, *form); });
}
