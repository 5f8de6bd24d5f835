//===- BlockScaledTest.cpp - MX, NVFP4 and NF4 ----------------------------===//

#include "Golden.h"
#include "qopt/Numerics/Formats/BlockScaled.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace qopt;
using test::golden;

namespace {

constexpr RowShape shape{6, 80};

TEST(Mx, EqualsTheSpecificationInNumpy) {
  auto x = golden<float>("blocks_x");
  for (const char *name : {"f8e4m3fn", "f8e5m2", "f6e3m2fn", "f6e2m3fn", "f4e2m1fn"}) {
    Format element = *parseFormat(name);
    std::string prefix = std::string("mx_") + name + "_";
    std::vector<uint8_t> codes(480), scales(18);
    std::vector<float> back(480);
    quantizeMx(element, x.data, shape, codes, scales);
    dequantizeMx(element, codes, scales, shape, back);
    EXPECT_EQ(scales, golden<uint8_t>(prefix + "scales").data) << name;
    EXPECT_EQ(codes, golden<uint8_t>(prefix + "codes").data) << name;
    EXPECT_EQ(back, golden<float>(prefix + "y").data) << name;
  }
}

TEST(Mx, CeilNeverSaturates) {
  auto x = golden<float>("blocks_x");
  std::vector<uint8_t> codes(480), scales(18);
  std::vector<float> back(480);
  quantizeMx(Format::F4E2M1FN, x.data, shape, codes, scales, MxScaleRule::Ceil);
  dequantizeMx(Format::F4E2M1FN, codes, scales, shape, back);
  for (int64_t i = 0; i < 480; ++i) {
    double scale = decode(Format::F8E8M0FNU, scales[i / 80 * 3 + i % 80 / 32]);
    EXPECT_LE(std::fabs(x.data[i]), 6 * scale);
    EXPECT_LE(std::fabs(x.data[i] - back[i]), scale); // half of the widest step, 4 to 6
  }
}

TEST(Mx, SpecialBlocks) {
  std::vector<float> x(96, 0.0f), back(96);
  x[40] = NAN;
  x[70] = INFINITY;
  x[71] = 1.0f;
  std::vector<uint8_t> codes(96), scales(3);
  quantizeMx(Format::F8E4M3FN, x, {1, 96}, codes, scales);
  EXPECT_EQ(scales[0], 0);
  EXPECT_EQ(scales[1], 0xFF);
  dequantizeMx(Format::F8E4M3FN, codes, scales, {1, 96}, back);
  EXPECT_EQ(back[0], 0);
  EXPECT_TRUE(std::isnan(back[40]));
  EXPECT_GT(back[70], 1e38f);
}

TEST(Nvfp4, EqualsNumpy) {
  auto x = golden<float>("blocks_x");
  float tensorScale = nvfp4TensorScale(x.data);
  EXPECT_EQ(tensorScale, golden<float>("nvfp4_tensor_scale").data[0]);
  std::vector<uint8_t> codes(480), scales(30);
  std::vector<float> back(480);
  quantizeNvfp4(x.data, shape, tensorScale, codes, scales);
  dequantizeNvfp4(codes, scales, shape, tensorScale, back);
  EXPECT_EQ(scales, golden<uint8_t>("nvfp4_scales").data);
  EXPECT_EQ(codes, golden<uint8_t>("nvfp4_codes").data);
  EXPECT_EQ(back, golden<float>("nvfp4_y").data);
}

TEST(Nvfp4, PowerOfTwoTensorScaleInvertsExactly) {
  auto x = golden<float>("blocks_x");
  float scale = nvfp4TensorScale(x.data, NvScaleRule::PowerOfTwo);
  EXPECT_GE(scale, nvfp4TensorScale(x.data));
  EXPECT_LT(scale, 2 * nvfp4TensorScale(x.data));
  EXPECT_EQ(std::exp2(std::log2(scale)), scale);
  EXPECT_EQ(1 / (1 / scale), scale);
}

TEST(Nf4, ErrorIsHalfTheWidestGap) {
  auto x = golden<float>("blocks_x");
  std::vector<uint8_t> codes(480);
  std::vector<float> scales(12), back(480);
  quantizeNf4(x.data, shape, 64, codes, scales);
  dequantizeNf4(codes, scales, shape, 64, back);
  for (int64_t i = 0; i < 480; ++i)
    EXPECT_LE(std::fabs(x.data[i] - back[i]), 0.152f * scales[i / 80 * 2 + i % 80 / 64]);
}

TEST(Nf4, DoubleQuantizedScalesStayClose) {
  std::vector<float> scales(600);
  for (size_t i = 0; i < scales.size(); ++i)
    scales[i] = 0.05f + 0.01f * std::sin(static_cast<float>(i));
  DoubleQuantizedScales packed = quantizeScales(scales);
  EXPECT_EQ(packed.superScales.size(), 3u);
  std::vector<float> back = dequantizeScales(packed);
  for (size_t i = 0; i < scales.size(); ++i)
    EXPECT_NEAR(back[i], scales[i], 0.011f / 16);
  EXPECT_TRUE(dequantizeScales(quantizeScales({})).empty());
}

} // namespace
