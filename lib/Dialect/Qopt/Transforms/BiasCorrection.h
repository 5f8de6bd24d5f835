// The mean error that weight rounding puts on a linear op's output, taken out of its bias. Internal to this room.
#ifndef QOPT_LIB_DIALECT_QOPT_TRANSFORMS_BIASCORRECTION_H
#define QOPT_LIB_DIALECT_QOPT_TRANSFORMS_BIASCORRECTION_H

#include "WeightRows.h"

#include "qopt/Analysis/Sites.h"

namespace qopt {

/// b_n += sum over inputs of (W - W')_n · E[x] (Nagel et al. 2019, section 4.2). `rounded` is W' as rows; E[x] by
/// input channel comes from the module attribute `qopt.channels`. A remark says why where it cannot be done.
void correctBiasOf(LinearLikeOpInterface op, const WeightRows &weight, std::span<const float> rounded, const Sites &sites);

} // namespace qopt

#endif // QOPT_LIB_DIALECT_QOPT_TRANSFORMS_BIASCORRECTION_H
