//===- AffineTest.cpp - Against ONNX QuantizeLinear/DequantizeLinear ------===//

#include "Golden.h"
#include "qopt/Numerics/Formats/Affine.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace qopt;
using test::golden;

namespace {

BlockGrid gridOf(const std::string &granularity) {
  std::vector<int64_t> shape = {12, 50};
  if (granularity == "tensor")
    return BlockGrid::perTensor(shape);
  if (granularity == "axis0")
    return BlockGrid::perAxis(shape, 0);
  if (granularity == "axis1")
    return BlockGrid::perAxis(shape, 1);
  if (granularity == "group")
    return BlockGrid::perGroup(shape, 1, 16);
  return BlockGrid::perGroup(shape, 0, 5);
}

template <typename T> void expectOnnx(Format format, const std::string &granularity) {
  std::string prefix = "affine_" + std::string(traits(format).name) + "_" + granularity + "_";
  auto x = golden<float>("affine_x"), scales = golden<float>(prefix + "scale"), y = golden<float>(prefix + "y");
  auto whole = golden<int32_t>(prefix + "zero"), expected = golden<int32_t>(prefix + "q");
  std::vector<float> zeros(whole.data.begin(), whole.data.end());
  BlockGrid grid = gridOf(granularity);
  std::vector<T> q(x.data.size());
  quantize<T>(x.data, grid, scales.data, zeros, intRange(format), q);
  std::vector<float> back(x.data.size());
  dequantize<T>(q, grid, scales.data, zeros, back);
  for (size_t i = 0; i < q.size(); ++i) {
    ASSERT_EQ(static_cast<int32_t>(q[i]), expected.data[i]) << prefix << i;
    ASSERT_EQ(back[i], y.data[i]) << prefix << i;
  }
}

TEST(Affine, EqualsOnnxAtEveryGranularity) {
  for (const char *granularity : {"tensor", "axis0", "axis1", "group", "group0"}) {
    expectOnnx<int8_t>(Format::Int2, granularity);
    expectOnnx<uint8_t>(Format::UInt2, granularity);
    expectOnnx<int8_t>(Format::Int4, granularity);
    expectOnnx<uint8_t>(Format::UInt4, granularity);
    expectOnnx<int8_t>(Format::Int8, granularity);
    expectOnnx<uint8_t>(Format::UInt8, granularity);
    expectOnnx<int16_t>(Format::Int16, granularity);
    expectOnnx<uint16_t>(Format::UInt16, granularity);
  }
}

TEST(Affine, TiesNaNInfinityAndBounds) {
  std::vector<float> x = {0.5f, 1.5f, -0.5f, -1.5f, 2.5f, NAN, INFINITY, -INFINITY, 1e30f, -1e30f};
  std::vector<int8_t> q(x.size());
  quantize<int8_t>(x, 1.0f, 3, intRange(Format::Int8), q);
  EXPECT_EQ(q, (std::vector<int8_t>{3, 5, 3, 1, 5, 3, 127, -128, 127, -128}));
  quantize<int8_t>(x, 1.0f, 0, intRange(Format::Int8, /*narrow=*/true), q);
  EXPECT_EQ(q[7], -127);
  std::vector<int32_t> wide(x.size());
  quantize<int32_t>(x, 1.0f, 3, intRange(Format::Int32), wide);
  EXPECT_EQ(wide, (std::vector<int32_t>{3, 5, 3, 1, 5, 3, INT32_MAX, INT32_MIN, INT32_MAX, INT32_MIN}));
  // 2^24 + 1 has no float, but rounding a bias in double must not lose integers that have one.
  std::vector<float> large = {16777216.0f, 2147483520.0f, -2147483648.0f};
  wide.resize(3);
  quantize<int32_t>(large, 1.0f, 0, intRange(Format::Int32), wide);
  EXPECT_EQ(wide, (std::vector<int32_t>{16777216, 2147483520, INT32_MIN}));
}

/// The scale index of each element, found element by element.
std::vector<int64_t> scaleIndices(const BlockGrid &grid) {
  std::vector<int64_t> result;
  size_t rank = grid.shape().size();
  for (int64_t e = 0; e < grid.elementCount(); ++e) {
    int64_t rest = e, index = 0, stride = 1;
    for (size_t d = rank; d-- > 0;) {
      index += rest % grid.shape()[d] / grid.block()[d] * stride;
      rest /= grid.shape()[d];
      stride *= grid.scaleShape()[d];
    }
    result.push_back(index);
  }
  return result;
}

TEST(BlockGrid, RunsCoverEveryElementOnceWithItsScale) {
  std::vector<BlockGrid> grids;
  std::vector<int64_t> shape = {3, 4, 5, 7};
  grids.push_back(BlockGrid::perTensor(shape));
  for (int axis = 0; axis < 4; ++axis) {
    grids.push_back(BlockGrid::perAxis(shape, axis));
    for (int64_t size : {1, 2, 3, 7, 100})
      grids.push_back(BlockGrid::perGroup(shape, axis, size));
  }
  grids.push_back(BlockGrid::perBlock2D(shape, 2, 3));
  for (int64_t mask = 0; mask < 81; ++mask) // every mix of box 1, 2 and whole
    grids.push_back(BlockGrid(shape, {mask % 3 == 2 ? 3 : mask % 3 + 1, mask / 3 % 3 == 2 ? 4 : mask / 3 % 3 + 1,
                                      mask / 9 % 3 == 2 ? 5 : mask / 9 % 3 + 1, mask / 27 == 2 ? 7 : mask / 27 + 1}));
  grids.push_back(BlockGrid::perTensor({}));
  grids.push_back(BlockGrid::perAxis({1, 6, 1}, 1));
  for (const BlockGrid &grid : grids) {
    std::vector<int64_t> expected = scaleIndices(grid), found;
    grid.forEachRun([&](BlockGrid::Run run) {
      EXPECT_EQ(run.begin, static_cast<int64_t>(found.size()));
      for (int64_t i = 0; i < run.count; ++i)
        found.push_back(run.scale + i * run.scaleStride);
    });
    EXPECT_EQ(found, expected);
  }
  BlockGrid::perAxis({0, 6}, 1).forEachRun([](BlockGrid::Run) { FAIL() << "an empty tensor has no runs"; });
}

TEST(Affine, Fp8CodesScaleByGroup) {
  auto x = golden<float>("affine_x");
  BlockGrid grid = BlockGrid::perGroup({12, 50}, 1, 16);
  std::vector<float> scales(grid.scaleCount(), 0.125f), back(x.data.size());
  std::vector<uint8_t> codes(x.data.size());
  quantizeCodes(Format::F8E4M3FN, x.data, grid, scales, codes);
  dequantizeCodes(Format::F8E4M3FN, codes, grid, scales, back);
  for (size_t i = 0; i < codes.size(); ++i) {
    EXPECT_EQ(codes[i], encode(Format::F8E4M3FN, x.data[i] / 0.125f));
    EXPECT_LE(std::fabs(back[i] - x.data[i]), std::fabs(x.data[i]) / 16 + 0.125f / 1024);
  }
}

} // namespace
