#include "SiteNoise.h"

#include "qopt/Calibration/SampleSource.h"
#include "qopt/Dialect/Qopt/Transforms/CompareSites.h"
#include "qopt/Pipelines/ResourceScope.h"
#include "qopt/Support/Progress.h"

#include "mlir/IR/Diagnostics.h"

using namespace llvm;
using namespace qopt;

namespace {

/// Compares the views of each site as they come. A float tensor waits, as a copy, until its site's last view has come.
class NoiseCollector {
public:
  NoiseCollector(ArrayRef<ComparedSite> compared, std::vector<SiteNoise> &noise, bool divergence)
      : compared(compared), noise(noise), waiting(compared.size()), divergence(divergence) {}

  void observe(int32_t index, const qopt_tensor &value) {
    size_t site = static_cast<size_t>(index) / ComparedSite::Views;
    if (index < 0 || site >= compared.size() || value.dtype != QOPT_FLOAT32)
      return;
    int64_t count = 1;
    for (int64_t dim : ArrayRef(value.shape, value.rank))
      count *= dim;
    std::span<const float> values(static_cast<const float *>(value.data), static_cast<size_t>(count));
    std::vector<float> &reference = waiting[site];
    switch (static_cast<ComparedSite::View>(index % ComparedSite::Views)) {
    case ComparedSite::Reference:
      reference.assign(values.begin(), values.end());
      return;
    case ComparedSite::Local:
      if (reference.size() == values.size())
        noise[site].local->add(reference, values);
      return;
    default:
      if (reference.size() == values.size())
        noise[site].accumulated.add(reference, values);
      if (divergence && noise[site].op.empty() && value.rank > 0 && reference.size() == values.size())
        addDivergence(noise[site].divergence, reference, values, value.shape[value.rank - 1]);
      reference = {};
    }
  }

private:
  static void addDivergence(std::optional<LogitDivergence> &sum, std::span<const float> reference, std::span<const float> values, int64_t classes) {
    if (!sum)
      sum.emplace();
    if (classes > 0)
      sum->add(reference, values, classes);
  }

  ArrayRef<ComparedSite> compared;
  std::vector<SiteNoise> &noise;
  std::vector<std::vector<float>> waiting;
  bool divergence;
};

Expected<std::unique_ptr<Executor>> compile(mlir::OwningOpRef<mlir::ModuleOp> module, int32_t threads) {
  // What legalizing has to remark was said, or will be, of the program that is written.
  mlir::ScopedDiagnosticHandler quiet(module->getContext(), [](mlir::Diagnostic &diagnostic) {
    return mlir::success(diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error);
  });
  return compileForHost(std::move(module), threads);
}

std::vector<SiteNoise> rowsFor(ArrayRef<ComparedSite> sites) {
  std::vector<SiteNoise> rows;
  for (const ComparedSite &site : sites) {
    SiteNoise &row = rows.emplace_back();
    row.site = site.name;
    row.op = site.op;
    if (site.hasLocal)
      row.local.emplace();
    if (!site.op.empty())
      row.suggestion = "{match: \"" + site.name + "\", scheme: " + (site.readsActivations ? "W8A16" : "float") + "}";
  }
  return rows;
}

} // namespace

Expected<Noise> qopt::measureNoise(mlir::ModuleOp reference, mlir::ModuleOp quantized, const NoiseRequest &request,
                                   Progress &progress) {
  progress.stage("compiling both programs side by side");
  ResourceScope constants(reference.getContext());
  std::vector<ComparedSite> sites;
  auto module = compareSites(reference, quantized, sites);
  if (!module)
    return makeError("there is no function 'main', so noise cannot be measured at its sites");
  auto executor = compile(std::move(module), request.threads);
  if (!executor)
    return executor.takeError();
  auto source = SampleSource::open(request.dataPath, (*executor)->inputs());
  if (!source)
    return source.takeError();
  std::vector<SiteNoise> noise = rowsFor(sites);
  NoiseCollector collector(sites, noise, request.divergence);
  (*executor)->setObserver([&](int32_t index, const qopt_tensor &value) { collector.observe(index, value); });
  auto [total, step] = samplesToRun(**source, (*executor)->inputs(), request.samples, request.batch);
  progress.stage("measuring noise", total);
  for (int64_t begin = 0; begin < total; begin += step) {
    int64_t end = std::min(begin + step, total);
    auto inputs = (*source)->read(begin, end);
    if (!inputs)
      return inputs.takeError();
    auto outputs = (*executor)->run(*inputs);
    if (!outputs)
      return outputs.takeError();
    progress.advance(end - begin);
  }
  return Noise{std::move(noise), total};
}
