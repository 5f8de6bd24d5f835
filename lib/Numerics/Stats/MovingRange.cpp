//===- MovingRange.cpp - Exponential moving average of ranges -------------===//

#include "qopt/Numerics/Stats/MovingRange.h"
#include "qopt/Numerics/Stats/Bytes.h"

#include <algorithm>

namespace qopt {
namespace {
constexpr std::string_view kind = "QMOV";
constexpr uint32_t version = 1;
} // namespace

void MovingRange::add(uint64_t sampleIndex, std::span<const float> x) {
  ScanResult scan = scanRange(x);
  nonFinite += scan.nonFinite;
  auto place = std::lower_bound(samples.begin(), samples.end(), sampleIndex,
                                [](const Sample &sample, uint64_t index) { return sample.index < index; });
  if (place == samples.end() || place->index != sampleIndex)
    place = samples.insert(place, {sampleIndex, {}});
  place->range.include(scan.range);
}

Status MovingRange::merge(const MovingRange &other) {
  std::vector<Sample> all;
  all.reserve(samples.size() + other.samples.size());
  std::merge(samples.begin(), samples.end(), other.samples.begin(), other.samples.end(), std::back_inserter(all),
             [](const Sample &a, const Sample &b) { return a.index < b.index; });
  auto twice = std::adjacent_find(all.begin(), all.end(), [](auto &a, auto &b) { return a.index == b.index; });
  if (twice != all.end())
    return Failure{"sample " + std::to_string(twice->index) +
                   " is in both statistics: a moving average needs shards that share no sample"};
  samples = std::move(all);
  nonFinite += other.nonFinite;
  return success();
}

ValueRange MovingRange::average(double weight) const {
  double min = 0, max = 0;
  bool started = false;
  for (const Sample &sample : samples) {
    if (sample.range.empty())
      continue;
    min = started ? (1 - weight) * min + weight * sample.range.min : sample.range.min;
    max = started ? (1 - weight) * max + weight * sample.range.max : sample.range.max;
    started = true;
  }
  return started ? ValueRange{static_cast<float>(min), static_cast<float>(max)} : ValueRange{};
}

std::vector<uint8_t> MovingRange::serialize() const {
  ByteWriter writer(kind, version);
  writer.put<uint64_t>(samples.size());
  writer.put(nonFinite);
  writer.putAll<Sample>(samples);
  return writer.take();
}

Result<MovingRange> MovingRange::deserialize(std::span<const uint8_t> bytes) {
  ByteReader reader(bytes, kind, version);
  MovingRange stats;
  uint64_t count = 0;
  reader.get(count), reader.get(stats.nonFinite);
  if (!reader.holds(count, sizeof(Sample)))
    return Failure{"these bytes are no moving-range statistics of version 1: calibrate again"};
  stats.samples.resize(count);
  reader.getAll<Sample>(stats.samples);
  bool ascending = std::is_sorted(stats.samples.begin(), stats.samples.end(),
                                  [](const Sample &a, const Sample &b) { return a.index <= b.index; });
  if (!reader.complete() || (count > 1 && !ascending))
    return Failure{"these moving-range statistics are damaged: calibrate again"};
  return stats;
}

} // namespace qopt
