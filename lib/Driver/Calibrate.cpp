#include "Commands.h"
#include "Quantization.h"
#include "RecipeOptions.h"

#include "qopt/Support/AtomicFile.h"
#include "qopt/Support/Progress.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace qopt {

namespace {

constexpr Option ownOptions[] = {
    {"--calibration-data", "DATA", "a .npz (samples along axis 0), or a folder of .npz files or of test_data_set_N (a sample each)"},
    {"-o", "FILE.stats", "where the statistics go"},
    {"--samples", "N", "use only the first N samples"},
    {"--first-sample", "N", "index of the first sample, when DATA is a shard of a larger set (default 0)"},
    {"--max-length", "N", "cut samples to so many elements along axis 1, where the inputs' dim is dynamic"},
    {"--gram", "", "also Gram matrices of the inputs of products and convolutions, which gptq, awq and rounding read"},
    {"--batch", "N", "samples a run (default 8)"},
    {"--threads", "N", "threads to use (default: one for each core)"},
};
/// A recipe's, for statistics of the model as it changes that before calibration (equalization, rotation).
constexpr auto options = withRecipeOptions(ownOptions);

Expected<int> run(const Arguments &arguments, Session &session) {
  if (arguments.positional().size() != 1)
    return usageError("`qopt calibrate` takes one model");
  auto data = arguments.get("--calibration-data"), out = arguments.get("-o");
  if (!data || !out)
    return usageError("`qopt calibrate` needs --calibration-data DATA and -o FILE.stats");
  auto samples = arguments.integer("--samples", -1, 1), first = arguments.integer("--first-sample", 0, 0),
       batch = arguments.integer("--batch", 8, 1), threads = arguments.integer("--threads", 0, 1);
  for (auto *number : {&samples, &first, &batch, &threads})
    if (!*number)
      return number->takeError();
  for (StringRef input : {StringRef(arguments.positional()[0]), *data})
    if (Error error = checkNotSameFile(*out, input))
      return std::move(error);
  auto model = loadModel(arguments.positional()[0]);
  if (!model)
    return model.takeError();
  Progress progress(session.err, chooseProgressMode(session.err, arguments.has("--quiet")));
  CalibrationRequest request{arguments.positional()[0], data->str(), *samples, *batch, *first, static_cast<int32_t>(*threads)};
  auto length = arguments.integer("--max-length", 0, 1);
  if (!length)
    return length.takeError();
  if (*length)
    request.maxLength = *length;
  if (any_of(kRecipeOptions, [&](const Option &option) { return arguments.has(option.name); })) {
    auto recipe = chooseRecipe(arguments);
    if (!recipe)
      return recipe.takeError();
    auto rewriting = rewriteModule(*model->module, *recipe, session);
    if (!rewriting)
      return inContext(arguments.positional()[0], rewriting.takeError());
    request.rewriting = std::move(*rewriting);
  }
  if (arguments.has("--gram"))
    request.columns = allInputs(*model->module);
  auto statistics = calibrateModel(*model->module, request, session, progress);
  if (!statistics)
    return statistics.takeError();
  if (Error error = writeStatistics(*out, *statistics))
    return std::move(error);
  return Done;
}

} // namespace

const Command &calibrateCommand() {
  static const Command command = {"calibrate",
                                  "MODEL --calibration-data DATA -o FILE.stats [options]",
                                  "Gather statistics of a model's tensors over samples",
                                  options,
                                  "  qopt calibrate model.onnx --calibration-data calib.npz -o model.stats\n",
                                  run};
  return command;
}

} // namespace qopt
