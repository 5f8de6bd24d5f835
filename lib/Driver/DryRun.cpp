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

} // namespace

Expected<int> qopt::dryRun(const Arguments &arguments, const Recipe &recipe, const Model &model, Session &session) {
  StringRef out = arguments.get("-o", "-"), path = arguments.positional()[0];
  if (Error error = checkWritable(out))
    return std::move(error);
  auto rewriting = rewritingOf(*model.module, recipe);
  if (!rewriting)
    return inContext(path, rewriting.takeError());
  if (auto statistics = givenStatistics(arguments, recipe, *rewriting); !statistics)
    return statistics.takeError();
  return tellPlan(arguments, recipe, model, arguments.has("--target") || isCode(out), session);
}
