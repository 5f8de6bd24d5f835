//===- RoundingTraining.h - Roundings learned by gradient --------*- C++ -*-===//
//
// Roundings as parameters, after SignRound (Cheng et al. 2023, arXiv 2309.05516), begun from codes that another algorithm has chosen. Each weight
// has a position t, in steps of its scale, and each scale a factor f; the value is
//
//   w' = (rne(t) - z) s f
//
// t starts half-way between the code and w / s + z (where that lies in another code's cell: the border of the cell), so that roundings which were
// nearly ties turn first; f starts at one. Given d loss / d w', gradients pass the rounding straight through:
//
//   d loss / d t = d loss / d w' s,  d loss / d f = sum over the scale's box of d loss / d w' (rne(t) - z) s
//
// and both go down them by Adam, where the paper takes signs: a sign forgets how sure a gradient is, and behind GPTQ most are noise (docs/accuracy.md).
// A position keeps within one code of where it began.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_QUANTIZERS_ROUNDINGTRAINING_H
#define QOPT_NUMERICS_QUANTIZERS_ROUNDINGTRAINING_H

#include "qopt/Numerics/Formats/Affine.h"
#include "qopt/Numerics/Quantizers/Adam.h"

#include <span>
#include <vector>

namespace qopt {

/// The codes of one weight and what they mean, all in the weight's own order.
struct CodesToTrain {
  BlockGrid grid;
  std::vector<float> codes;                   ///< whole numbers within `range`
  std::vector<float> scales, zeroPoints = {}; ///< one for each box; no zero points: all zero
  IntRange range{-8, 7};
};

class RoundingTraining {
public:
  /// `weight` are the values that were rounded; it outlives the call only.
  RoundingTraining(std::span<const float> weight, CodesToTrain start);

  /// What the codes stand for now.
  void values(std::span<float> out) const;
  /// One step down `gradient`, d loss / d values. A rate of zero leaves what it is for as it is.
  void step(std::span<const float> gradient, double positionRate, double scaleRate);

  /// What training has changed so far, to come back to.
  struct State {
    std::vector<float> positions, factors;
  };
  State state() const { return {positions, factors}; }
  void restore(const State &state) { positions = state.positions, factors = state.factors; }

  std::vector<float> codes() const;
  std::vector<float> scales() const;
  int64_t changedCodes() const; ///< that are no longer what they were at the start

private:
  template <typename Body> void forEachElement(Body &&body) const;

  CodesToTrain start;
  std::vector<float> positions, factors;
  Adam positionSteps, factorSteps;
};

} // namespace qopt

#endif // QOPT_NUMERICS_QUANTIZERS_ROUNDINGTRAINING_H
