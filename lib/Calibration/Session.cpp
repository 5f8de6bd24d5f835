#include "qopt/Calibration/Session.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <algorithm>

using namespace llvm;
using namespace qopt;

namespace {

/// What a program showed of one batch, by site.
class Shown {
public:
  Shown(Executor &executor, ArrayRef<SiteInfo> sites) : executor(executor) {
    executor.setObserver([this, sites](int32_t site, const qopt_tensor &value) {
      int64_t count = 1;
      for (int64_t dim : ArrayRef(value.shape, value.rank))
        count *= dim;
      const auto *data = static_cast<const float *>(value.data);
      if (site >= 0 && static_cast<size_t>(site) < sites.size() && value.dtype == QOPT_FLOAT32)
        values[sites[site].name].assign(data, data + count);
    });
  }
  ~Shown() { executor.setObserver(nullptr); }

  Error run(ArrayRef<Tensor> batch) {
    values.clear();
    return executor.run(batch).takeError();
  }
  ArrayRef<float> of(StringRef site) const {
    auto found = values.find(site);
    return found == values.end() ? ArrayRef<float>() : ArrayRef<float>(found->second);
  }

private:
  Executor &executor;
  StringMap<std::vector<float>> values;
};

std::vector<float> rowsOf(const InputColumns &columns, ArrayRef<float> values, ArrayRef<int64_t> shape) {
  std::vector<float> rows;
  forEachColumns(columns, values, shape, [&](ArrayRef<float> piece) { rows.insert(rows.end(), piece.begin(), piece.end()); });
  return rows;
}

/// Feeds what the program shows to the sites' statistics.
class Collector {
public:
  Collector(Statistics &statistics, const CalibrationOptions &options, const Shown *reference)
      : sites(statistics.sites), inputs(statistics.inputs), options(options), reference(reference), columnsOf(sites.size()) {
    StringSet<> keys;
    for (const InputColumns &columns : options.columns)
      if (keys.insert(columns.key()).second)
        for (auto [index, site] : enumerate(sites))
          if (site.info().name == columns.site)
            columnsOf[index].push_back(&columns);
  }

  void begin(int64_t first, int64_t count) { firstSample = first, samples = count; }

  void observe(int32_t site, const qopt_tensor &value) {
    if (site < 0 || static_cast<size_t>(site) >= sites.size() || value.dtype != QOPT_FLOAT32)
      return;
    ArrayRef<int64_t> shape(value.shape, value.rank);
    int64_t count = 1;
    for (int64_t dim : shape)
      count *= dim;
    ArrayRef values(static_cast<const float *>(value.data), count);
    sites[site].add(values, shape, firstSample, samples);
    for (const InputColumns *columns : columnsOf[site])
      addRows(*columns, values, shape);
  }

private:
  void addRows(const InputColumns &columns, ArrayRef<float> values, ArrayRef<int64_t> shape) {
    int64_t count = columnCount(columns, shape);
    if (count == 0)
      return;
    InputStats &stats = inputs.try_emplace(columns.key(), count, reference != nullptr).first->second;
    if (stats.columns() != count)
      return;
    if (reference)
      return addPairs(stats, columns, values, shape);
    forEachColumns(columns, values, shape,
                   [&](ArrayRef<float> rows) { stats.add({rows.data(), rows.size()}, options.parallelFor); });
  }

  void addPairs(InputStats &stats, const InputColumns &columns, ArrayRef<float> values, ArrayRef<int64_t> shape) {
    std::vector<float> rows = rowsOf(columns, values, shape), floatRows = rowsOf(columns, reference->of(columns.site), shape);
    if (rows.size() == floatRows.size()) // Else there are no statistics, which whoever needs them says.
      stats.addPairs(rows, floatRows, options.parallelFor);
  }

  std::vector<SiteStatistics> &sites;
  InputTable &inputs;
  const CalibrationOptions &options;
  const Shown *reference; ///< null: rows are not paired
  std::vector<SmallVector<const InputColumns *, 1>> columnsOf; ///< by site
  int64_t firstSample = 0, samples = 0;
};

} // namespace

Expected<Statistics> qopt::calibrate(Executor &executor, SampleSource &source, ArrayRef<SiteInfo> sites,
                                     const CalibrationOptions &options) {
  Statistics statistics;
  for (const SiteInfo &site : sites)
    statistics.sites.emplace_back(site);
  std::optional<Shown> reference;
  if (options.reference)
    reference.emplace(*options.reference, options.referenceSites);
  Collector collector(statistics, options, reference ? &*reference : nullptr);
  executor.setObserver([&](int32_t site, const qopt_tensor &value) { collector.observe(site, value); });

  int64_t total = options.samples < 0 ? source.size() : std::min(options.samples, source.size());
  int64_t step = source.canBatch() ? std::max<int64_t>(options.batch, 1) : 1;
  for (int64_t begin = 0; begin < total; begin += step) {
    int64_t end = std::min(begin + step, total);
    auto batch = source.read(begin, end);
    if (!batch)
      return batch.takeError();
    for (int64_t s = begin; s < end; ++s) {
      SmallVector<Tensor> sample;
      for (const Tensor &input : *batch) {
        auto row = source.canBatch() ? input.slice(s - begin, s - begin + 1) : Expected<Tensor>(input);
        if (!row)
          return row.takeError();
        sample.push_back(std::move(*row));
      }
      statistics.dataHash.addSample(options.firstSample + s, sample);
    }
    collector.begin(options.firstSample + begin, end - begin);
    if (reference)
      if (Error error = reference->run(*batch))
        return std::move(error);
    auto outputs = executor.run(*batch);
    if (!outputs)
      return outputs.takeError();
    if (options.progress)
      options.progress(end, total);
  }
  executor.setObserver(nullptr);
  statistics.samples = total;
  return statistics;
}
