// Runs an instrumented program over samples and gathers statistics. Knows executors, not how they were made.
#pragma once
#include "qopt/Calibration/Columns.h"
#include "qopt/Calibration/Statistics.h"
#include "qopt/Execution/Executor.h"

#include <functional>

namespace qopt {

struct CalibrationOptions {
  int64_t samples = -1;     ///< at most so many; -1: all
  int64_t batch = 8;        ///< samples a run, where the data allows batches
  int64_t firstSample = 0;  ///< index of the first sample, for shards of one data set
  std::function<void(int64_t done, int64_t total)> progress;
  /// Inputs of linears whose Gram matrices are gathered as well (Statistics::inputs), and the threads that do it.
  std::vector<InputColumns> columns;
  ParallelFor parallelFor = serialFor;
  /// Where given, the float model and its sites: rows of `columns` are paired with those that it shows for the same samples.
  Executor *reference = nullptr;
  llvm::ArrayRef<SiteInfo> referenceSites = {};
};

/// Statistics over `source` for `sites`, in the order of the program's site indices. Memory does not depend on the number of samples.
/// Errors: what the source and the program say.
llvm::Expected<Statistics> calibrate(Executor &executor, SampleSource &source, llvm::ArrayRef<SiteInfo> sites,
                                     const CalibrationOptions &options);

} // namespace qopt
