#include "Commands.h"
#include "Models.h"
#include "Tensors.h"

#include "llvm/Support/JSON.h"
#include <chrono>

using namespace llvm;

namespace qopt {

namespace {

constexpr Option options[] = {
    {"--input", "NAME=FILE", "an input from a .npy or .pb file; without a name, all inputs of a .npz or of a folder test_data_set_N"},
    {"-o", "OUT.npz", "where the outputs go, under the model's names (one output: .npy, too)"},
    {"--batch", "N", "run N samples at a time along axis 0 and join the outputs"},
    {"--repeat", "N", "run N times and report the times (after one run that does not count)"},
    {"--threads", "N", "threads to use (default: one for each core)"},
    {"--target", "T", "what to compile for (default: host)"},
    {"-O", "LEVEL", "LLVM's optimization level, 0 to 3 (default 3)"},
    {"--profile", "", "print the time spent in each kernel"},
    {"--json", "FILE", "write median_ms, min_ms, runs, threads, compile_ms as JSON; - is standard output"},
};

using Clock = std::chrono::steady_clock;

double millisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct Timing {
  double compileMs = 0;
  std::vector<double> runMs;
  double median() const {
    std::vector<double> sorted = runMs;
    llvm::sort(sorted);
    size_t middle = sorted.size() / 2;
    return sorted.size() % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
};

/// One pass over the inputs, `batch` samples at a time (0: all at once).
Expected<SmallVector<Tensor>> runBatches(Executor &executor, ArrayRef<Tensor> inputs, int64_t batch) {
  if (batch == 0 || inputs.empty())
    return executor.run(inputs);
  for (const Tensor &input : inputs)
    if (input.rank() == 0 || input.dim(0) != inputs[0].dim(0))
      return makeError("--batch needs inputs with the same number of samples along axis 0");
  std::vector<std::vector<Tensor>> parts(executor.outputs().size());
  for (int64_t begin = 0, samples = inputs[0].dim(0); begin < samples; begin += batch) {
    SmallVector<Tensor> slices;
    for (const Tensor &input : inputs) {
      auto slice = input.slice(begin, std::min(begin + batch, samples));
      if (!slice)
        return slice.takeError();
      slices.push_back(*slice);
    }
    auto outputs = executor.run(slices);
    if (!outputs)
      return outputs.takeError();
    for (auto [part, output] : zip(parts, *outputs))
      part.push_back(output);
  }
  SmallVector<Tensor> joined;
  for (const auto &part : parts) {
    auto output = Tensor::concat(part);
    if (!output)
      return output.takeError();
    joined.push_back(*output);
  }
  return joined;
}

Error writeJson(StringRef path, const Executor &executor, const Timing &timing, Session &session) {
  json::Object report{{"median_ms", timing.median()},
                      {"min_ms", *llvm::min_element(timing.runMs)},
                      {"runs", int64_t(timing.runMs.size())},
                      {"threads", executor.threads()},
                      {"compile_ms", timing.compileMs}};
  return writeText(path, formatv("{0:2}\n", json::Value(std::move(report))).str(), session);
}

void printProfile(const Executor &executor, raw_ostream &os) {
  std::vector<KernelTime> times = executor.profile();
  llvm::sort(times, [](const KernelTime &a, const KernelTime &b) { return std::tie(b.totalNs, a.name) < std::tie(a.totalNs, b.name); });
  os << "  total ms    calls  kernel\n";
  for (const KernelTime &time : times)
    if (time.calls)
      os << formatv("{0,10:f3} {1,8}  {2}\n", time.totalNs / 1e6, time.calls, time.name);
}

Expected<int> run(const Arguments &arguments, Session &session) {
  if (arguments.positional().size() != 1)
    return usageError("`qopt run` takes one model or artifact");
  auto batch = arguments.integer("--batch", 0, 1), repeat = arguments.integer("--repeat", 0, 1),
       threads = arguments.integer("--threads", 0, 1), level = arguments.integer("-O", 3, 0);
  for (auto *number : {&batch, &repeat, &threads, &level})
    if (!*number)
      return number->takeError();
  Clock::time_point start = Clock::now();
  auto executor =
      loadExecutor(arguments.positional()[0], arguments.get("--target", "host"), int32_t(*threads), *level, session);
  if (!executor)
    return executor.takeError();
  Timing timing;
  timing.compileMs = millisecondsSince(start);
  auto inputs = loadInputs(arguments.all("--input"), (*executor)->inputs());
  if (!inputs)
    return inputs.takeError();
  if (arguments.has("--profile"))
    if (Error error = (*executor)->enableProfile())
      return std::move(error);
  SmallVector<Tensor> outputs;
  for (int64_t i = 0, runs = *repeat + 1; i < runs; ++i) {
    start = Clock::now();
    auto result = runBatches(**executor, *inputs, *batch);
    if (!result)
      return result.takeError();
    if (i > 0 || *repeat == 0)
      timing.runMs.push_back(millisecondsSince(start));
    outputs = std::move(*result);
  }
  if (arguments.has("--profile"))
    printProfile(**executor, session.err);
  if (auto path = arguments.get("-o"))
    if (Error error = saveOutputs(*path, (*executor)->outputs(), outputs))
      return std::move(error);
  if (auto path = arguments.get("--json"))
    if (Error error = writeJson(*path, **executor, timing, session))
      return std::move(error);
  return Done;
}

} // namespace

const Command &runCommand() {
  static const Command command = {"run",
                                  "MODEL|ARTIFACT --input NAME=FILE.npy … [options]",
                                  "Run a model or a compiled artifact on given inputs",
                                  options,
                                  "  qopt run model.onnx --input x=x.npy -o y.npz\n"
                                  "  qopt run model.so --input samples.npz --batch 8 --repeat 20 --json -\n",
                                  run};
  return command;
}

} // namespace qopt
