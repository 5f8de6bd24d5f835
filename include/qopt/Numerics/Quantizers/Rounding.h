//===- Rounding.h - Better roundings and zero points -------------*- C++ -*-===//
#ifndef QOPT_NUMERICS_QUANTIZERS_ROUNDING_H
#define QOPT_NUMERICS_QUANTIZERS_ROUNDING_H

#include "qopt/Numerics/Formats/BlockScaled.h"
#include "qopt/Numerics/Quantizers/Scales.h"

namespace qopt {

struct RefineOptions {
  IntRange range{-8, 7};
  int64_t groupSize = 128; ///< 0: one group to a row
  int sweeps = 3;
  double dampening = 0.01; ///< added to the diagonal: this fraction of its mean
  /// Codes stay at the floor or the ceiling of the original weight (AdaRound's choice); else any code may be taken.
  bool floorOrCeil = false;
};

struct RefineResult {
  double errorBefore = 0, errorAfter = 0; ///< tr((W - Q) (H + dampening) (W - Q)^T)
  int64_t changed = 0;                    ///< codes that differ at the end
};

/// Coordinate descent on tr((W - Q) H (W - Q)^T) over the codes, scales fixed: each column in turn takes the code that is best
/// given all others (QuantEase, Behdin et al. 2023; with floorOrCeil the choice that AdaRound, Nagel et al. 2020, learns).
/// The error never grows. `quantized` holds values (q - zero point) * scale and is replaced. Params are [N, groups].
RefineResult refineRounding(std::span<const float> weight, std::span<float> quantized, RowShape shape,
                            const GridParams &params, std::span<const double> hessian, const RefineOptions &options,
                            const ParallelFor &parallelFor = serialFor);

/// The scales that make tr((W - Q) H (W - Q)^T) least with all codes as they are: for each row the normal equations over its groups.
/// A row whose fit would halve or double a scale, or turn its sign, keeps its scales. `quantized` holds values
/// (q - zero point) * scale of `params` ([N, groups]); both are replaced. `groupSize` 0: one group to a row. Returns the rows that
/// changed.
enum class Refit {
  Scales,
  ScalesAndZeros, ///< fractional zero points too: an offset for each group beside its scale
};
int64_t refitScales(std::span<const float> weight, std::span<float> quantized, RowShape shape, GridParams &params,
                    std::span<const double> hessian, int64_t groupSize, double dampening, Refit what = Refit::Scales,
                    const ParallelFor &parallelFor = serialFor);

/// H in float, with this fraction of its mean diagonal added to the diagonal.
std::vector<float> dampened(std::span<const double> hessian, int64_t size, double fraction);

/// H <- (1 - fraction) H + fraction diag(H): off-diagonal sums over few samples are less to be trusted than the diagonal (Ledoit and
/// Wolf 2004, with the diagonal as the target).
void shrinkToDiagonal(std::span<double> hessian, int64_t size, double fraction);

struct HqqOptions {
  IntRange range{0, 15};
  double power = 0.7, beta = 10, growth = 1.01; ///< the paper's p, beta and kappa
  int iterations = 20;
  bool fractionalZero = false; ///< scales are those of ranges that need not hold zero (AffineOptions)
};

struct HqqParams {
  std::vector<float> scales;
  std::vector<float> zeroPoints; ///< not whole: formats that store integers round them
};

/// HQQ (Badri & Shaji 2023): scales from each box's extremes, zero points by half-quadratic splitting of min |W - Q|_p^p with
/// p < 1, which lets few large errors be. Needs no data. A box keeps its zero point of least mean |W - Q|.
Result<HqqParams> hqq(std::span<const float> x, const BlockGrid &grid, const HqqOptions &options = {});

} // namespace qopt

#endif // QOPT_NUMERICS_QUANTIZERS_ROUNDING_H
