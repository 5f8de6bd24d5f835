//===- Adam.h - Gradient descent with moments --------------------*- C++ -*-===//
//
// Kingma and Ba 2015 (arXiv 1412.6980), algorithm 1:
//
//   m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,  x <- x - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_QUANTIZERS_ADAM_H
#define QOPT_NUMERICS_QUANTIZERS_ADAM_H

#include <cstdint>
#include <span>
#include <vector>

namespace qopt {

struct AdamOptions {
  double first = 0.9, second = 0.99; ///< b1 and b2; few steps forget second moments sooner than the paper's .999
  double epsilon = 1e-8;
};

/// The moments of some parameters. Element by element, in double: the same for any order of calls to other instances.
class Adam {
public:
  explicit Adam(size_t count, const AdamOptions &options = {}) : options(options), mean(count), square(count) {}
  void step(std::span<float> x, std::span<const float> gradient, double rate);

private:
  AdamOptions options;
  std::vector<double> mean, square;
  int64_t steps = 0;
};

/// Half a cosine from `rate` at the first of `steps` steps towards zero after the last.
double cosineRate(double rate, int64_t step, int64_t steps);

} // namespace qopt

#endif // QOPT_NUMERICS_QUANTIZERS_ADAM_H
