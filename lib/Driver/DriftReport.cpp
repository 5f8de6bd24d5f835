#include "DriftReport.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;
using namespace qopt;

namespace {

size_t driftedCount(ArrayRef<SiteDrift> drifts) {
  return count_if(drifts, [](const SiteDrift &d) { return d.drifted(); });
}

std::string rangeText(ValueRange range) {
  return range.empty() ? "none" : formatv("[{0:f4}, {1:f4}]", range.min, range.max).str();
}

json::Value toJson(ValueRange range) {
  return range.empty() ? json::Value(nullptr) : json::Value(json::Array{range.min, range.max});
}

} // namespace

void qopt::printDrift(raw_ostream &os, ArrayRef<SiteDrift> drifts, size_t most) {
  os << formatv("  {0,-18}{1} of {2} tensors look other than in calibration\n", "drift", driftedCount(drifts), drifts.size());
  if (drifts.empty() || !most)
    return;
  os << "      outside    distance  shift  calibrated                 used                       tensor\n";
  for (const SiteDrift &d : drifts.take_front(most))
    os << formatv("    {0}{1,8:f3}%  {2,10:f4}  {3,5:f2}  {4,-26} {5,-26} {6}\n", d.drifted() ? '!' : ' ', 100 * d.outside,
                  d.distance, d.shift, rangeText(d.calibrated), rangeText(d.used), d.site);
}

json::Array qopt::driftToJson(ArrayRef<SiteDrift> drifts) {
  json::Array rows;
  for (const SiteDrift &d : drifts)
    rows.push_back(json::Object{{"site", json::fixUTF8(d.site)},
                                {"calibrated", ::toJson(d.calibrated)},
                                {"used", ::toJson(d.used)},
                                {"outside", d.outside},
                                {"distance", d.distance},
                                {"shift", d.shift},
                                {"drifted", d.drifted()}});
  return rows;
}

void qopt::writeDrift(raw_ostream &html, ArrayRef<SiteDrift> drifts) {
  if (drifts.empty())
    return;
  html << formatv("<h2>Drift</h2>\n<p>{0} of {1} tensors look other on the evaluation data than in calibration.</p>\n<table><tr>"
                  "<th>tensor<th>calibrated<th>used<th class=\"n\">outside<th class=\"n\">distance<th class=\"n\">shift</tr>\n",
                  driftedCount(drifts), drifts.size());
  for (const SiteDrift &d : drifts) {
    html << formatv("<tr class=\"{0}\"><td><code>", d.drifted() ? "fell" : "");
    printHTMLEscaped(d.site, html);
    html << formatv("</code><td>{0}<td>{1}<td class=\"n\">{2:f3}%<td class=\"n\">{3:f4}<td class=\"n\">{4:f2}</tr>\n",
                    rangeText(d.calibrated), rangeText(d.used), 100 * d.outside, d.distance, d.shift);
  }
  html << "</table>\n";
}
