//===- OutputLoss.h - What a quantized model's outputs are judged by ---*- C++ -*-===//
//
// The losses that training brings down, by name: what recipes say, and what programs are made of.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_STATS_OUTPUTLOSS_H
#define QOPT_NUMERICS_STATS_OUTPUTLOSS_H

namespace qopt {

enum class OutputLoss {
  KL,  ///< of the distribution that the last dim of each output gives by softmax, from the float model's: mean over all rows
  MSE, ///< of each output's f32 elements, relative to the mean square of the float model's
};

} // namespace qopt

#endif // QOPT_NUMERICS_STATS_OUTPUTLOSS_H
