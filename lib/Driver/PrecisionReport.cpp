#include "PrecisionReport.h"
#include "SiteNoise.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>

using namespace llvm;
using namespace qopt;

namespace {

/// Of a noise over a signal.
double decibels(double noise) { return noise > 0 ? -10 * std::log10(noise) : std::numeric_limits<double>::infinity(); }

json::Value number(double value) { return std::isfinite(value) ? json::Value(value) : json::Value(nullptr); }

/// What the axes of one report are.
struct Units {
  const PrecisionReport &report;

  StringRef costKey() const { return report.isLatency ? "relative_latency" : "bits_per_weight"; }
  StringRef cost() const { return report.isLatency ? "of the float model's time" : "bits per weight"; }
  StringRef noiseKey() const { return report.isDivergence ? "divergence" : "sqnr_db"; }
  StringRef noise() const { return report.isDivergence ? "nats" : "dB"; }
  /// A noise as readers have it: nats, or dB.
  double shown(double noise) const { return report.isDivergence ? noise : decibels(noise); }
  json::Object toJson(const PrecisionPoint &point) const {
    return json::Object{{costKey(), point.cost}, {noiseKey(), number(shown(point.noise))}};
  }
};

/// The plot's frame: the cost across; dB, or the logarithm of nats, upwards.
struct Frame {
  double left, right, low, high;
  static constexpr double width = 600, height = 240;
  double x(double cost) const { return 40 + (cost - left) / (right - left) * (width - 60); }
  double y(double level) const { return height - 30 - (level - low) / (high - low) * (height - 50); }
};

struct Corner {
  double cost, level;
};

Frame frameOf(ArrayRef<Corner> corners) {
  auto [left, right] = std::minmax_element(corners.begin(), corners.end(), [](auto &a, auto &b) { return a.cost < b.cost; });
  auto [low, high] = std::minmax_element(corners.begin(), corners.end(), [](auto &a, auto &b) { return a.level < b.level; });
  Frame frame{left->cost, right->cost, low->level, high->level};
  if (frame.right <= frame.left)
    frame.right = frame.left + 1;
  if (!(frame.high > frame.low))
    frame.high = frame.low + 1;
  return frame;
}

/// Of the outputs: the mean of their noises over signals, or the sum of their divergences.
std::optional<double> measuredNoise(const Noise &noise, bool isDivergence) {
  double sum = 0;
  int64_t count = 0;
  for (const SiteNoise &output : noise.sites)
    if (output.op.empty() && (!isDivergence || output.divergence))
      sum += isDivergence ? output.divergence->value() : std::pow(10.0, -output.accumulated.sqnr() / 10), ++count;
  if (count == 0 || !std::isfinite(sum))
    return std::nullopt;
  return isDivergence ? sum : sum / static_cast<double>(count);
}

/// The output that is furthest from the bound, where each has to keep it by itself.
const SiteNoise *worstOutput(const Noise &noise) {
  const SiteNoise *worst = nullptr;
  for (const SiteNoise &output : noise.sites)
    if (output.op.empty() && (!worst || output.accumulated.sqnr() < worst->accumulated.sqnr()))
      worst = &output;
  return worst;
}

} // namespace

std::string qopt::noiseText(double noise, bool isDivergence) {
  return isDivergence ? formatv("{0:e2} nats", noise).str() : formatv("{0:f1} dB", decibels(noise)).str();
}

std::string qopt::addMeasured(PrecisionReport &report, const Noise &noise) {
  if (report.frontier.empty())
    return {};
  report.measured = measuredNoise(noise, report.isDivergence);
  report.samples = noise.samples;
  if (!report.limit || !report.measured)
    return {};
  const SiteNoise *worst = report.isDivergence ? nullptr : worstOutput(noise);
  double reached = worst ? std::pow(10.0, -worst->accumulated.sqnr() / 10) : *report.measured;
  if (reached <= *report.limit)
    return {};
  return formatv("{0} were predicted and {1} asked for, but {2}{3} was measured over {4} samples; ask for {5}", noiseText(report.chosen.noise, report.isDivergence),
                 noiseText(*report.limit, report.isDivergence), noiseText(reached, report.isDivergence), worst ? " at '" + worst->site + "'" : "", noise.samples,
                 noiseText(*report.limit * *report.limit / reached, report.isDivergence))
      .str();
}

void qopt::printPrecision(raw_ostream &os, const PrecisionReport &report) {
  if (report.frontier.empty())
    return;
  Units units{report};
  os << formatv("  {0,-18}{1:f2} {2}, {3} predicted", "mixed precision", report.chosen.cost, units.cost(), noiseText(report.chosen.noise, report.isDivergence));
  if (report.measured)
    os << formatv(", {0} measured", noiseText(*report.measured, report.isDivergence));
  os << formatv(" (bound: {0:f2}, {1});", report.bound.cost, noiseText(report.bound.noise, report.isDivergence));
  for (const auto &[scheme, count] : report.counts)
    os << formatv(" {0} {1}", count, scheme);
  os << '\n';
}

json::Value qopt::toJson(const PrecisionReport &report) {
  if (report.frontier.empty())
    return nullptr;
  Units units{report};
  json::Array frontier;
  for (const PrecisionPoint &point : report.frontier)
    frontier.push_back(units.toJson(point));
  json::Object counts, chosen = units.toJson(report.chosen);
  for (const auto &[scheme, count] : report.counts)
    counts[scheme] = count;
  chosen["bits_per_weight"] = report.bitsPerWeight;
  return json::Object{{"frontier", std::move(frontier)},
                      {"chosen", std::move(chosen)},
                      {"bound", units.toJson(report.bound)},
                      {"limit", report.limit ? number(units.shown(*report.limit)) : json::Value(nullptr)},
                      {"measured", report.measured ? json::Value(json::Object{{units.noiseKey(), number(units.shown(*report.measured))}, {"samples", report.samples}})
                                                   : json::Value(nullptr)},
                      {"at", report.isLocal ? "ops" : "outputs"},
                      {"counts", std::move(counts)}};
}

void qopt::writePrecision(raw_ostream &html, const PrecisionReport &report) {
  Units units{report};
  auto level = [&](double noise) { return report.isDivergence ? -std::log10(noise) : decibels(noise); };
  std::vector<Corner> corners;
  for (const PrecisionPoint &point : report.frontier)
    if (std::isfinite(level(point.noise)))
      corners.push_back({point.cost, level(point.noise)});
  if (corners.empty())
    return;
  Frame frame = frameOf(corners);
  html << formatv("<h2>Mixed precision</h2>\n<p>{0:f2} {1}, {2} predicted{3}{4}. Each point of the line is the best that the offered schemes reach at its "
                  "cost.</p>\n<svg viewBox=\"0 0 {5:f0} {6:f0}\" style=\"max-width:48em\" role=\"img\"><path d=\"",
                  report.chosen.cost, units.cost(), noiseText(report.chosen.noise, report.isDivergence),
                  report.isLocal ? " (the sum of the ops' own relative noises)" : " at the outputs",
                  report.measured ? ", " + noiseText(*report.measured, report.isDivergence) + " measured" : std::string(), Frame::width, Frame::height);
  for (auto [i, corner] : enumerate(corners))
    html << formatv("{0}{1:f1} {2:f1}", i ? "L" : "M", frame.x(corner.cost), frame.y(corner.level));
  html << "\" fill=\"none\" stroke=\"#5b8def\" stroke-width=\"1.5\"/>";
  auto mark = [&](StringRef name, StringRef colour, double noise) {
    if (std::isfinite(level(noise)))
      html << formatv("<circle class=\"{0}\" cx=\"{1:f1}\" cy=\"{2:f1}\" r=\"4\" fill=\"{3}\"><title>{0}</title></circle>", name, frame.x(report.chosen.cost),
                      std::clamp(frame.y(level(noise)), 4.0, Frame::height - 26), colour);
  };
  mark("chosen", "#a40e26", report.chosen.noise);
  if (report.measured)
    mark("measured", "#1b7f3b", *report.measured);
  auto [low, high] = std::pair(corners.front().level, corners.back().level);
  auto text = [&](double at) { return report.isDivergence ? noiseText(std::pow(10.0, -at), true) : formatv("{0:f1} dB", at).str(); };
  html << formatv("<text x=\"{0:f0}\" y=\"{1:f0}\" font-size=\"11\">{2:f2} to {3:f2} {4}</text>"
                  "<text x=\"{0:f0}\" y=\"12\" font-size=\"11\">{5} to {6}</text></svg>\n",
                  40.0, Frame::height - 8, frame.left, frame.right, units.cost(), text(low), text(high));
}
