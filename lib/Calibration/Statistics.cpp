#include "qopt/Calibration/Statistics.h"

#include "llvm/ADT/StringSwitch.h"

using namespace llvm;
using namespace qopt;

namespace {

/// The tensor as [outer, channels, inner] along the channel axis.
struct ChannelView {
  int64_t channels = 1, inner = 1;
};

ChannelView viewAlong(ArrayRef<int64_t> shape, int64_t axis) {
  ChannelView view;
  if (axis < 0 || axis >= static_cast<int64_t>(shape.size()))
    return view;
  view.channels = shape[axis];
  for (int64_t dim : shape.drop_front(axis + 1))
    view.inner *= dim;
  return view;
}

std::span<const float> spanOf(ArrayRef<float> values) { return {values.data(), values.size()}; }

Error asError(const Status &status) { return status ? Error::success() : makeError(status.error()); }

} // namespace

void SiteStatistics::add(ArrayRef<float> values, ArrayRef<int64_t> shape, int64_t firstSample, int64_t samples) {
  if (values.empty())
    return;
  histogram.add(spanOf(values));
  bool bySample = samples > 1 && !shape.empty() && shape[0] == samples;
  size_t piece = bySample ? values.size() / samples : values.size();
  for (int64_t s = 0; s < (bySample ? samples : 1); ++s)
    movingRange.add(firstSample + s, spanOf(values.slice(s * piece, piece)));
  if (site.channelAxis < 0)
    return;
  ChannelView view = viewAlong(shape, site.channelAxis);
  if (ranges.channels() == 0) {
    ranges = RangeStats(view.channels);
    moments = MomentStats(view.channels);
  }
  if (ranges.channels() != view.channels)
    return; // A dynamic channel dim has no channel statistics beyond the first size.
  ranges.add(spanOf(values), view.inner);
  moments.add(spanOf(values), view.inner);
}

Error SiteStatistics::merge(const SiteStatistics &other) {
  if (site != other.site)
    return makeError("site '" + site.name + "' stands where the other has '" + other.site.name + "'");
  if (!other.reached())
    return Error::success();
  if (!reached()) {
    *this = other;
    return Error::success();
  }
  if (Error error = asError(histogram.merge(other.histogram)))
    return error;
  if (Error error = asError(ranges.merge(other.ranges)))
    return error;
  if (Error error = asError(moments.merge(other.moments)))
    return error;
  return asError(movingRange.merge(other.movingRange));
}

const SiteStatistics *Statistics::find(StringRef site) const {
  const auto *found = llvm::find_if(sites, [&](const SiteStatistics &s) { return s.info().name == site; }).base();
  return found == sites.data() + sites.size() ? nullptr : found;
}

Error Statistics::merge(const Statistics &other) {
  if (modelHash != other.modelHash)
    return makeError("the statistics are of different models (" + modelHash + " and " + other.modelHash + ")");
  if (sites.size() != other.sites.size())
    return makeError("the statistics have " + Twine(sites.size()) + " and " + Twine(other.sites.size()) + " sites");
  for (auto [mine, its] : llvm::zip(sites, other.sites))
    if (Error error = mine.merge(its))
      return inContext("site '" + mine.info().name + "'", std::move(error));
  if (inputs.empty() != other.inputs.empty())
    return makeError("only one of the statistics holds Gram matrices; calibrate both with --gram or both without");
  for (const auto &[key, input] : other.inputs) {
    auto [mine, isNew] = inputs.try_emplace(key, input);
    if (!isNew)
      if (Error error = asError(mine->second.merge(input)))
        return inContext("input '" + key + "'", std::move(error));
  }
  samples += other.samples;
  dataHash.combine(other.dataHash);
  return Error::success();
}

ValueRange qopt::chooseRange(const SiteStatistics &site, const RangeChoice &choice) {
  switch (choice.method) {
  case RangeMethod::MinMax:
    return site.histogram.range();
  case RangeMethod::MovingAverage:
    return site.movingRange.average(choice.averagingConstant);
  case RangeMethod::Percentile:
    return percentileRange(site.histogram, choice.percent, choice.target);
  case RangeMethod::MSE:
    return mseRange(site.histogram, choice.target);
  case RangeMethod::Entropy:
    return entropyRange(site.histogram, choice.target);
  }
  return {};
}
