//===- Metrics.cpp - How far a quantized model is from its reference ------===//

#include "qopt/Numerics/Metrics/Metrics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace qopt {
namespace {

/// log(sum exp(row)), shifted by the greatest value so that nothing overflows.
double logSumExp(std::span<const float> row) {
  double greatest = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (float value : row)
    sum += std::exp(value - greatest);
  return greatest + std::log(sum);
}

int64_t firstGreatest(std::span<const float> row) { return std::max_element(row.begin(), row.end()) - row.begin(); }

} // namespace

void SignalNoise::add(std::span<const float> reference, std::span<const float> test) {
  assert(reference.size() == test.size());
  for (size_t i = 0; i < reference.size(); ++i) {
    double r = reference[i], t = test[i], error = r - t;
    if (!std::isfinite(error)) {
      ++nonFinite;
      continue;
    }
    signal += r * r;
    testSignal += t * t;
    product += r * t;
    noise += error * error;
    absolute += std::fabs(error);
    greatest = std::max(greatest, std::fabs(error));
    ++count;
  }
}

double SignalNoise::sqnr() const {
  if (nonFinite)
    return std::numeric_limits<double>::quiet_NaN();
  if (noise == 0)
    return std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / noise);
}

double SignalNoise::cosine() const {
  if (nonFinite)
    return std::numeric_limits<double>::quiet_NaN();
  if (signal == 0 || testSignal == 0)
    return signal == testSignal ? 1 : 0;
  return product / (std::sqrt(signal) * std::sqrt(testSignal));
}

void Perplexity::add(std::span<const float> logits, int64_t classes, std::span<const int64_t> targets) {
  assert(logits.size() == targets.size() * classes);
  for (size_t row = 0; row < targets.size(); ++row) {
    if (targets[row] < 0 || targets[row] >= classes)
      continue;
    std::span<const float> values = logits.subspan(row * classes, classes);
    loss += logSumExp(values) - values[targets[row]];
    ++count;
  }
}

double Perplexity::value() const { return std::exp(meanLoss()); }

void LogitDivergence::add(std::span<const float> reference, std::span<const float> test, int64_t classes) {
  assert(reference.size() == test.size() && classes > 0);
  for (size_t begin = 0; begin < reference.size(); begin += classes, ++rows) {
    std::span<const float> p = reference.subspan(begin, classes), q = test.subspan(begin, classes);
    double pTotal = logSumExp(p), qTotal = logSumExp(q);
    for (int64_t i = 0; i < classes; ++i) {
      double logP = p[i] - pTotal, logQ = q[i] - qTotal;
      if (double mass = std::exp(logP); mass > 0)
        sum += mass * (logP - logQ);
    }
  }
}

void TopOne::add(std::span<const float> logits, int64_t classes, std::span<const int64_t> labels) {
  assert(logits.size() == labels.size() * classes);
  for (size_t row = 0; row < labels.size(); ++row, ++rows)
    right += firstGreatest(logits.subspan(row * classes, classes)) == labels[row];
}

void TopOne::addAgreement(std::span<const float> reference, std::span<const float> test, int64_t classes) {
  assert(reference.size() == test.size() && classes > 0);
  for (size_t begin = 0; begin < reference.size(); begin += classes, ++rows)
    right += firstGreatest(reference.subspan(begin, classes)) == firstGreatest(test.subspan(begin, classes));
}

} // namespace qopt
