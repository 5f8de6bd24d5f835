// What the stages that train have in common: what they are given, and how samples are used.
#pragma once
#include "qopt/Calibration/SampleSource.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>

namespace qopt {

struct TrainingRequest {
  std::string dataPath;
  int64_t samples = -1; ///< -1: all
  std::optional<int64_t> maxLength = {};
  int32_t threads = 0;
};

/// The first `taught` samples are trained on, the others up to `samples` measure the loss: an eighth, at least one. Both are taken `batch` at a time.
struct Division {
  int64_t batch, taught, samples;

  /// For programs with these inputs; `asked` is the batch where they leave it open. `stage` is named in errors: too few samples to hold one out.
  static llvm::Expected<Division> of(llvm::StringRef stage, const SampleSource &source, llvm::ArrayRef<ValueSpec> inputs, int64_t asked, int64_t samples);
};

} // namespace qopt
