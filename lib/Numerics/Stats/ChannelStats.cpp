//===- ChannelStats.cpp - Ranges and moments by channel -------------------===//

#include "qopt/Numerics/Stats/ChannelStats.h"
#include "qopt/Numerics/Stats/Bytes.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace qopt {
namespace {

constexpr std::string_view rangeKind = "QRNG", momentKind = "QMOM";
constexpr uint32_t version = 1;
constexpr float infinity = std::numeric_limits<float>::infinity();

bool isFinite(float value) { return std::fabs(value) <= std::numeric_limits<float>::max(); }

/// Calls body(values of one channel, contiguous, channel) over [outer, channels, inner].
template <typename Body> void forEachChannelRun(std::span<const float> x, int64_t channels, int64_t inner, Body &&body) {
  assert(channels * inner > 0 && static_cast<int64_t>(x.size()) % (channels * inner) == 0);
  int64_t channel = 0;
  for (size_t begin = 0; begin < x.size(); begin += inner) {
    body(x.subspan(begin, inner), channel);
    channel = channel + 1 == channels ? 0 : channel + 1;
  }
}

Failure channelMismatch(int64_t mine, int64_t others) {
  return {"statistics of " + std::to_string(others) + " channels do not merge into statistics of " + std::to_string(mine) +
          ": they belong to different tensors"};
}

} // namespace

ScanResult scanRange(std::span<const float> x) {
  // Lanes of its own for each residue: vector code without leave to reorder floats.
  constexpr size_t lanes = 16;
  float low[lanes], high[lanes];
  uint32_t bad[lanes] = {};
  std::fill(low, low + lanes, infinity);
  std::fill(high, high + lanes, -infinity);
  uint64_t nonFinite = 0;
  size_t i = 0;
  for (; i + lanes <= x.size(); i += lanes) {
    for (size_t lane = 0; lane < lanes; ++lane) {
      float value = x[i + lane];
      bool ok = isFinite(value);
      float lower = ok ? value : infinity, higher = ok ? value : -infinity;
      low[lane] = lower < low[lane] ? lower : low[lane];
      high[lane] = higher > high[lane] ? higher : high[lane];
      bad[lane] += !ok;
    }
  }
  for (; i < x.size(); ++i) {
    bool ok = isFinite(x[i]);
    low[0] = ok && x[i] < low[0] ? x[i] : low[0];
    high[0] = ok && x[i] > high[0] ? x[i] : high[0];
    nonFinite += !ok;
  }
  ScanResult result;
  for (size_t lane = 0; lane < lanes; ++lane) {
    result.range.include({low[lane], high[lane]});
    nonFinite += bad[lane];
  }
  result.range.min += 0.0f; // -0 and +0 compare alike: let the order of values not choose between them
  result.range.max += 0.0f;
  result.nonFinite = nonFinite;
  return result;
}

void RangeStats::add(std::span<const float> x, int64_t inner) {
  if (x.empty())
    return;
  uint64_t before = nonFinite;
  if (channels() == 1)
    inner = static_cast<int64_t>(x.size());
  if (inner == 1) {
    int64_t count = channels();
    for (size_t row = 0; row < x.size(); row += count)
      for (int64_t c = 0; c < count; ++c) {
        float value = x[row + c] + 0.0f;
        bool ok = isFinite(value);
        ranges[c].include(ok ? ValueRange{value, value} : ValueRange{});
        nonFinite += !ok;
      }
  } else {
    forEachChannelRun(x, channels(), inner, [&](std::span<const float> run, int64_t channel) {
      ScanResult scan = scanRange(run);
      ranges[channel].include(scan.range);
      nonFinite += scan.nonFinite;
    });
  }
  seen += x.size() - (nonFinite - before);
}

Status RangeStats::merge(const RangeStats &other) {
  if (other.channels() != channels())
    return channelMismatch(channels(), other.channels());
  for (int64_t c = 0; c < channels(); ++c)
    ranges[c].include(other.ranges[c]);
  seen += other.seen;
  nonFinite += other.nonFinite;
  return success();
}

ValueRange RangeStats::tensor() const {
  ValueRange all;
  for (const ValueRange &range : ranges)
    all.include(range);
  return all;
}

std::vector<float> RangeStats::absMax() const {
  std::vector<float> result;
  for (const ValueRange &range : ranges)
    result.push_back(range.absMax());
  return result;
}

std::vector<uint8_t> RangeStats::serialize() const {
  ByteWriter writer(rangeKind, version);
  writer.put<uint64_t>(ranges.size());
  writer.put(seen);
  writer.put(nonFinite);
  writer.putAll<ValueRange>(ranges);
  return writer.take();
}

Result<RangeStats> RangeStats::deserialize(std::span<const uint8_t> bytes) {
  ByteReader reader(bytes, rangeKind, version);
  RangeStats stats;
  uint64_t channels = 0;
  reader.get(channels), reader.get(stats.seen), reader.get(stats.nonFinite);
  if (channels == 0 || !reader.holds(channels, sizeof(ValueRange)))
    return Failure{"these bytes are no range statistics of version 1: calibrate again"};
  stats.ranges.resize(channels);
  reader.getAll<ValueRange>(stats.ranges);
  if (!reader.complete())
    return Failure{"these range statistics have bytes left over: the file is damaged, calibrate again"};
  return stats;
}

void MomentStats::add(std::span<const float> x, int64_t inner) {
  if (x.empty())
    return;
  if (channels() == 1)
    inner = static_cast<int64_t>(x.size());
  forEachChannelRun(x, channels(), inner, [&](std::span<const float> run, int64_t channel) {
    Sums &sum = sums[channel];
    for (double value : run) {
      if (!(std::fabs(value) < 0x1p20)) {
        ++excluded;
        continue;
      }
      sum.plain.add(value);
      sum.magnitude.add(std::fabs(value));
      sum.square.add(value * value);
      ++sum.count;
    }
  });
}

Status MomentStats::merge(const MomentStats &other) {
  if (other.channels() != channels())
    return channelMismatch(channels(), other.channels());
  for (int64_t c = 0; c < channels(); ++c) {
    sums[c].plain.merge(other.sums[c].plain);
    sums[c].magnitude.merge(other.sums[c].magnitude);
    sums[c].square.merge(other.sums[c].square);
    sums[c].count += other.sums[c].count;
  }
  excluded += other.excluded;
  return success();
}

std::vector<float> MomentStats::means(FixedSum Sums::*which) const {
  std::vector<float> result;
  for (const Sums &sum : sums)
    result.push_back(sum.count ? static_cast<float>((sum.*which).value() / static_cast<double>(sum.count)) : 0.0f);
  return result;
}
std::vector<float> MomentStats::mean() const { return means(&Sums::plain); }
std::vector<float> MomentStats::meanAbs() const { return means(&Sums::magnitude); }
std::vector<float> MomentStats::meanSquare() const { return means(&Sums::square); }

std::vector<uint8_t> MomentStats::serialize() const {
  ByteWriter writer(momentKind, version);
  writer.put<uint64_t>(sums.size());
  writer.put(excluded);
  writer.putAll<Sums>(sums);
  return writer.take();
}

Result<MomentStats> MomentStats::deserialize(std::span<const uint8_t> bytes) {
  ByteReader reader(bytes, momentKind, version);
  MomentStats stats;
  uint64_t channels = 0;
  reader.get(channels), reader.get(stats.excluded);
  if (channels == 0 || !reader.holds(channels, sizeof(Sums)))
    return Failure{"these bytes are no moment statistics of version 1: calibrate again"};
  stats.sums.resize(channels);
  reader.getAll<Sums>(stats.sums);
  if (!reader.complete())
    return Failure{"these moment statistics have bytes left over: the file is damaged, calibrate again"};
  return stats;
}

} // namespace qopt
