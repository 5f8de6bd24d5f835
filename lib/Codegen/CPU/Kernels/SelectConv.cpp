#include "Selection.h"
#include "qopt/Codegen/CPU/Kernels/QCPU.h"
#include "qopt/Conversion/Common/Windows.h"
#include "qopt/Dialect/NN/IR/NN.h"

using namespace mlir;
using namespace qopt::qcpu;
using qopt::Values;
namespace nn = qopt::nn;

/// More taps than that and a depthwise kernel has no room for their addresses (DepthwiseKernel.cpp).
static constexpr int64_t maxDepthwiseTaps = 128;

static bool allAre(ArrayRef<int64_t> values, int64_t expected) {
  return llvm::all_of(values, [&](int64_t value) { return value == expected; });
}

ConvKind qopt::qcpu::classifyConv(const ConvSite &site) {
  auto w = dyn_cast<RankedTensorType>(site.w.getType());
  if (site.layout != "NXC" || site.autoPad != "NOTSET" || site.strides.size() != 2 || !w || !w.hasStaticShape())
    return ConvKind::None;
  ArrayRef<int64_t> shape = w.getShape(); // window h, window w, channels / group, outputs
  if (site.group == 1) {
    bool isProduct = shape[0] == 1 && shape[1] == 1 && allAre(site.strides, 1) && allAre(site.pads, 0);
    return isProduct ? ConvKind::Product : ConvKind::Dense;
  }
  int64_t channels = cast<RankedTensorType>(site.x.getType()).getDimSize(3);
  bool isDepthwise = site.group == channels && shape[2] == 1 && shape[3] == site.group;
  return isDepthwise && shape[0] * shape[1] <= maxDepthwiseTaps ? ConvKind::Depthwise : ConvKind::None;
}

Value qopt::qcpu::emitConvOp(qopt::Emitter &e, const ConvSite &site, ConvKind kind, Value weights, int64_t outputs,
                             Value init, Value pad, const KernelForm &form, Type accumulator) {
  bool aUnsigned = qopt::Emitter::elementType(site.x).isUnsignedInteger();
  if (kind == ConvKind::Product)
    return emitGemmOp(e, e[site.x], aUnsigned, site.result, weights, outputs, init, form, accumulator, e.dims(site.x));
  qopt::Windows windows{site.x, {}, site.strides, site.dilations, site.pads, site.autoPad, /*isLast=*/true};
  ArrayRef<int64_t> shape = cast<RankedTensorType>(site.w.getType()).getShape();
  windows.kernel = {e.index(shape[0]), e.index(shape[1])};
  Values counts = qopt::windowCounts(e, windows, qopt::windowPadding(e, windows));
  RankedTensorType type = e.stored(site.result).clone(accumulator);
  Value out = e.empty(type, {e.dim(site.x, 0), counts[0], counts[1], e.index(outputs)});
  auto array = [&](ArrayRef<int64_t> values) { return e.b.getDenseI64ArrayAttr(values.take_front(2)); };
  auto create = [&](auto tag) {
    return decltype(tag)::create(e.b, TypeRange{type}, e[site.x], weights, init, pad, ValueRange{}, out,
                                 e.b.getStringAttr(form.name), array(shape), array(site.strides), array(site.dilations),
                                 array(site.pads), e.b.getBoolAttr(aUnsigned))
        .getResult(0);
  };
  return kind == ConvKind::Dense ? create(ConvOp()) : create(DepthwiseConvOp());
}

namespace {

ConvSite siteOf(nn::ConvOp op) {
  return {op.getX(), op.getY(), op.getW(), op.getStrides(), op.getDilations(), op.getPads(), op.getAutoPad(), op.getLayout(),
          static_cast<int64_t>(op.getGroup())};
}

Values selectConv(nn::ConvOp op, qopt::Emitter &e, const KernelForm &form) {
  ConvSite site = siteOf(op);
  ConvKind kind = classifyConv(site);
  auto weights = constantData(op.getW());
  if (kind == ConvKind::None || !weights || !weights->type.getElementType().isF32() ||
      !qopt::Emitter::elementType(op.getX()).isF32())
    return {};
  std::optional<ConstantData> bias = constantData(op.getB());
  if (op.getB() && !bias)
    return {};
  ArrayRef<int64_t> shape = weights->type.getShape();
  int64_t outputs = shape[3], depth = shape[0] * shape[1] * shape[2];
  Value packed, init;
  std::vector<float> biasValues;
  if (bias)
    biasValues.assign(bias->as<float>().begin(), bias->as<float>().end());
  if (kind == ConvKind::Depthwise) {
    packed = makeConstant<float>(e, {shape[0] * shape[1], outputs}, e.b.getF32Type(), weights->as<float>());
    if (bias)
      init = makeConstant<float>(e, {outputs}, e.b.getF32Type(), biasValues);
  } else {
    Matrix<float> matrix{depth, outputs, {weights->as<float>().begin(), weights->as<float>().end()}};
    packed = packPanels(e, form, matrix);
    if (bias)
      init = padToPanels<float>(e, form, biasValues);
  }
  return {emitConvOp(e, site, kind, packed, outputs, init, {}, form, e.b.getF32Type())};
}

} // namespace

void qopt::qcpu::addConvKernels(LoweringTable &table, const CpuFeatures &features) {
  if (const KernelForm *form = selectKernelForm(Operands::F32, features))
    table.prefer<nn::ConvOp>([form](nn::ConvOp op, qopt::Emitter &e) { return selectConv(op, e, *form); });
}
