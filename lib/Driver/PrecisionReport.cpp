#include "PrecisionReport.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>

using namespace llvm;
using namespace qopt;

namespace {

json::Value toJson(const PrecisionPoint &point) {
  return json::Object{{"bits_per_weight", point.bitsPerWeight},
                      {"sqnr_db", std::isfinite(point.sqnr) ? json::Value(point.sqnr) : json::Value(nullptr)}};
}

/// The plot's frame: bits across, dB upwards.
struct Frame {
  double left, right, low, high;
  static constexpr double width = 600, height = 240;
  double x(double bits) const { return 40 + (bits - left) / (right - left) * (width - 60); }
  double y(double sqnr) const { return height - 30 - (sqnr - low) / (high - low) * (height - 50); }
};

Frame frameOf(ArrayRef<PrecisionPoint> points) {
  auto [left, right] = std::minmax_element(points.begin(), points.end(), [](auto &a, auto &b) { return a.bitsPerWeight < b.bitsPerWeight; });
  auto [low, high] = std::minmax_element(points.begin(), points.end(), [](auto &a, auto &b) { return a.sqnr < b.sqnr; });
  Frame frame{left->bitsPerWeight, right->bitsPerWeight, low->sqnr, high->sqnr};
  if (frame.right <= frame.left)
    frame.right = frame.left + 1;
  if (!(frame.high > frame.low))
    frame.high = frame.low + 1;
  return frame;
}

} // namespace

void qopt::printPrecision(raw_ostream &os, const PrecisionReport &report) {
  if (report.frontier.empty())
    return;
  os << formatv("  {0,-18}{1:f2} bits per weight, {2:f1} dB predicted (bound: {3:f2} bits, {4:f1} dB);", "mixed precision",
                report.chosen.bitsPerWeight, report.chosen.sqnr, report.bound.bitsPerWeight, report.bound.sqnr);
  for (const auto &[scheme, count] : report.counts)
    os << formatv(" {0} {1}", count, scheme);
  os << '\n';
}

json::Value qopt::toJson(const PrecisionReport &report) {
  if (report.frontier.empty())
    return nullptr;
  json::Array frontier;
  for (const PrecisionPoint &point : report.frontier)
    frontier.push_back(::toJson(point));
  json::Object counts;
  for (const auto &[scheme, count] : report.counts)
    counts[scheme] = count;
  return json::Object{{"frontier", std::move(frontier)},
                      {"chosen", ::toJson(report.chosen)},
                      {"bound", ::toJson(report.bound)},
                      {"counts", std::move(counts)}};
}

void qopt::writePrecision(raw_ostream &html, const PrecisionReport &report) {
  std::vector<PrecisionPoint> points;
  copy_if(report.frontier, std::back_inserter(points), [](const PrecisionPoint &p) { return std::isfinite(p.sqnr); });
  if (points.empty())
    return;
  Frame frame = frameOf(points);
  html << formatv("<h2>Mixed precision</h2>\n<p>{0:f2} bits per weight, {1:f1} dB predicted (the sum of the ops' relative noises). Each point "
                  "of the line is the best that the offered schemes reach at its size.</p>\n<svg viewBox=\"0 0 {2:f0} {3:f0}\" "
                  "style=\"max-width:48em\" role=\"img\"><path d=\"",
                  report.chosen.bitsPerWeight, report.chosen.sqnr, Frame::width, Frame::height);
  for (auto [i, point] : enumerate(points))
    html << formatv("{0}{1:f1} {2:f1}", i ? "L" : "M", frame.x(point.bitsPerWeight), frame.y(point.sqnr));
  html << "\" fill=\"none\" stroke=\"#5b8def\" stroke-width=\"1.5\"/>";
  if (std::isfinite(report.chosen.sqnr))
    html << formatv("<circle class=\"chosen\" cx=\"{0:f1}\" cy=\"{1:f1}\" r=\"4\" fill=\"#a40e26\"/>", frame.x(report.chosen.bitsPerWeight),
                    frame.y(report.chosen.sqnr));
  html << formatv("<text x=\"{0:f0}\" y=\"{1:f0}\" font-size=\"11\">{2:f2} to {3:f2} bits per weight</text>"
                  "<text x=\"{0:f0}\" y=\"12\" font-size=\"11\">{4:f1} to {5:f1} dB</text></svg>\n",
                  40.0, Frame::height - 8, frame.left, frame.right, frame.low, frame.high);
}
