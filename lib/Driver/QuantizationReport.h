// What a quantization leaves behind for people and programs: a table, report.json and report.html.
#pragma once
#include "DriftReport.h"
#include "PrecisionReport.h"
#include "SiteNoise.h"
#include "Sizes.h"

#include "qopt/Driver/Driver.h"
#include "qopt/Numerics/Stats/ChannelStats.h"

namespace mlir {
class ModuleOp;
} // namespace mlir

namespace qopt {

struct RangeChoice;
struct Statistics;

/// What became of one op.
struct OutcomeRow {
  std::string site, op, outcome, code, reason;
};

/// The values of one tensor as calibration saw them, and the range that was chosen for it.
struct SiteReport {
  std::string name;
  bool reached = false;
  ValueRange seen, chosen;
  uint64_t values = 0;    ///< finite ones
  uint64_t nonFinite = 0; ///< NaN and infinities
  uint64_t outside = 0;   ///< values beyond the chosen range, to the width of a calibration bin
  double lowest = 0;      ///< lower edge of the first bar
  double barWidth = 0;
  std::vector<uint64_t> bars; ///< counts
};

struct QuantizationReport {
  std::string model, output, recipe, target; ///< as the command line names them
  std::string modelHash, recipeHash, dataHash, tool;
  std::string method; ///< of ranges; empty without calibration
  int64_t samples = 0;
  SizeByFormat before, after;
  /// What became of each product and convolution.
  std::vector<OutcomeRow> decisions;
  /// What else passes had to say: corrections that could not be made.
  std::vector<OutcomeRow> remarks;
  std::vector<SiteReport> sites;
  /// Empty where there were no samples to measure with.
  Noise noise;
  PrecisionReport precision;
  std::vector<SiteDrift> drifts; ///< evaluation data against calibration; empty where there is none
  double seconds = 0;
  int64_t peakBytes = 0; ///< of the process; 0 where the system does not say

  /// `outcome`: "quantized", "kept" or "fell back".
  int64_t count(llvm::StringRef outcome) const;
  std::vector<llvm::StringRef> unreached() const;
  /// The `most` noisiest sites (outputs of the model are none), by accumulated SQNR.
  std::vector<const SiteNoise *> worstSites(size_t most) const;
  /// The op that itself adds most: the one to spare. Null where none was measured.
  const SiteNoise *noisiestOp() const;
};

/// Takes over what the quantized module records.
void addDecisions(QuantizationReport &report, mlir::ModuleOp module);
void addStatistics(QuantizationReport &report, const Statistics &statistics, const RangeChoice &choice);

void printTable(llvm::raw_ostream &os, const QuantizationReport &report);
/// Keys are stable; docs/reports.md lists them.
llvm::json::Value toJson(const QuantizationReport &report);
/// One page that needs nothing else: inline styles and SVG.
std::string toHtml(const QuantizationReport &report);

/// Makes the folder of --report, so that what is wrong with it is known before any work.
llvm::Error prepareReports(const Arguments &arguments);
/// The table (not with --quiet), the files of --report and the one of --json.
llvm::Error writeReports(const Arguments &arguments, const QuantizationReport &report, Session &session);

} // namespace qopt
