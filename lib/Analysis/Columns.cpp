#include "qopt/Analysis/Columns.h"

#include "qopt/Analysis/Sites.h"
#include "qopt/Interfaces/LinearLike.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace qopt;

namespace {

/// Small groups share a Gram matrix of up to so many columns, of which only the diagonal blocks count.
constexpr int64_t kColumns = 96;

bool all(ArrayRef<int64_t> values, int64_t wanted) {
  return llvm::all_of(values, [&](int64_t value) { return value == wanted; });
}

void appendDims(std::string &text, char tag, ArrayRef<int64_t> values) {
  for (auto [index, value] : llvm::enumerate(values))
    text += (index == 0 ? tag : 'x') + std::to_string(value);
}

} // namespace

std::string InputColumns::key() const {
  std::string text = site;
  if (channels == 0 && (window.kernel.empty() || (all(window.kernel, 1) && all(window.strides, 1) && all(window.pads, 0))))
    return text;
  text += "@";
  appendDims(text, 'k', window.kernel);
  appendDims(text, 's', window.strides);
  appendDims(text, 'd', window.dilations);
  appendDims(text, 'p', window.pads);
  if (channels > 0)
    text += 'c' + std::to_string(firstChannel) + '+' + std::to_string(channels);
  return window.channelsLast ? text + "/last" : text;
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
  else if (columns.window = op.getInputWindow(); !columns.window.unknown.empty())
    why = columns.window.unknown;
  else if (columns.window.kernel.empty() && !hasMatrixWeight(op))
    why = "its weight is no matrix";
  return why.empty() ? std::optional(columns) : std::nullopt;
}

std::vector<InputColumns> qopt::groupedColumns(LinearLikeOpInterface op, const Sites &sites, std::string &why) {
  int64_t groups = op.getChannelGroups();
  if (groups == 1) {
    auto columns = inputColumns(op, sites, why);
    return columns ? std::vector<InputColumns>{std::move(*columns)} : std::vector<InputColumns>();
  }
  InputColumns columns;
  columns.site = sites.name(op.getActivationOperand().get()).str();
  columns.channelAxis = op.getActivationChannelAxis();
  columns.window = op.getInputWindow();
  if (columns.site.empty())
    why = "its input is no float tensor";
  else if (!columns.window.unknown.empty())
    why = columns.window.unknown;
  else if (columns.window.kernel.empty() || columns.window.channelsLast)
    why = "its groups do not lie in ONNX's layout";
  if (!why.empty())
    return {};
  auto weight = cast<RankedTensorType>(op.getWeightOperand().get().getType());
  int64_t own = weight.getDimSize(op.getWeightInputAxis()), width = weight.getNumElements() / weight.getDimSize(op.getWeightOutputAxis());
  int64_t atOnce = std::max<int64_t>(kColumns / width, 1);
  std::vector<InputColumns> bundles;
  for (int64_t group = 0; group < groups; group += atOnce) {
    columns.firstChannel = group * own;
    columns.channels = std::min(atOnce, groups - group) * own;
    bundles.push_back(columns);
  }
  return bundles;
}
