//===- FormatTest.cpp - Codes against ml_dtypes and ONNX ------------------===//

#include "Golden.h"
#include "qopt/Numerics/Formats/Format.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace qopt;
using test::golden;

namespace {

class FloatFormat : public ::testing::TestWithParam<const char *> {
protected:
  Format format = *parseFormat(GetParam());
  std::string prefix = std::string(GetParam()) + "_";

  template <typename Code> void expectCodes(const std::string &file, bool saturate) {
    auto x = golden<float>(prefix + "x");
    auto codes = golden<Code>(prefix + file);
    ASSERT_EQ(x.data.size(), codes.data.size());
    for (size_t i = 0; i < x.data.size(); ++i)
      ASSERT_EQ(encode(format, x.data[i], saturate), codes.data[i]) << GetParam() << " of " << x.data[i];
  }
};

TEST_P(FloatFormat, DecodesEveryCodeAsMlDtypes) {
  auto values = golden<double>(prefix + "values");
  ASSERT_EQ(values.data.size(), traits(format).codeCount());
  for (uint32_t code = 0; code < values.data.size(); ++code) {
    double value = decode(format, code);
    if (std::isnan(values.data[code]))
      EXPECT_TRUE(std::isnan(value)) << code;
    else
      EXPECT_TRUE(value == values.data[code] && std::signbit(value) == std::signbit(values.data[code])) << code;
  }
}

TEST_P(FloatFormat, EncodesAsMlDtypes) {
  if (traits(format).bits > 8)
    expectCodes<uint16_t>("cast", /*saturate=*/false);
  else
    expectCodes<uint8_t>("cast", /*saturate=*/false);
}

TEST_P(FloatFormat, EncodesAsOnnxCast) {
  if (traits(format).bits != 8)
    GTEST_SKIP() << "ONNX Cast has one way only for this format";
  expectCodes<uint8_t>("saturate", true);
  expectCodes<uint8_t>("nosaturate", false);
}

TEST_P(FloatFormat, EveryFiniteCodeRoundTrips) {
  for (uint32_t code = 0; code < traits(format).codeCount(); ++code)
    if (double value = decode(format, code); std::isfinite(value)) {
      EXPECT_EQ(encode(format, value), code);
      EXPECT_LE(std::fabs(value), traits(format).max);
      if (value > 0)
        EXPECT_GE(value, traits(format).minPositive);
    }
}

INSTANTIATE_TEST_SUITE_P(Formats, FloatFormat,
                         ::testing::Values("f8e4m3fn", "f8e4m3fnuz", "f8e5m2", "f8e5m2fnuz", "f4e2m1fn", "f6e3m2fn",
                                           "f6e2m3fn", "f16", "bf16"),
                         [](const auto &info) { return std::string(info.param); });

TEST(E8M0, DecodesAndRoundsAsMlDtypesAndOnnx) {
  auto values = golden<double>("f8e8m0fnu_values");
  for (uint32_t code = 0; code < 255; ++code)
    EXPECT_EQ(decode(Format::F8E8M0FNU, code), values.data[code]);
  EXPECT_TRUE(std::isnan(decode(Format::F8E8M0FNU, 255)));

  auto x = golden<float>("f8e8m0fnu_x");
  auto nearest = golden<uint8_t>("f8e8m0fnu_nearest"), up = golden<uint8_t>("f8e8m0fnu_up"),
       down = golden<uint8_t>("f8e8m0fnu_down"), cast = golden<uint8_t>("f8e8m0fnu_cast");
  for (size_t i = 0; i < x.data.size(); ++i) {
    EXPECT_EQ(encodeE8M0(x.data[i], ScaleRounding::Nearest), nearest.data[i]) << x.data[i];
    EXPECT_EQ(encodeE8M0(x.data[i], ScaleRounding::Nearest), cast.data[i]) << x.data[i];
    EXPECT_EQ(encodeE8M0(x.data[i], ScaleRounding::Up), up.data[i]) << x.data[i];
    EXPECT_EQ(encodeE8M0(x.data[i], ScaleRounding::Down), down.data[i]) << x.data[i];
  }
}

TEST(E8M0, SpecialValuesFollowOnnxCastsTable) {
  float inf = INFINITY, nan = NAN;
  EXPECT_EQ(encodeE8M0(0, ScaleRounding::Up), 0u);
  EXPECT_EQ(encodeE8M0(inf, ScaleRounding::Up), 0xFEu);
  EXPECT_EQ(encodeE8M0(3.4e38, ScaleRounding::Up), 0xFEu);
  EXPECT_EQ(encodeE8M0(1e-40, ScaleRounding::Up), 0u);
  EXPECT_EQ(encodeE8M0(nan, ScaleRounding::Up), 0xFFu);
  for (double x : {0.0, static_cast<double>(inf), 3.4e38, 1e-40, static_cast<double>(nan), -1.0})
    EXPECT_EQ(encodeE8M0(x, ScaleRounding::Nearest, /*saturate=*/false), 0xFFu) << x;
}

TEST(IntegerFormats, RoundToEvenSaturateAndRoundTrip) {
  for (const FormatTraits &row : allFormats()) {
    if (!row.isInteger())
      continue;
    EXPECT_EQ(decode(row.format, encode(row.format, 1e30)), row.max) << row.name;
    EXPECT_EQ(decode(row.format, encode(row.format, -1e30)), row.min) << row.name;
    EXPECT_EQ(encode(row.format, NAN), 0u) << row.name;
    EXPECT_EQ(decode(row.format, encode(row.format, 0.5)), 0) << row.name;
    EXPECT_EQ(decode(row.format, encode(row.format, 1.5)), std::min(2.0, row.max)) << row.name;
    if (row.bits <= 16)
      for (uint32_t code = 0; code < row.codeCount(); ++code)
        EXPECT_EQ(encode(row.format, decode(row.format, code)), code) << row.name;
  }
  EXPECT_EQ(decode(Format::Int32, 0x80000000u), -2147483648.0);
  EXPECT_EQ(decode(Format::UInt32, 0xFFFFFFFFu), 4294967295.0);
}

TEST(NF4, NearestOfTheTable) {
  auto table = nf4Table();
  for (uint32_t code = 0; code < 16; ++code)
    EXPECT_EQ(encode(Format::NF4, table[code]), code);
  for (double x = -1.5; x < 1.5; x += 0.001) {
    uint32_t nearest = 0;
    for (uint32_t code = 1; code < 16; ++code)
      if (std::fabs(x - table[code]) < std::fabs(x - table[nearest]))
        nearest = code;
    EXPECT_EQ(encode(Format::NF4, x), nearest) << x;
  }
}

TEST(FormatNames, ParseBack) {
  for (const FormatTraits &row : allFormats())
    EXPECT_EQ(parseFormat(row.name), row.format);
  EXPECT_FALSE(parseFormat("int5"));
  EXPECT_EQ(allFormats().size(), static_cast<size_t>(numFormats));
}

TEST(Spans, AgreeWithScalars) {
  auto x = golden<float>("f8e4m3fn_x");
  std::vector<uint8_t> codes(x.data.size());
  std::vector<float> back(x.data.size());
  encodeSpan(Format::F8E4M3FN, x.data, codes);
  decodeSpan(Format::F8E4M3FN, std::span<const uint8_t>(codes), back);
  for (size_t i = 0; i < codes.size(); ++i) {
    EXPECT_EQ(codes[i], encode(Format::F8E4M3FN, x.data[i]));
    if (!std::isnan(back[i]))
      EXPECT_EQ(back[i], decode(Format::F8E4M3FN, codes[i]));
  }
}

} // namespace
