#include "QuantizationReport.h"

#include "qopt/Support/Progress.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace qopt;

namespace {

json::Array toJson(ArrayRef<OutcomeRow> decisions) {
  json::Array all;
  for (const OutcomeRow &d : decisions)
    all.push_back(json::Object{{"site", json::fixUTF8(d.site)},
                               {"op", d.op},
                               {"outcome", d.outcome},
                               {"code", d.code},
                               {"reason", json::fixUTF8(d.reason)}});
  return all;
}

json::Value toJson(ValueRange range) {
  return range.empty() ? json::Value(nullptr) : json::Value(json::Array{range.min, range.max});
}

json::Value toJson(const SiteReport &site) {
  json::Array bars;
  for (uint64_t count : site.bars)
    bars.push_back(static_cast<int64_t>(count));
  return json::Object{{"site", json::fixUTF8(site.name)},
                      {"reached", site.reached},
                      {"values", static_cast<int64_t>(site.values)},
                      {"non_finite", static_cast<int64_t>(site.nonFinite)},
                      {"outside", static_cast<int64_t>(site.outside)},
                      {"seen", toJson(site.seen)},
                      {"chosen", toJson(site.chosen)},
                      {"histogram", json::Object{{"lowest", site.lowest}, {"width", site.barWidth}, {"counts", std::move(bars)}}}};
}

/// Null for what JSON has no number for: equal tensors (infinite), or a NaN among the values.
json::Value toJson(double decibels) { return std::isfinite(decibels) ? json::Value(decibels) : json::Value(nullptr); }

json::Value toJson(const SiteNoise &noise) {
  json::Object row{{"site", json::fixUTF8(noise.site)},
                   {"accumulated_sqnr_db", toJson(noise.accumulated.sqnr())},
                   {"max_abs_error", toJson(noise.accumulated.maxAbsError())},
                   {"values", noise.accumulated.valueCount()},
                   {"non_finite", noise.accumulated.nonFiniteCount()}};
  if (noise.divergence)
    row["divergence"] = toJson(noise.divergence->value());
  if (noise.op.empty())
    return row;
  row["op"] = noise.op;
  row["local_sqnr_db"] = noise.local ? toJson(noise.local->sqnr()) : json::Value(nullptr);
  row["override"] = json::fixUTF8(noise.suggestion);
  return row;
}

json::Value toJson(const QuantizationReport &report, bool outputs) {
  json::Array rows;
  for (const SiteNoise &noise : report.noise.sites)
    if (noise.op.empty() == outputs)
      rows.push_back(toJson(noise));
  return rows;
}

void printSizes(raw_ostream &os, const QuantizationReport &report) {
  int64_t before = totalBytes(report.before), after = totalBytes(report.after);
  os << formatv("  {0,-18}{1,12} -> {2,10}  {3:f1}%\n", "constants", formatBytes(before), formatBytes(after),
                before ? 100.0 * after / before : 100.0);
  SizeByFormat all = report.before;
  all.insert(report.after.begin(), report.after.end());
  for (const auto &[format, size] : all)
    os << formatv("    {0,-16}{1,12} -> {2,10}\n", format, bytesText(report.before, format), bytesText(report.after, format));
}

/// One line a reason, with how many ops have it and the first of them.
void printReasons(raw_ostream &os, ArrayRef<OutcomeRow> decisions) {
  MapVector<StringRef, std::vector<const OutcomeRow *>> byCode;
  for (const OutcomeRow &d : decisions)
    if (d.outcome != "quantized")
      byCode[d.code].push_back(&d);
  for (const auto &[code, rows] : byCode)
    os << formatv("    {0,4}  {1,-18} {2} ({3}{4})\n", rows.size(), code, rows[0]->reason, rows[0]->site,
                  rows.size() > 1 ? ", …" : "");
}

void printCalibration(raw_ostream &os, const QuantizationReport &report) {
  if (report.method.empty())
    return;
  std::vector<StringRef> unreached = report.unreached();
  os << formatv("  {0,-18}{1} samples, {2} tensors by {3}, {4} not reached by any sample\n", "calibration", report.samples,
                report.sites.size(), report.method, unreached.size());
  constexpr size_t shown = 5;
  for (StringRef site : ArrayRef(unreached).take_front(shown))
    os << "    not reached: " << site << '\n';
  if (unreached.size() > shown)
    os << formatv("    … and {0} more\n", unreached.size() - shown);
}

std::string decibels(const SignalNoise &noise) { return formatv("{0:f1} dB", noise.sqnr()); }

/// A NaN is worse than any number.
double badness(const SignalNoise &noise) {
  double sqnr = noise.sqnr();
  return std::isnan(sqnr) ? -std::numeric_limits<double>::infinity() : sqnr;
}

/// The model's outputs, the worst sites, and what to write into a recipe against the worst.
void printNoise(raw_ostream &os, const QuantizationReport &report) {
  if (report.noise.sites.empty())
    return;
  os << formatv("  {0,-18}over {1} samples, against the float program\n", "noise (SQNR)", report.noise.samples);
  for (const SiteNoise &noise : report.noise.sites)
    if (noise.op.empty())
      os << formatv("    output {0}: {1}\n", noise.site, decibels(noise.accumulated));
  std::vector<const SiteNoise *> worst = report.worstSites(5);
  if (worst.empty())
    return;
  os << formatv("    {0,10} {1,12}  {2}\n", "local", "accumulated", "worst sites");
  for (const SiteNoise *noise : worst)
    os << formatv("    {0,10} {1,12}  {2}\n", noise->local ? decibels(*noise->local) : "-", decibels(noise->accumulated), noise->site);
  if (const SiteNoise *noisiest = report.noisiestOp())
    os << formatv("    noisiest by itself, with {0}: {1}; to spare it, in a recipe: overrides: [{2}]\n", decibels(*noisiest->local),
                  noisiest->site, noisiest->suggestion);
}

} // namespace

int64_t QuantizationReport::count(StringRef outcome) const {
  return count_if(decisions, [&](const OutcomeRow &d) { return d.outcome == outcome; });
}

std::vector<StringRef> QuantizationReport::unreached() const {
  std::vector<StringRef> names;
  for (const SiteReport &site : sites)
    if (!site.reached)
      names.push_back(site.name);
  return names;
}

std::vector<const SiteNoise *> QuantizationReport::worstSites(size_t most) const {
  std::vector<const SiteNoise *> worst;
  for (const SiteNoise &site : noise.sites)
    if (!site.op.empty() && site.accumulated.valueCount())
      worst.push_back(&site);
  llvm::sort(worst, [](const SiteNoise *a, const SiteNoise *b) {
    return std::pair(badness(a->accumulated), a) < std::pair(badness(b->accumulated), b);
  });
  worst.resize(std::min(worst.size(), most));
  return worst;
}

const SiteNoise *QuantizationReport::noisiestOp() const {
  const SiteNoise *noisiest = nullptr;
  for (const SiteNoise &site : noise.sites)
    if (site.local && (!noisiest || badness(*site.local) < badness(*noisiest->local)))
      noisiest = &site;
  return noisiest;
}

void qopt::printTable(raw_ostream &os, const QuantizationReport &report) {
  os << report.model << " -> " << report.output << " (" << report.recipe << ")\n";
  printSizes(os, report);
  os << formatv("  {0,-18}{1} quantized, {2} kept in float, {3} fell back to float\n", "products",
                report.count("quantized"), report.count("kept"), report.count("fell back"));
  printReasons(os, report.decisions);
  printReasons(os, report.remarks);
  printPrecision(os, report.precision);
  printCalibration(os, report);
  printNoise(os, report);
  if (!report.drifts.empty())
    printDrift(os, report.drifts, 5);
  os << formatv("  {0,-18}{1}, peak memory {2}\n", "time", formatSeconds(report.seconds), formatBytes(report.peakBytes));
}

json::Value qopt::toJson(const QuantizationReport &report) {
  json::Array sites, unreached;
  for (const SiteReport &site : report.sites)
    sites.push_back(::toJson(site));
  for (StringRef site : report.unreached())
    unreached.push_back(json::fixUTF8(site));
  json::Object hashes{{"model", report.modelHash}, {"recipe", report.recipeHash}, {"data", report.dataHash}};
  json::Object calibration{{"method", report.method}, {"samples", report.samples}, {"unreached", std::move(unreached)}};
  json::Object counts{{"quantized", report.count("quantized")},
                      {"kept", report.count("kept")},
                      {"fell_back", report.count("fell back")}};
  return json::Object{{"model", report.model},
                      {"output", report.output},
                      {"recipe", report.recipe},
                      {"target", report.target},
                      {"tool", report.tool},
                      {"hashes", std::move(hashes)},
                      {"bytes_before", totalBytes(report.before)},
                      {"bytes_after", totalBytes(report.after)},
                      {"before", toJson(report.before)},
                      {"after", toJson(report.after)},
                      {"counts", std::move(counts)},
                      {"decisions", ::toJson(report.decisions)},
                      {"remarks", ::toJson(report.remarks)},
                      {"calibration", std::move(calibration)},
                      {"sites", std::move(sites)},
                      {"noise", json::Object{{"samples", report.noise.samples},
                                             {"outputs", ::toJson(report, true)},
                                             {"sites", ::toJson(report, false)}}},
                      {"drift", driftToJson(report.drifts)},
                      {"mixed_precision", toJson(report.precision)},
                      {"seconds", report.seconds},
                      {"peak_bytes", report.peakBytes}};
}
