//===- Equalize.cpp - Per-channel scales moved between tensors ------------===//

#include "qopt/Numerics/Quantizers/Equalize.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace qopt {

std::vector<float> columnAbsMax(std::span<const float> weight, RowShape shape) {
  std::vector<float> result(shape.cols, 0.0f);
  for (int64_t n = 0; n < shape.rows; ++n)
    for (int64_t k = 0; k < shape.cols; ++k)
      result[k] = std::max(result[k], std::fabs(weight[n * shape.cols + k]));
  return result;
}

std::vector<float> rowAbsMax(std::span<const float> weight, RowShape shape) {
  std::vector<float> result(shape.rows, 0.0f);
  for (int64_t n = 0; n < shape.rows; ++n)
    for (int64_t k = 0; k < shape.cols; ++k)
      result[n] = std::max(result[n], std::fabs(weight[n * shape.cols + k]));
  return result;
}

std::vector<float> smoothQuantScales(std::span<const float> activationMax, std::span<const float> weightMax, float alpha,
                                     float least) {
  assert(activationMax.size() == weightMax.size());
  std::vector<float> scales(activationMax.size(), 1.0f);
  for (size_t k = 0; k < scales.size(); ++k) {
    if (!(activationMax[k] > 0) || !(weightMax[k] > 0))
      continue;
    double s = std::pow(static_cast<double>(activationMax[k]), alpha) / std::pow(static_cast<double>(weightMax[k]), 1.0 - alpha);
    scales[k] = std::max(static_cast<float>(s), least);
  }
  return scales;
}

void scaleColumns(std::span<float> weight, RowShape shape, std::span<const float> s) {
  assert(static_cast<int64_t>(s.size()) == shape.cols);
  for (int64_t n = 0; n < shape.rows; ++n)
    for (int64_t k = 0; k < shape.cols; ++k)
      weight[n * shape.cols + k] *= s[k];
}

void scaleRows(std::span<float> weight, RowShape shape, std::span<const float> s) {
  assert(static_cast<int64_t>(s.size()) == shape.rows);
  for (int64_t n = 0; n < shape.rows; ++n)
    for (int64_t k = 0; k < shape.cols; ++k)
      weight[n * shape.cols + k] *= s[n];
}

std::vector<float> equalizationScales(std::span<const float> firstRowMax, std::span<const float> secondColumnMax) {
  assert(firstRowMax.size() == secondColumnMax.size());
  std::vector<float> scales(firstRowMax.size(), 1.0f);
  for (size_t i = 0; i < scales.size(); ++i)
    if (firstRowMax[i] > 0 && secondColumnMax[i] > 0)
      scales[i] = static_cast<float>(std::sqrt(static_cast<double>(firstRowMax[i]) / secondColumnMax[i]));
  return scales;
}

void correctBias(std::span<const float> weight, std::span<const float> quantizedWeight, RowShape shape,
                 std::span<const float> inputMean, std::span<float> bias) {
  assert(weight.size() == quantizedWeight.size() && static_cast<int64_t>(inputMean.size()) == shape.cols);
  assert(static_cast<int64_t>(bias.size()) == shape.rows);
  for (int64_t n = 0; n < shape.rows; ++n) {
    double shift = 0;
    for (int64_t k = 0; k < shape.cols; ++k) {
      int64_t i = n * shape.cols + k;
      shift += (static_cast<double>(weight[i]) - quantizedWeight[i]) * inputMean[k];
    }
    bias[n] = static_cast<float>(bias[n] + shift);
  }
}

} // namespace qopt
