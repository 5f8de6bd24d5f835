//===- Allocation.h - Which precision for which layer ------------*- C++ -*-===//
//
// Mixed precision as a multiple-choice knapsack: each layer takes one of its choices, of a cost (bits, or time) and a noise; costs and
// noises add up. The continuous relaxation is solved exactly by walking the lower convex hulls of all layers in the order of noise
// saved per cost (Sinha & Zoltners 1979); it bounds what any assignment can reach. Between two of its corners at most one layer
// is fractional, so that the whole assignment stays within one layer's step of the bound. Where layers are few that step is large: dynamic
// programming over 4096 parts of the limit then finds what is better, the best of all but for one part a layer.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_QUANTIZERS_ALLOCATION_H
#define QOPT_NUMERICS_QUANTIZERS_ALLOCATION_H

#include "qopt/Numerics/Support/Result.h"

#include <cstdint>
#include <span>
#include <vector>

namespace qopt {

/// One way to store a layer. Both are finite and not negative.
struct Choice {
  double cost = 0, noise = 0;
};

struct Allocation {
  std::vector<int32_t> picks; ///< by layer: index of its choice
  double cost = 0, noise = 0;
  /// No assignment within the budget has less noise (leastNoise), or within the noise less cost (leastCost).
  double bound = 0;
};

/// The least noise whose costs sum to at most `budget`. Fails where even the cheapest choices cost more; the sentence names both
/// sums.
Result<Allocation> leastNoise(std::span<const std::vector<Choice>> layers, double budget);
/// The least cost whose noises sum to at most `limit`. Fails where even the best choices are noisier.
Result<Allocation> leastCost(std::span<const std::vector<Choice>> layers, double limit);
/// The corners of the relaxation, from the cheapest to the least noisy: each is the best assignment of its cost.
Result<std::vector<Choice>> frontier(std::span<const std::vector<Choice>> layers);

} // namespace qopt

#endif // QOPT_NUMERICS_QUANTIZERS_ALLOCATION_H
