//===- Metrics.h - How far a quantized model is from its reference -*- C++ -*-===//
//
// Streaming: add pieces in the order of the data, then ask. Sums are taken in double in that order.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_METRICS_METRICS_H
#define QOPT_NUMERICS_METRICS_METRICS_H

#include <cstdint>
#include <span>

namespace qopt {

/// Element-wise comparison of a reference r and a test t.
class SignalNoise {
public:
  void add(std::span<const float> reference, std::span<const float> test);

  /// 10 log10(sum r^2 / sum (r - t)^2) in dB; infinite where they are equal, -infinite where only noise is there. Pairs with a
  /// value that is not finite are counted and make it NaN.
  double sqnr() const;
  /// sum r t / sqrt(sum r^2 sum t^2); 1 where both are zero throughout, 0 where one is.
  double cosine() const;
  double maxAbsError() const { return greatest; }
  double meanAbsError() const { return count ? absolute / static_cast<double>(count) : 0; }
  double meanSquaredError() const { return count ? noise / static_cast<double>(count) : 0; }
  int64_t valueCount() const { return count; }
  int64_t nonFiniteCount() const { return nonFinite; }

private:
  double signal = 0, noise = 0, testSignal = 0, product = 0, absolute = 0, greatest = 0;
  int64_t count = 0, nonFinite = 0;
};

/// Next-token prediction: perplexity = exp(mean of -log softmax(logits)[target]).
class Perplexity {
public:
  /// logits is [targets.size(), classes]. Targets outside [0, classes) are left out.
  void add(std::span<const float> logits, int64_t classes, std::span<const int64_t> targets);
  double value() const;
  double meanLoss() const { return count ? loss / static_cast<double>(count) : 0; }
  int64_t tokenCount() const { return count; }

private:
  double loss = 0;
  int64_t count = 0;
};

/// Mean over rows of KL(softmax(reference) || softmax(test)), in nats.
class LogitDivergence {
public:
  void add(std::span<const float> reference, std::span<const float> test, int64_t classes);
  double value() const { return rows ? sum / static_cast<double>(rows) : 0; }

private:
  double sum = 0;
  int64_t rows = 0;
};

/// Share of rows whose greatest value stands where it should (the first of equals).
class TopOne {
public:
  void add(std::span<const float> logits, int64_t classes, std::span<const int64_t> labels);
  /// Labels are the reference's own choices: agreement rather than accuracy.
  void addAgreement(std::span<const float> reference, std::span<const float> test, int64_t classes);
  double value() const { return rows ? static_cast<double>(right) / static_cast<double>(rows) : 0; }
  int64_t rowCount() const { return rows; }

private:
  int64_t right = 0, rows = 0;
};

} // namespace qopt

#endif // QOPT_NUMERICS_METRICS_METRICS_H
