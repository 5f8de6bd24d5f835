// What a mixed-precision stage chose, and what else it could have: for the report.
#pragma once
#include "llvm/Support/JSON.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace qopt {

struct PrecisionPoint {
  double cost = 0;  ///< bits per weight, scales and zero points counted in; or time over the float model's
  double noise = 0; ///< noise over signal, or nats
};

struct PrecisionReport {
  bool isLatency = false;    ///< what cost is
  bool isDivergence = false; ///< what noise is
  bool isLocal = false;      ///< errors were followed no further than each op's own result
  std::vector<PrecisionPoint> frontier; ///< from the cheapest to the least noisy; empty where there is no such stage
  PrecisionPoint chosen, bound;         ///< `bound`: what no choice can beat, at the chosen cost or noise
  double bitsPerWeight = 0;             ///< of what is chosen
  std::optional<double> limit;          ///< of the noise, where the recipe has one
  std::optional<double> measured;       ///< noise of the result at the model's outputs, on as many samples:
  int64_t samples = 0;
  std::vector<std::pair<std::string, int64_t>> counts; ///< ops by scheme
};

struct Noise;

/// Enters what the outputs' noise was in the end. Gives a remark's text where it is more than the recipe allows, else nothing.
std::string addMeasured(PrecisionReport &report, const Noise &noise);

/// A noise in its unit: "23.1 dB", "0.0123 nats".
std::string noiseText(double noise, bool isDivergence);

void printPrecision(llvm::raw_ostream &os, const PrecisionReport &report);
llvm::json::Value toJson(const PrecisionReport &report);
/// The frontier as a plot.
void writePrecision(llvm::raw_ostream &html, const PrecisionReport &report);

} // namespace qopt
