#include "Commands.h"
#include "Models.h"
#include "Tensors.h"

#include "qopt/Calibration/SampleSource.h"
#include "qopt/Numerics/Metrics/Metrics.h"
#include "qopt/Support/Json.h"
#include "qopt/Support/Npy.h"

#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace qopt {

namespace {

constexpr Option options[] = {
    {"--reference", "MODEL", "the model (or artifact) to compare with, usually the float one"},
    {"--data", "DATA", "a .npz (samples along axis 0), or a folder of .npz files or of test_data_set_N (a sample each)"},
    {"--labels", "FILE.npz", "array `labels`: also the share of samples whose greatest output is the label's"},
    {"--perplexity", "INPUT", "also next-token perplexity of the logits over that input's tokens, the second half of each context"},
    {"--samples", "N", "use only the first N samples"},
    {"--batch", "N", "samples a run (default 8)"},
    {"--threads", "N", "threads to use (default: one for each core)"},
    {"--fail-below", "sqnr=XdB", "exit with status 3 when an output's SQNR is lower"},
    {"--json", "FILE", "write the figures as JSON; - is standard output"},
};

struct OutputFigures {
  std::string name;
  SignalNoise noise;
  TopOne agreement, referenceTop, candidateTop;
  Perplexity referencePerplexity, candidatePerplexity;
};

std::span<const float> spanOf(const Tensor &tensor) {
  ArrayRef<float> values = tensor.values<float>();
  return {values.data(), values.size()};
}

/// "sqnr=30dB" → 30.
Expected<double> parseThreshold(StringRef text) {
  StringRef number = text;
  double value = 0;
  if (!number.consume_front("sqnr=") || (number.consume_back("dB"), number.getAsDouble(value)))
    return usageError("--fail-below is '" + text + "'; it must be like sqnr=30dB");
  return value;
}

class Comparison {
public:
  /// Without a reference only perplexity and top-1 of the candidate. `tokens`: the input that perplexity is over, or -1.
  Comparison(Executor *reference, Executor &candidate, int64_t tokens)
      : reference(reference), candidate(candidate), tokens(tokens) {
    for (const ValueSpec &spec : candidate.outputs()) {
      figures.emplace_back();
      figures.back().name = spec.name;
    }
  }

  Error add(ArrayRef<Tensor> inputs, ArrayRef<int64_t> labels) {
    SmallVector<Tensor> r;
    if (reference) {
      auto outputs = reference->run(inputs);
      if (!outputs)
        return inContext("the reference", outputs.takeError());
      r = std::move(*outputs);
    }
    auto c = candidate.run(inputs);
    if (!c)
      return inContext("the candidate", c.takeError());
    for (auto [index, two] : enumerate(*c)) {
      OutputFigures &figure = figures[index];
      if (reference)
        if (Error error = addOutput(r[index], two, labels, figure))
          return error;
      if (tokens < 0)
        continue;
      if (reference)
        addPerplexity(r[index], inputs[tokens], figure.referencePerplexity);
      addPerplexity(two, inputs[tokens], figure.candidatePerplexity);
    }
    return Error::success();
  }

  std::vector<OutputFigures> figures;

private:
  static Error addOutput(const Tensor &r, const Tensor &c, ArrayRef<int64_t> labels, OutputFigures &figure) {
    if (r.shape() != c.shape() || r.dtype() != c.dtype())
      return makeError("output '" + figure.name + "' is " + c.typeString() + ", in the reference " + r.typeString());
    if (r.dtype() != DType::Float32)
      return Error::success(); // Compared only where it is float.
    figure.noise.add(spanOf(r), spanOf(c));
    if (r.rank() < 2 || r.dim(r.rank() - 1) < 2)
      return Error::success();
    int64_t classes = r.dim(r.rank() - 1);
    figure.agreement.addAgreement(spanOf(r), spanOf(c), classes);
    if (r.rank() == 2 && static_cast<int64_t>(labels.size()) == r.dim(0)) {
      figure.referenceTop.add(spanOf(r), classes, {labels.data(), labels.size()});
      figure.candidateTop.add(spanOf(c), classes, {labels.data(), labels.size()});
    }
    return Error::success();
  }

  /// Position i predicts token i + 1; the first half of each context only conditions.
  static void addPerplexity(const Tensor &logits, const Tensor &ids, Perplexity &perplexity) {
    if (logits.dtype() != DType::Float32 || ids.dtype() != DType::Int64 || logits.rank() != 3 || ids.rank() != 2 ||
        logits.dim(0) != ids.dim(0) || logits.dim(1) != ids.dim(1))
      return;
    int64_t length = ids.dim(1), classes = logits.dim(2), first = length / 2, count = length - 1 - first;
    for (int64_t row = 0; row < ids.dim(0) && count > 0; ++row)
      perplexity.add(spanOf(logits).subspan((row * length + first) * classes, count * classes), classes,
                     {ids.values<int64_t>().data() + row * length + first + 1, static_cast<size_t>(count)});
  }

  Executor *reference;
  Executor &candidate;
  int64_t tokens;
};

json::Object rowOf(const OutputFigures &figure) {
  json::Object row{{"output", figure.name}};
  if (figure.noise.valueCount()) {
    row["sqnr_db"] = figure.noise.sqnr();
    row["cosine"] = figure.noise.cosine();
    row["max_abs_error"] = figure.noise.maxAbsError();
    row["not_finite"] = figure.noise.nonFiniteCount();
  }
  if (figure.agreement.rowCount())
    row["top1_agreement"] = figure.agreement.value();
  if (figure.referenceTop.rowCount()) {
    row["top1_reference"] = figure.referenceTop.value();
    row["top1"] = figure.candidateTop.value();
  }
  if (figure.candidatePerplexity.tokenCount())
    row["perplexity"] = figure.candidatePerplexity.value();
  if (figure.referencePerplexity.tokenCount())
    row["perplexity_reference"] = figure.referencePerplexity.value();
  return row;
}

void print(const OutputFigures &figure, raw_ostream &os) {
  os << figure.name << ':';
  if (figure.noise.valueCount())
    os << formatv(" SQNR {0:f2} dB, cosine {1:f6}, largest error {2}", figure.noise.sqnr(), figure.noise.cosine(),
                  figure.noise.maxAbsError());
  if (figure.candidatePerplexity.tokenCount())
    os << formatv("{0} perplexity {1:f3} on {2} tokens", figure.noise.valueCount() ? "," : "", figure.candidatePerplexity.value(),
                  figure.candidatePerplexity.tokenCount());
  if (figure.referencePerplexity.tokenCount())
    os << formatv(" (reference {0:f3})", figure.referencePerplexity.value());
  if (figure.referenceTop.rowCount())
    os << formatv(", top-1 {0:f4} (reference {1:f4})", figure.candidateTop.value(), figure.referenceTop.value());
  else if (figure.agreement.rowCount())
    os << formatv(", top-1 agreement {0:f4}", figure.agreement.value());
  os << '\n';
}

Expected<std::vector<int64_t>> readLabels(const Arguments &arguments) {
  std::vector<int64_t> labels;
  auto path = arguments.get("--labels");
  if (!path)
    return labels;
  auto reader = NpzReader::open(*path);
  if (!reader)
    return reader.takeError();
  if (!(*reader)->info("labels"))
    return makeError(*path + ": there is no array named 'labels'");
  auto tensor = (*reader)->read("labels");
  if (!tensor)
    return tensor.takeError();
  auto values = tensor->expectValues<int64_t>(*path + ": array 'labels'");
  if (!values)
    return values.takeError();
  labels.assign(values->begin(), values->end());
  return labels;
}

Error compareAll(Comparison &comparison, SampleSource &source, ArrayRef<int64_t> labels, int64_t samples, int64_t batch) {
  int64_t total = samples < 0 ? source.size() : std::min(samples, source.size());
  int64_t step = source.canBatch() ? batch : 1;
  if (!labels.empty() && static_cast<int64_t>(labels.size()) < total)
    return makeError("there are " + Twine(labels.size()) + " labels for " + Twine(total) + " samples");
  for (int64_t begin = 0; begin < total; begin += step) {
    int64_t end = std::min(begin + step, total);
    auto inputs = source.read(begin, end);
    if (!inputs)
      return inputs.takeError();
    if (Error error = comparison.add(*inputs, labels.empty() ? labels : labels.slice(begin, end - begin)))
      return error;
  }
  return Error::success();
}

Expected<int> run(const Arguments &arguments, Session &session) {
  bool compares = arguments.has("--reference");
  if (arguments.positional().size() != 1 || !arguments.has("--data") || (!compares && !arguments.has("--perplexity")))
    return usageError("`qopt eval` takes one model or artifact, --data DATA, and --reference MODEL or --perplexity INPUT");
  if (!compares && (arguments.has("--fail-below") || arguments.has("--labels")))
    return usageError("--fail-below and --labels need --reference MODEL");
  auto samples = arguments.integer("--samples", -1, 1), batch = arguments.integer("--batch", 8, 1),
       threads = arguments.integer("--threads", 0, 1);
  for (auto *number : {&samples, &batch, &threads})
    if (!*number)
      return number->takeError();
  double least = -std::numeric_limits<double>::infinity();
  if (auto text = arguments.get("--fail-below")) {
    auto threshold = parseThreshold(*text);
    if (!threshold)
      return threshold.takeError();
    least = *threshold;
  }
  auto labels = readLabels(arguments);
  if (!labels)
    return labels.takeError();
  std::unique_ptr<Executor> reference;
  if (compares) {
    auto loaded = loadExecutor(*arguments.get("--reference"), "host", int32_t(*threads), 3, session);
    if (!loaded)
      return loaded.takeError();
    reference = std::move(*loaded);
  }
  auto candidate = loadExecutor(arguments.positional()[0], "host", int32_t(*threads), 3, session);
  if (!candidate)
    return candidate.takeError();
  if (reference && reference->outputs().size() != (*candidate)->outputs().size())
    return makeError(arguments.positional()[0] + ": it has another number of outputs than the reference");
  auto source = SampleSource::open(*arguments.get("--data"), (*candidate)->inputs());
  if (!source)
    return source.takeError();
  int64_t tokens = -1;
  if (auto input = arguments.get("--perplexity")) {
    auto specs = (*candidate)->inputs();
    tokens = find_if(specs, [&](const ValueSpec &spec) { return spec.name == *input; }) - specs.begin();
    if (tokens == static_cast<int64_t>(specs.size()))
      return usageError("--perplexity is '" + *input + "', which is no input of " + arguments.positional()[0]);
  }
  Comparison comparison(reference.get(), **candidate, tokens);
  if (Error error = compareAll(comparison, **source, *labels, *samples, *batch))
    return std::move(error);
  if (tokens >= 0 && none_of(comparison.figures, [](const OutputFigures &f) { return f.candidatePerplexity.tokenCount() > 0; }))
    return makeError("no output holds logits [samples, length, vocabulary] over the tokens of '" + *arguments.get("--perplexity") + "'");
  bool missed = false;
  json::Array rows;
  for (const OutputFigures &figure : comparison.figures) {
    print(figure, arguments.get("--json", "") == "-" ? session.err : session.out);
    rows.push_back(rowOf(figure));
    missed |= figure.noise.valueCount() > 0 && !(figure.noise.sqnr() >= least);
  }
  if (auto path = arguments.get("--json"))
    if (Error error = writeText(*path, ::qopt::toJson(json::Value(json::Object{{"outputs", std::move(rows)}})) + "\n", session))
      return std::move(error);
  return missed ? ThresholdMissed : Done;
}

} // namespace

const Command &evalCommand() {
  static const Command command = {"eval",
                                  "MODEL|ARTIFACT [--reference MODEL] --data DATA [options]",
                                  "Compare a model's outputs with a reference's over samples",
                                  options,
                                  "  qopt eval int8.onnx --reference model.onnx --data eval.npz --fail-below sqnr=20dB\n"
                                  "  qopt eval int4.mlirbc --data tokens.npz --perplexity input_ids\n",
                                  run};
  return command;
}

} // namespace qopt
