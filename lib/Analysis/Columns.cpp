#include "qopt/Analysis/Columns.h"

#include "qopt/Analysis/Sites.h"
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Interfaces/LinearLike.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace qopt;

namespace {

bool all(ArrayRef<int64_t> values, int64_t wanted) {
  return llvm::all_of(values, [&](int64_t value) { return value == wanted; });
}

void appendDims(std::string &text, char tag, ArrayRef<int64_t> values) {
  for (auto [index, value] : llvm::enumerate(values))
    text += (index == 0 ? tag : 'x') + std::to_string(value);
}

std::optional<InputColumns> windowColumns(nn::ConvOp conv, InputColumns columns, std::string &why) {
  auto weight = cast<RankedTensorType>(conv.getW().getType());
  if (conv.getAutoPad() != "NOTSET")
    why = "the padding of its windows depends on the input's size";
  else if (conv.getLayout() != "NCX" || !weight.hasStaticShape())
    why = "its windows do not lie in ONNX's layout";
  if (!why.empty())
    return std::nullopt;
  columns.kernel = weight.getShape().drop_front(2).vec();
  columns.strides = conv.getStrides().vec();
  columns.dilations = conv.getDilations().vec();
  columns.pads = conv.getPads().vec();
  return columns;
}

} // namespace

std::string InputColumns::key() const {
  std::string text = site;
  if (kernel.empty() || (all(kernel, 1) && all(strides, 1) && all(pads, 0)))
    return text;
  text += "@";
  appendDims(text, 'k', kernel);
  appendDims(text, 's', strides);
  appendDims(text, 'd', dilations);
  appendDims(text, 'p', pads);
  return text;
}

std::optional<InputColumns> qopt::inputColumns(LinearLikeOpInterface op, const Sites &sites, std::string &why) {
  Value activation = op.getActivationOperand().get();
  InputColumns columns;
  columns.site = sites.name(activation).str();
  columns.channelAxis = op.getActivationChannelAxis();
  if (columns.site.empty())
    why = "its input is no float tensor";
  else if (op.getChannelGroups() != 1)
    why = "its channels fall into groups";
  if (!why.empty())
    return std::nullopt;
  if (auto conv = dyn_cast<nn::ConvOp>(op.getOperation()))
    return windowColumns(conv, columns, why);
  if (cast<RankedTensorType>(op.getWeightOperand().get().getType()).getRank() == 2)
    return columns;
  why = "its weight is no matrix";
  return std::nullopt;
}
