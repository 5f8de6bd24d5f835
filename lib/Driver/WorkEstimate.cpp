// What a command line asks for, as Estimate.h wants it.
#include "Contents.h"
#include "Estimate.h"

#include "qopt/Calibration/SampleSource.h"

using namespace llvm;
using namespace qopt;

namespace {

/// Samples where nobody says how many there will be.
constexpr int64_t kAssumedSamples = 128;

Error readShapes(StringRef path, mlir::ModuleOp module, int64_t wanted, int64_t batch, WorkToEstimate &work) {
  const std::vector<ValueSpec> inputs = contentsOf(module).inputs;
  auto source = SampleSource::open(path, inputs);
  if (!source)
    return source.takeError();
  int64_t there = (*source)->size();
  work.samples = wanted < 0 ? there : std::min(wanted, there);
  work.batch = (*source)->canBatch() ? std::min(batchFor(inputs, batch), work.samples) : 1;
  auto first = (*source)->read(0, work.batch);
  if (!first)
    return first.takeError();
  for (const Tensor &tensor : *first)
    work.inputShapes.push_back(SmallVector<int64_t>(tensor.shape()));
  return Error::success();
}

} // namespace

Expected<WorkToEstimate> qopt::workToEstimate(const Arguments &arguments, const Recipe &recipe, mlir::ModuleOp module) {
  WorkToEstimate work;
  work.recipe = &recipe;
  work.output = arguments.get("-o", "").str();
  work.keepsWork = arguments.has("--work-dir");
  work.readsStatistics = arguments.has("--stats");
  auto samples = arguments.integer("--samples", recipe.calibration.samples.value_or(-1), 1), batch = arguments.integer("--batch", 8, 1),
       noise = arguments.integer("--noise-samples", 8, 0);
  for (auto *number : {&samples, &batch, &noise})
    if (!*number)
      return number->takeError();
  auto data = arguments.get("--calibration-data");
  if (data) {
    if (Error error = readShapes(*data, module, *samples, *batch, work))
      return std::move(error);
  } else if (recipe.needsCalibration() && !work.readsStatistics) {
    work.samples = *samples < 0 ? kAssumedSamples : *samples;
    work.batch = std::min(*batch, work.samples);
  }
  bool unread = arguments.has("--quiet") && !arguments.has("--report");
  work.noiseSamples = data && !unread ? *noise : 0;
  return work;
}
