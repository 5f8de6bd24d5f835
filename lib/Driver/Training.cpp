#include "Training.h"

#include "qopt/Support/Error.h"

#include "llvm/Support/FormatVariadic.h"

using namespace llvm;
using namespace qopt;

/// One sample in so many is held out.
static constexpr int64_t kHeldOut = 8;

Expected<Division> Division::of(StringRef stage, const SampleSource &source, ArrayRef<ValueSpec> inputs, int64_t asked, int64_t samples) {
  int64_t available = samples < 0 ? source.size() : std::min(samples, source.size());
  int64_t fixed = source.canBatch() ? batchFor(inputs, 0) : 0, whole = std::max<int64_t>(fixed, 1);
  if (available < 2)
    return makeError(stage + " trains on some samples and holds others out, and there is only one: give more calibration data");
  if (available < 2 * whole)
    return makeError(formatv("{0} trains on some samples and holds others out, and the model takes {1} at a time: give {2} samples or more", stage,
                             whole, 2 * whole));
  int64_t used = available - available % whole;
  int64_t held = (std::max<int64_t>(1, used / kHeldOut) + whole - 1) / whole * whole;
  return Division{fixed ? fixed : source.canBatch() ? asked : 1, used - held, used};
}

void qopt::shuffle(std::vector<int64_t> &order, std::mt19937_64 &random) {
  for (size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[random() % i]);
}
