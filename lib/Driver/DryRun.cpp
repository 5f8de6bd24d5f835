#include "DryRun.h"
#include "Outputs.h"
#include "Planning.h"
#include "Quantization.h"

#include "qopt/Support/AtomicFile.h"

using namespace llvm;
using namespace qopt;

namespace {

/// Whether the output can be written; what was begun leaves nothing behind.
Error checkWritable(StringRef out) {
  if (out == "-")
    return Error::success();
  auto file = AtomicFile::create(out);
  return file ? Error::success() : file.takeError();
}

Error checkStatistics(StringRef file, StringRef model) {
  auto statistics = readStatistics(file);
  if (!statistics)
    return statistics.takeError();
  auto hash = modelHash(model);
  if (!hash)
    return hash.takeError();
  return statistics->modelHash == *hash ? Error::success()
                                        : makeError(file + ": these are statistics of another model, not of " + model + "; calibrate this one");
}

} // namespace

Expected<int> qopt::dryRun(const Arguments &arguments, const Recipe &recipe, const Model &model, Session &session) {
  StringRef out = arguments.get("-o", "-"), path = arguments.positional()[0];
  if (Error error = checkWritable(out))
    return std::move(error);
  auto stats = arguments.get("--stats");
  if (!stats && !arguments.has("--calibration-data") && readsStatistics(recipe))
    return usageError("this scheme needs samples of the model's input: give --calibration-data DATA or --stats FILE");
  if (Error error = stats ? checkStatistics(*stats, path) : Error::success())
    return std::move(error);
  bool boundToTarget = arguments.has("--target") || out.ends_with(".so") || out.ends_with(".o");
  return tellPlan(arguments, recipe, model, boundToTarget, session);
}
