// What a mixed-precision stage chose, and what else it could have: for the report.
#pragma once
#include "llvm/Support/JSON.h"

#include <cstdint>
#include <string>
#include <vector>

namespace qopt {

struct PrecisionPoint {
  double bitsPerWeight = 0; ///< scales and zero points counted in
  double sqnr = 0;          ///< dB, predicted: the signal over the sum of the ops' relative noises
};

struct PrecisionReport {
  std::vector<PrecisionPoint> frontier; ///< from the smallest to the least noisy; empty where there is no such stage
  PrecisionPoint chosen, bound;         ///< `bound`: what no choice can beat, at the chosen size or noise
  std::vector<std::pair<std::string, int64_t>> counts; ///< ops by scheme
};

void printPrecision(llvm::raw_ostream &os, const PrecisionReport &report);
llvm::json::Value toJson(const PrecisionReport &report);
/// The frontier as a plot.
void writePrecision(llvm::raw_ostream &html, const PrecisionReport &report);

} // namespace qopt
