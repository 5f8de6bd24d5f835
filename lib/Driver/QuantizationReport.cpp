#include "QuantizationReport.h"

#include "qopt/Support/Progress.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

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

void qopt::printTable(raw_ostream &os, const QuantizationReport &report) {
  os << report.model << " -> " << report.output << " (" << report.recipe << ")\n";
  printSizes(os, report);
  os << formatv("  {0,-18}{1} quantized, {2} kept in float, {3} fell back to float\n", "products",
                report.count("quantized"), report.count("kept"), report.count("fell back"));
  printReasons(os, report.decisions);
  printReasons(os, report.remarks);
  printCalibration(os, report);
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
                      {"seconds", report.seconds},
                      {"peak_bytes", report.peakBytes}};
}
