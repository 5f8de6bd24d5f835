//===- Columns.h - The matrix that a linear op multiplies its weight with ----===//
//
// A matrix product reads its activation's rows along the input channels; a convolution reads, for each output position, the window
// under its kernel: columns in the order of the weight's own dims, as im2col lays them. Linears with the same columns share statistics.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_ANALYSIS_COLUMNS_H
#define QOPT_ANALYSIS_COLUMNS_H

#include "qopt/Interfaces/InputWindow.h"

#include <optional>
#include <string>

namespace qopt {

class LinearLikeOpInterface;
class Sites;

struct InputColumns {
  std::string site;        ///< the activation
  int64_t channelAxis = 0; ///< of the activation
  InputWindow window;
  /// Of grouped convolutions: the only channels that these columns are of. 0 channels: all.
  int64_t firstChannel = 0, channels = 0;

  /// What statistics are found by: the site, and the window where there is one.
  std::string key() const;
};

/// The columns of an op's input as `weight rows x columns` needs them. Empty, with a clause in `why`, for grouped convolutions, windows
/// whose padding depends on the input, transposed convolutions and batches of weights.
std::optional<InputColumns> inputColumns(LinearLikeOpInterface op, const Sites &sites, std::string &why);

/// The same for grouped convolutions too: each entry has the columns of some whole groups, one group's after another's, in order.
std::vector<InputColumns> groupedColumns(LinearLikeOpInterface op, const Sites &sites, std::string &why);

} // namespace qopt

#endif // QOPT_ANALYSIS_COLUMNS_H
