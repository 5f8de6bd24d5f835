#include "QuantizationReport.h"

#include "qopt/Support/Progress.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>

using namespace llvm;
using namespace qopt;

namespace {

constexpr StringRef kStyle = R"(<style>
body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:72em;padding:0 1em;color:#1b1f24;background:#fff}
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}
table{border-collapse:collapse}th,td{padding:.2em .8em .2em 0;text-align:left;vertical-align:top;border-bottom:1px solid #e3e6ea}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}code{font-size:.92em;overflow-wrap:anywhere}
.quantized{color:#116329}.kept{color:#57606a}.fell{color:#a40e26;font-weight:600}
.sites{display:grid;grid-template-columns:repeat(auto-fill,minmax(20em,1fr));gap:1em}
figure{margin:0;border:1px solid #e3e6ea;border-radius:6px;padding:.6em}figcaption{font-size:.85em;overflow-wrap:anywhere}
svg{width:100%;height:auto;display:block}.bar{fill:#5b8def}.cut{fill:#a40e26;opacity:.1}.clip{stroke:#a40e26;stroke-width:1.5}
</style>
)";

std::string escape(StringRef text) {
  std::string out;
  raw_string_ostream os(out);
  printHTMLEscaped(text, os);
  return out;
}

/// The plot's area in the units of its viewBox.
constexpr double kWidth = 300, kHeight = 90;

/// Values to horizontal positions.
struct Axis {
  double low, high;
  double at(double value) const { return std::clamp((value - low) / (high - low), 0.0, 1.0) * kWidth; }
};

Axis axisOf(const SiteReport &site) {
  double low = site.lowest, high = site.lowest + site.barWidth * site.bars.size();
  if (!site.chosen.empty()) {
    low = std::min<double>(low, site.chosen.min);
    high = std::max<double>(high, site.chosen.max);
  }
  return {low, high > low ? high : low + 1};
}

/// All bars as one path; heights are logarithmic, so that rare large values show.
void drawBars(raw_ostream &os, const SiteReport &site, const Axis &axis) {
  double most = std::log1p(static_cast<double>(*llvm::max_element(site.bars)));
  os << "<path class=\"bar\" d=\"";
  for (auto [i, count] : enumerate(site.bars)) {
    if (!count)
      continue;
    double left = axis.at(site.lowest + site.barWidth * i), right = axis.at(site.lowest + site.barWidth * (i + 1));
    double height = most > 0 ? kHeight * std::log1p(static_cast<double>(count)) / most : 0;
    os << formatv("M{0:f1} {1:f1}V{2:f1}H{3:f1}V{1:f1}z", left, kHeight, kHeight - height, right);
  }
  os << "\"/>";
}

/// The chosen range: a line at each end, what lies outside shaded.
void drawClip(raw_ostream &os, const SiteReport &site, const Axis &axis) {
  if (site.chosen.empty())
    return;
  double left = axis.at(site.chosen.min), right = axis.at(site.chosen.max);
  os << formatv("<rect class=\"cut\" x=\"0\" y=\"0\" width=\"{0:f1}\" height=\"{1:f0}\"/>", left, kHeight)
     << formatv("<rect class=\"cut\" x=\"{0:f1}\" y=\"0\" width=\"{1:f1}\" height=\"{2:f0}\"/>", right, kWidth - right, kHeight);
  for (double x : {left, right})
    os << formatv("<line class=\"clip\" x1=\"{0:f1}\" x2=\"{0:f1}\" y1=\"0\" y2=\"{1:f0}\"/>", x, kHeight);
}

std::string rangeText(ValueRange range) {
  if (range.empty())
    return "none";
  std::string text;
  raw_string_ostream(text) << '[' << format("%.4g", range.min) << ", " << format("%.4g", range.max) << ']';
  return text;
}

void writeSite(raw_ostream &os, const SiteReport &site) {
  os << "<figure>";
  if (!site.bars.empty()) {
    Axis axis = axisOf(site);
    os << formatv("<svg viewBox=\"0 0 {0:f0} {1:f0}\" role=\"img\">", kWidth, kHeight);
    drawBars(os, site, axis);
    drawClip(os, site, axis);
    os << "</svg>";
  }
  os << "<figcaption><code>" << escape(site.name) << "</code><br>";
  if (!site.reached)
    os << "no sample reached it";
  else
    os << "seen " << rangeText(site.seen) << ", chosen " << rangeText(site.chosen)
       << formatv(", {0:f4}% of values outside", site.values ? 100.0 * site.outside / site.values : 0.0);
  if (site.nonFinite)
    os << formatv(", {0} NaN or infinite", site.nonFinite);
  os << "</figcaption></figure>\n";
}

void writeSizes(raw_ostream &os, const QuantizationReport &report) {
  SizeByFormat all = report.before;
  all.insert(report.after.begin(), report.after.end());
  os << "<h2>Size of constants</h2>\n<table><tr><th>format<th class=\"n\">before<th class=\"n\">after</tr>\n";
  for (const auto &[format, size] : all)
    os << "<tr><td>" << escape(format) << "<td class=\"n\">" << bytesText(report.before, format) << "<td class=\"n\">"
       << bytesText(report.after, format) << "</tr>\n";
  os << "<tr><th>all<th class=\"n\">" << formatBytes(totalBytes(report.before)) << "<th class=\"n\">"
     << formatBytes(totalBytes(report.after)) << "</tr></table>\n";
}

void writeRows(raw_ostream &os, ArrayRef<OutcomeRow> decisions) {
  os << "<table><tr><th>op<th>kind<th>outcome<th>code<th>reason</tr>\n";
  for (const OutcomeRow &d : decisions)
    os << "<tr><td><code>" << escape(d.site) << "</code><td>" << escape(d.op) << "<td class=\""
       << StringRef(d.outcome).split(' ').first << "\">" << d.outcome << "<td><code>" << escape(d.code)
       << "</code><td>" << escape(d.reason) << "</tr>\n";
  os << "</table>\n";
}

void writeDecisions(raw_ostream &os, const QuantizationReport &report) {
  os << formatv("<h2>Products and convolutions</h2>\n<p>{0} quantized, {1} kept in float, {2} fell back to float. <code>qopt explain "
                "CODE</code> explains a code.</p>\n",
                report.count("quantized"), report.count("kept"), report.count("fell back"));
  // What did not go as asked stands first.
  std::vector<OutcomeRow> rows;
  for (bool quantized : {false, true})
    copy_if(report.decisions, std::back_inserter(rows),
            [&](const OutcomeRow &row) { return (row.outcome == "quantized") == quantized; });
  writeRows(os, rows);
  if (report.remarks.empty())
    return;
  os << "<h2>Remarks</h2>\n";
  writeRows(os, report.remarks);
}

std::string decibels(const SignalNoise &noise) { return formatv("{0:f1}", noise.sqnr()); }

void writeNoise(raw_ostream &os, const QuantizationReport &report) {
  if (report.noise.sites.empty())
    return;
  os << formatv("<h2>Noise</h2>\n<p>Signal-to-quantization-noise ratio in dB over {0} samples, against the float program. Local: only this "
                "op quantized, fed with float tensors; accumulated: everything up to it. Noisiest first; an override goes into the recipe.</p>\n"
                "<table><tr><th>output<th class=\"n\">SQNR</tr>\n",
                report.noise.samples);
  for (const SiteNoise &noise : report.noise.sites)
    if (noise.op.empty())
      os << "<tr><td><code>" << escape(noise.site) << "</code><td class=\"n\">" << decibels(noise.accumulated) << "</tr>\n";
  os << "</table>\n<table><tr><th>site<th>kind<th class=\"n\">local<th class=\"n\">accumulated<th>override</tr>\n";
  for (const SiteNoise *noise : report.worstSites(report.noise.sites.size()))
    os << "<tr><td><code>" << escape(noise->site) << "</code><td>" << escape(noise->op) << "<td class=\"n\">"
       << (noise->local ? decibels(*noise->local) : "") << "<td class=\"n\">" << decibels(noise->accumulated) << "<td><code>"
       << escape(noise->suggestion) << "</code></tr>\n";
  os << "</table>\n";
}

void writeSites(raw_ostream &os, const QuantizationReport &report) {
  if (report.method.empty())
    return;
  os << formatv("<h2>Calibration</h2>\n<p>{0} samples; ranges by {1}; {2} of {3} tensors were not reached by any sample. Heights are "
                "logarithmic; red lines are the chosen range, and what is shaded is clipped.</p>\n<div class=\"sites\">\n",
                report.samples, report.method, report.unreached().size(), report.sites.size());
  for (const SiteReport &site : report.sites)
    writeSite(os, site);
  os << "</div>\n";
}

void writeProvenance(raw_ostream &os, const QuantizationReport &report) {
  const std::pair<StringRef, std::string> rows[] = {
      {"tool", report.tool},         {"model", report.model},        {"model SHA-256", report.modelHash},
      {"recipe", report.recipe},     {"recipe SHA-256", report.recipeHash}, {"data hash", report.dataHash},
      {"target", report.target},     {"output", report.output},      {"time", formatSeconds(report.seconds)},
      {"peak memory", formatBytes(report.peakBytes)}};
  os << "<h2>Where it comes from</h2>\n<table>\n";
  for (const auto &[key, value] : rows)
    if (!value.empty())
      os << "<tr><th>" << key << "<td><code>" << escape(value) << "</code></tr>\n";
  os << "</table>\n";
}

} // namespace

std::string qopt::toHtml(const QuantizationReport &report) {
  std::string text;
  raw_string_ostream os(text);
  os << "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" << escape(report.model)
     << " quantized</title>\n"
     << kStyle << "</head><body>\n<h1>" << escape(report.model) << " &rarr; " << escape(report.output) << " ("
     << escape(report.recipe) << ")</h1>\n";
  writeSizes(os, report);
  writeDecisions(os, report);
  writeNoise(os, report);
  writeSites(os, report);
  writeDrift(os, report.drifts);
  writePrecision(os, report.precision);
  writeProvenance(os, report);
  os << "</body></html>\n";
  return text;
}
