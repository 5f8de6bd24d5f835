//===- Histogram.cpp - A histogram that re-bins itself --------------------===//

#include "qopt/Numerics/Stats/Histogram.h"
#include "qopt/Numerics/Stats/Bytes.h"

#include <cassert>
#include <cmath>
#include <numeric>

namespace qopt {
namespace {

constexpr std::string_view kind = "QHST";
constexpr uint32_t version = 1;
constexpr int leastExponent = -149; // float's least value: no width below it tells values apart
constexpr int greatestExponent = 128;

} // namespace

Histogram::Histogram(int bins) : counts(bins, 0), exponent(leastExponent) { assert(bins >= 2 && bins % 2 == 0); }

bool Histogram::fits(ValueRange range) const { return fitsAt(exponent, range); }

bool Histogram::fitsAt(int widthExponent, ValueRange range) const {
  double reach = std::ldexp(static_cast<double>(bins() / 2), widthExponent);
  return range.empty() || (range.max < reach && range.min >= -reach);
}

void Histogram::widenFor(ValueRange range) {
  int needed = exponent;
  while (!fitsAt(needed, range))
    ++needed;
  widenTo(needed);
}

void Histogram::widenTo(int newExponent) {
  int shift = newExponent - exponent;
  if (shift <= 0)
    return;
  int64_t half = bins() / 2;
  std::vector<uint64_t> wider(counts.size(), 0);
  for (int64_t i = 0; i < bins(); ++i)
    if (counts[i])
      wider[((i - half) >> std::min(shift, 62)) + half] += counts[i]; // an arithmetic shift is floor division
  counts = std::move(wider);
  exponent = newExponent;
}

void Histogram::add(std::span<const float> x) {
  ScanResult scan = scanRange(x);
  nonFinite += scan.nonFinite;
  extremes.include(scan.range);
  widenFor(scan.range);
  // In double no value of float underflows when divided by the width, so that floor is exact.
  double inverse = std::ldexp(1.0, -exponent);
  int64_t half = bins() / 2;
  for (float value : x) {
    if (!(std::fabs(value) <= std::numeric_limits<float>::max()))
      continue;
    double position = value * inverse;
    int64_t truncated = static_cast<int64_t>(position);
    ++counts[truncated - (static_cast<double>(truncated) > position) + half];
  }
}

Status Histogram::merge(const Histogram &other) {
  if (other.bins() != bins())
    return Failure{"a histogram of " + std::to_string(other.bins()) + " bins does not merge into one of " +
                   std::to_string(bins()) + ": calibrate both with the same settings"};
  Histogram theirs = other;
  theirs.widenTo(exponent);
  widenTo(theirs.exponent);
  for (size_t i = 0; i < counts.size(); ++i)
    counts[i] += theirs.counts[i];
  extremes.include(other.extremes);
  nonFinite += other.nonFinite;
  return success();
}

uint64_t Histogram::countOutside(ValueRange range) const {
  uint64_t outside = 0;
  for (int64_t bin = 0; bin < bins(); ++bin)
    if (edge(bin + 1) <= range.min || edge(bin) > range.max)
      outside += counts[bin];
  return outside;
}

uint64_t Histogram::valueCount() const { return std::accumulate(counts.begin(), counts.end(), uint64_t{0}); }

std::vector<uint64_t> Histogram::magnitudeCounts() const {
  size_t half = counts.size() / 2;
  std::vector<uint64_t> result(counts.begin() + half, counts.end());
  for (size_t i = 0; i < half; ++i)
    result[half - 1 - i] += counts[i];
  return result;
}

std::vector<uint8_t> Histogram::serialize() const {
  ByteWriter writer(kind, version);
  writer.put<uint32_t>(bins());
  writer.put(exponent);
  writer.put(extremes);
  writer.put(nonFinite);
  writer.putAll<uint64_t>(counts);
  return writer.take();
}

Result<Histogram> Histogram::deserialize(std::span<const uint8_t> bytes) {
  ByteReader reader(bytes, kind, version);
  uint32_t bins = 0;
  reader.get(bins);
  // More bins than we write would buy nothing but time: the search by entropy is quadratic in them.
  if (bins < 2 || bins % 2 || bins > defaultBins || !reader.holds(bins, sizeof(uint64_t)))
    return Failure{"these bytes are no histogram of version 1: calibrate again"};
  Histogram stats(static_cast<int>(bins));
  reader.get(stats.exponent), reader.get(stats.extremes), reader.get(stats.nonFinite);
  reader.getAll<uint64_t>(stats.counts);
  bool sane = stats.exponent >= leastExponent && stats.exponent <= greatestExponent && stats.fits(stats.extremes);
  if (!reader.complete() || !sane)
    return Failure{"this histogram is damaged: calibrate again"};
  return stats;
}

} // namespace qopt
