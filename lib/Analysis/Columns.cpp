#include "qopt/Analysis/Columns.h"

#include "qopt/Analysis/Sites.h"
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

} // namespace

std::string InputColumns::key() const {
  std::string text = site;
  if (window.kernel.empty() || (all(window.kernel, 1) && all(window.strides, 1) && all(window.pads, 0)))
    return text;
  text += "@";
  appendDims(text, 'k', window.kernel);
  appendDims(text, 's', window.strides);
  appendDims(text, 'd', window.dilations);
  appendDims(text, 'p', window.pads);
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
