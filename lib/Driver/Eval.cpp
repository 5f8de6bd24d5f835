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
    {"--data", "DATA", "a .npz (samples along axis 0) or a folder of .npz files (one sample each)"},
    {"--labels", "FILE.npz", "array `labels`: also the share of samples whose greatest output is the label's"},
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
  Comparison(Executor &reference, Executor &candidate) : reference(reference), candidate(candidate) {
    for (const ValueSpec &spec : reference.outputs()) {
      figures.emplace_back();
      figures.back().name = spec.name;
    }
  }

  Error add(ArrayRef<Tensor> inputs, ArrayRef<int64_t> labels) {
    auto r = reference.run(inputs);
    if (!r)
      return inContext("the reference", r.takeError());
    auto c = candidate.run(inputs);
    if (!c)
      return inContext("the candidate", c.takeError());
    for (auto [one, two, figure] : zip(*r, *c, figures))
      if (Error error = addOutput(one, two, labels, figure))
        return error;
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

  Executor &reference, &candidate;
};

json::Object rowOf(const OutputFigures &figure) {
  json::Object row{{"output", figure.name},
                   {"sqnr_db", figure.noise.sqnr()},
                   {"cosine", figure.noise.cosine()},
                   {"max_abs_error", figure.noise.maxAbsError()},
                   {"not_finite", figure.noise.nonFiniteCount()}};
  if (figure.agreement.rowCount())
    row["top1_agreement"] = figure.agreement.value();
  if (figure.referenceTop.rowCount()) {
    row["top1_reference"] = figure.referenceTop.value();
    row["top1"] = figure.candidateTop.value();
  }
  return row;
}

void print(const OutputFigures &figure, raw_ostream &os) {
  os << formatv("{0}: SQNR {1:f2} dB, cosine {2:f6}, largest error {3}", figure.name, figure.noise.sqnr(),
                figure.noise.cosine(), figure.noise.maxAbsError());
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
  if (arguments.positional().size() != 1 || !arguments.has("--reference") || !arguments.has("--data"))
    return usageError("`qopt eval` takes one model or artifact, --reference MODEL and --data DATA");
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
  auto reference = loadExecutor(*arguments.get("--reference"), "host", int32_t(*threads), 3, session);
  if (!reference)
    return reference.takeError();
  auto candidate = loadExecutor(arguments.positional()[0], "host", int32_t(*threads), 3, session);
  if (!candidate)
    return candidate.takeError();
  if ((*reference)->outputs().size() != (*candidate)->outputs().size())
    return makeError(arguments.positional()[0] + ": it has another number of outputs than the reference");
  auto source = SampleSource::open(*arguments.get("--data"), (*reference)->inputs());
  if (!source)
    return source.takeError();
  Comparison comparison(**reference, **candidate);
  if (Error error = compareAll(comparison, **source, *labels, *samples, *batch))
    return std::move(error);
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
                                  "MODEL|ARTIFACT --reference MODEL --data DATA [options]",
                                  "Compare a model's outputs with a reference's over samples",
                                  options,
                                  "  qopt eval int8.onnx --reference model.onnx --data eval.npz --fail-below sqnr=20dB\n",
                                  run};
  return command;
}

} // namespace qopt
