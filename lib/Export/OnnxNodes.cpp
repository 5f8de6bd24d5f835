#include "OnnxNodes.h"

#include "OnnxProto.h"

#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cctype>

using namespace mlir;
using namespace qopt;

namespace {

struct Name {
  llvm::StringLiteral mnemonic, onnx;
  int64_t opset = 21;
};

// ONNX's name where it is not the mnemonic in camel case; and forms that need a newer opset.
constexpr Name kNames[] = {
    {"attention", "Attention", 23},      {"bit_cast", "BitCast", 26},          {"gather_nd", "GatherND"},
    {"is_inf", "IsInf"},                 {"is_nan", "IsNaN"},                  {"lrn", "LRN"},
    {"matmul", "MatMul"},                {"max_pool_indices", "MaxPool"},      {"prelu", "PRelu"},
    {"rms_normalization", "RMSNormalization", 23}, {"scatter_nd", "ScatterND"}, {"swish", "Swish", 24},
    {"top_k", "TopK"},
};

std::string camelCase(llvm::StringRef mnemonic) {
  std::string name;
  bool upper = true;
  for (char c : mnemonic) {
    if (c != '_')
      name.push_back(upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c);
    upper = c == '_';
  }
  return name;
}

void setName(NodeForm &form, llvm::StringRef mnemonic) {
  const auto *row = llvm::find_if(kNames, [&](const Name &n) { return n.mnemonic == mnemonic; });
  form.opType = row == std::end(kNames) ? camelCase(mnemonic) : row->onnx.str();
  form.opset = row == std::end(kNames) ? 21 : row->opset;
}

NodeForm::Input integers(ArrayRef<int64_t> values) { return {{}, std::vector<int64_t>(values), {}, {}}; }
NodeForm::Input scalar(int64_t value) { return {{}, {}, value, {}}; }
NodeForm::Input optional(Value value) { return {value, {}, {}, {}}; }

/// All attributes but the named ones.
void copyAttributes(NodeForm &form, Operation *op, ArrayRef<llvm::StringRef> without = {}) {
  llvm::StringSet<> skipped;
  for (llvm::StringRef name : without)
    skipped.insert(name);
  skipped.insert("operandSegmentSizes");
  for (NamedAttribute attr : op->getAttrDictionary())
    if (!skipped.contains(attr.getName()) && !attr.getName().getValue().contains('.'))
      form.attributes.push_back({attr.getName().str(), attr.getValue()});
}

/// Where axes are an attribute here and an input there.
void axesAsInput(NodeForm &form, Operation *op) {
  form.inputs.push_back(integers(op->getAttrOfType<DenseI64ArrayAttr>("axes").asArrayRef()));
  copyAttributes(form, op, {"axes"});
}

bool channelsLast(Operation *op) {
  auto layout = op->getAttrOfType<StringAttr>("layout");
  return layout && layout != "NCX";
}

/// Convolutions and pools: explicit pads rule out auto_pad.
void windowAttributes(NodeForm &form, Operation *op) {
  auto automatic = op->getAttrOfType<StringAttr>("auto_pad");
  if (automatic && automatic != "NOTSET")
    copyAttributes(form, op, {"layout", "pads"});
  else
    copyAttributes(form, op, {"layout", "auto_pad"});
}

void quantizationAttributes(NodeForm &form, Operation *op, Value scale) {
  copyAttributes(form, op, {"saturate"});
  bool hasAxis = op->hasAttr("axis");
  if (!hasAxis && cast<RankedTensorType>(scale.getType()).getRank() == 1)
    form.attributes.push_back({"axis", Builder(op->getContext()).getI64IntegerAttr(1)});
}

constexpr llvm::StringLiteral kBoxes = "ONNX has blocks along one axis only, not boxes of several dims";

/// The least opset whose quantize and dequantize know the element type.
int64_t opsetOf(Type type) {
  if (isa<Float8E8M0FNUType>(type))
    return 24;
  if (isa<Float4E2M1FNType>(type))
    return 23;
  return isa<IntegerType>(type) && type.getIntOrFloatBitWidth() == 2 ? 25 : 21;
}

/// The zero point; one that is not there is spelled out for 8-bit integers, as ONNX Runtime's rewrites of s8 weights to u8 need it.
NodeForm::Input zeroPoint(Value given, Value scale, Type codes) {
  auto type = cast<RankedTensorType>(scale.getType());
  if (given || !type.hasStaticShape() || !isa<IntegerType>(codes) || codes.getIntOrFloatBitWidth() != 8)
    return optional(given);
  auto zeros = type.clone(codes);
  return {{}, {}, {}, DenseElementsAttr::get(zeros, APInt(8, 0))};
}

std::string quantizeForm(NodeForm &form, qir::QuantizeOp op) {
  form.opType = "QuantizeLinear";
  if (cast<RankedTensorType>(op.getScale().getType()).getRank() > 1 && !op.getBlockSize())
    return "a scale of more than one dim needs a block size";
  if (op.getBlockShape())
    return kBoxes.str();
  Type codes = cast<RankedTensorType>(op.getQ().getType()).getElementType();
  form.opset = std::max(opsetOf(codes), opsetOf(cast<RankedTensorType>(op.getScale().getType()).getElementType()));
  form.inputs = {optional(op.getX()), optional(op.getScale()), zeroPoint(op.getZeroPoint(), op.getScale(), codes)};
  quantizationAttributes(form, op, op.getScale());
  Builder b(op.getContext());
  if (!op.getZeroPoint() && !form.inputs.back().elements)
    form.attributes.push_back(
        {"output_dtype", b.getI64IntegerAttr(onnxElementType(codes))});
  return {};
}

std::string dequantizeForm(NodeForm &form, qir::DequantizeOp op) {
  if (op.getBlockShape())
    return kBoxes.str();
  form.opType = "DequantizeLinear";
  if (op.getZeroPoint() && cast<RankedTensorType>(op.getZeroPoint().getType()).getElementType() != cast<RankedTensorType>(op.getQ().getType()).getElementType())
    return "DequantizeLinear has no zero points that are floats";
  Type codes = cast<RankedTensorType>(op.getQ().getType()).getElementType();
  form.opset = std::max(opsetOf(codes), opsetOf(cast<RankedTensorType>(op.getScale().getType()).getElementType()));
  form.inputs = {optional(op.getQ()), optional(op.getScale()), zeroPoint(op.getZeroPoint(), op.getScale(), codes)};
  quantizationAttributes(form, op, op.getScale());
  return {};
}

void sliceForm(NodeForm &form, nn::SliceOp op) {
  form.inputs = {optional(op.getData()), optional(op.getStarts()), optional(op.getEnds()), integers(op.getAxes()),
                 integers(op.getSteps())};
}

void castForm(NodeForm &form, nn::CastOp op) {
  Builder b(op.getContext());
  form.inputs = {optional(op.getX())};
  form.attributes = {{"to", b.getI64IntegerAttr(onnxElementType(cast<RankedTensorType>(op.getY().getType()).getElementType()))}};
  if (!op.getSaturate())
    form.attributes.push_back({"saturate", b.getI64IntegerAttr(0)});
}

/// Ops whose operands stand in ONNX's order.
void plainInputs(NodeForm &form, Operation *op) {
  for (Value operand : op->getOperands())
    form.inputs.push_back(optional(operand));
}

/// Ops whose ONNX form differs from ours in more than names. False: the op is plain.
bool specialForm(NodeForm &form, Operation *op) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<nn::ClipOp>([&](auto clip) {
        form.inputs = {optional(clip.getX()), optional(clip.getLow()), optional(clip.getHigh())};
        return true;
      })
      .Case<nn::ResizeOp>([&](auto resize) {
        form.inputs = {optional(resize.getX()), optional(resize.getRoi()), optional(resize.getScales()),
                       optional(resize.getSizes())};
        copyAttributes(form, op);
        return true;
      })
      .Case<nn::SliceOp>([&](auto slice) { return sliceForm(form, slice), true; })
      .Case<nn::CastOp>([&](auto cast) { return castForm(form, cast), true; })
      .Case<nn::SqueezeOp, nn::UnsqueezeOp>([&](auto) { return plainInputs(form, op), axesAsInput(form, op), true; })
      .Case<nn::CumSumOp>([&](auto sum) {
        plainInputs(form, op);
        form.inputs.push_back(scalar(sum.getAxis()));
        copyAttributes(form, op, {"axis"});
        return true;
      })
      .Case<nn::SplitOp>([&](auto split) {
        plainInputs(form, op);
        if (auto sizes = split.getSplit())
          form.inputs.push_back(integers(*sizes));
        copyAttributes(form, op, {"split"});
        if (!split.getSplit())
          form.attributes.push_back({"num_outputs", Builder(op->getContext()).getI64IntegerAttr(op->getNumResults())});
        return true;
      })
      .Case<nn::ConstantOfShapeOp>([&](auto) {
        plainInputs(form, op);
        copyAttributes(form, op);
        return true;
      })
      .Default([&](Operation *) {
        if (!op->hasTrait<nn::Reduction>())
          return false;
        plainInputs(form, op);
        axesAsInput(form, op);
        form.attributes.push_back({"noop_with_empty_axes", Builder(op->getContext()).getI64IntegerAttr(1)});
        return true;
      });
}

} // namespace

NodeFormOrReason qopt::onnxForm(Operation *op) {
  NodeForm form;
  if (auto quantize = dyn_cast<qir::QuantizeOp>(op)) {
    std::string reason = quantizeForm(form, quantize);
    return reason.empty() ? NodeFormOrReason{form, {}} : NodeFormOrReason{{}, reason};
  }
  if (auto dequantize = dyn_cast<qir::DequantizeOp>(op)) {
    std::string reason = dequantizeForm(form, dequantize);
    return reason.empty() ? NodeFormOrReason{form, {}} : NodeFormOrReason{{}, reason};
  }
  if (isa<qir::IntegerMatMulOp>(op)) {
    form.opType = "MatMulInteger";
    plainInputs(form, op);
    return {form, {}};
  }
  if (isa<qir::DynamicScaleOp>(op))
    return {{}, "scales of groups within a row, or scales that are codes, cannot be computed at run time by ONNX's standard ops"};
  if (!isa_and_nonnull<nn::NNDialect>(op->getDialect()))
    return {{}, "ONNX has no op for '" + op->getName().getStringRef().str() + "'"};
  if (channelsLast(op))
    return {{}, "it computes in channels-last layout, which ONNX does not have"};
  setName(form, op->getName().stripDialect());
  if (specialForm(form, op))
    return {form, {}};
  plainInputs(form, op);
  if (op->hasAttr("auto_pad") || op->hasAttr("layout"))
    windowAttributes(form, op);
  else
    copyAttributes(form, op);
  return {form, {}};
}
