// What the stages that train have in common: how samples are used.
#pragma once
#include "qopt/Calibration/SampleSource.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <random>
#include <vector>

namespace qopt {

/// The first `taught` samples are trained on, the others up to `samples` measure the loss: an eighth, at least one. Both are taken `batch` at a time.
struct Division {
  int64_t batch, taught, samples;

  /// For programs with these inputs; `asked` is the batch where they leave it open. `stage` is named in errors: too few samples to hold one out.
  static llvm::Expected<Division> of(llvm::StringRef stage, const SampleSource &source, llvm::ArrayRef<ValueSpec> inputs, int64_t asked, int64_t samples);
};

/// Any order as likely as any other; the same one everywhere, as std::shuffle is not.
void shuffle(std::vector<int64_t> &order, std::mt19937_64 &random);

} // namespace qopt
