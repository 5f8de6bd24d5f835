// The conversions against LLVM's APFloat, which is independent of ours, and against Numerics/Formats, which must agree.
#include "qopt/Runtime/Conversions.h"
#include "qopt/Numerics/Formats/Format.h"
#include "qopt/Runtime/Runtime.h"
#include "llvm/ADT/APFloat.h"
#include "gtest/gtest.h"
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

using llvm::APFloat;

namespace {

/// Floats with every sign, exponent and upper mantissa, and the lower mantissas around every rounding boundary.
std::vector<float> manyFloats() {
  std::vector<float> values;
  for (uint32_t high = 0; high < 0x10000; ++high)
    for (uint32_t low :
         {0x0000, 0x0001, 0x0fff, 0x1000, 0x1001, 0x2fff, 0x3000, 0x3001, 0x7fff, 0x8000, 0x8001, 0xffff})
      values.push_back(std::bit_cast<float>(high << 16 | low));
  return values;
}

struct Case {
  const char *name;
  const llvm::fltSemantics &semantics;
  std::function<uint32_t(float)> encode, encodeSaturating;
  std::function<float(uint32_t)> decode;
  APFloat::roundingMode rounding = APFloat::rmNearestTiesToEven;
};

uint32_t oracle(const Case &format, float value) {
  APFloat number(value);
  bool inexact;
  number.convert(format.semantics, format.rounding, &inexact);
  return static_cast<uint32_t>(number.bitcastToAPInt().getZExtValue());
}

#define FORMAT(name, semantics, ...)                                                                                   \
  Case {                                                                                                               \
#name, APFloat::semantics(), qopt_rt_f32_to_##name, qopt_rt_f32_to_##name##_sat, qopt_rt_##name##_to_f32,          \
        ##__VA_ARGS__                                                                                                  \
  }

std::vector<Case> formats() {
  return {FORMAT(f8e4m3fn, Float8E4M3FN),
          FORMAT(f8e4m3fnuz, Float8E4M3FNUZ),
          FORMAT(f8e5m2, Float8E5M2),
          FORMAT(f8e5m2fnuz, Float8E5M2FNUZ),
          FORMAT(f6e3m2, Float6E3M2FN),
          FORMAT(f6e2m3, Float6E2M3FN),
          FORMAT(f4e2m1, Float4E2M1FN),
          FORMAT(f8e8m0, Float8E8M0FNU, APFloat::rmTowardPositive),
          {"f16", APFloat::IEEEhalf(), qopt_rt_f32_to_f16, nullptr, qopt_rt_f16_to_f32},
          {"bf16", APFloat::BFloat(), qopt_rt_f32_to_bf16, nullptr, qopt_rt_bf16_to_f32}};
}

TEST(Conversions, CodesDecodeAsInLLVM) {
  for (const Case &format : formats())
    for (uint32_t code = 0; code < 1u << APFloat::semanticsSizeInBits(format.semantics); ++code) {
      APFloat number(format.semantics, llvm::APInt(APFloat::semanticsSizeInBits(format.semantics), code));
      bool inexact, isNaN = number.isNaN();
      number.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &inexact);
      float want = number.convertToFloat(), got = format.decode(code);
      if (isNaN)
        ASSERT_TRUE(std::isnan(got)) << format.name << " " << code;
      else
        ASSERT_EQ(std::bit_cast<uint32_t>(got), std::bit_cast<uint32_t>(want)) << format.name << " " << code;
    }
}

TEST(Conversions, RoundAsLLVM) {
  std::vector<float> values = manyFloats();
  for (const Case &format : formats()) {
    bool isScale = std::string(format.name) == "f8e8m0", isFinite = std::string(format.name)[1] < '8';
    for (float value : values) {
      if (isScale && (value <= 0x1p-127f || value > 0x1p127f)) // LLVM has no saturation and no zero there: see below
        continue;
      if (isFinite && std::isinf(value)) // LLVM gives zero; SaturationReplacesOverflowOnly says what is right
        continue;
      uint32_t got = format.encode(value);
      if (std::isnan(value)) {
        ASSERT_TRUE(isFinite || std::isnan(format.decode(got))) << format.name;
        continue;
      }
      ASSERT_EQ(got, oracle(format, value)) << format.name << " " << value;
    }
  }
}

TEST(Conversions, SaturationReplacesOverflowOnly) {
  for (const Case &format : formats()) {
    if (!format.encodeSaturating)
      continue;
    float largest = 0;
    for (uint32_t code = 0; code < 1u << APFloat::semanticsSizeInBits(format.semantics); ++code)
      if (float value = format.decode(code); std::isfinite(value))
        largest = std::max(largest, value);
    EXPECT_EQ(format.decode(format.encodeSaturating(INFINITY)), largest) << format.name;
    EXPECT_EQ(format.decode(format.encodeSaturating(3e38f)), largest) << format.name;
    if (std::string(format.name) == "f8e8m0")
      continue;
    for (float value : manyFloats()) {
      float plain = format.decode(format.encode(value));
      if (std::isfinite(plain))
        ASSERT_EQ(format.encode(value), format.encodeSaturating(value)) << format.name << " " << value;
      else if (!std::isnan(value))
        ASSERT_EQ(format.decode(format.encodeSaturating(value)), std::copysign(largest, value)) << format.name;
    }
  }
}

TEST(Conversions, AgreeWithNumerics) {
  struct Pair {
    qopt::Format format;
    uint8_t (*encode)(float), (*saturating)(float);
    float (*decode)(uint8_t);
  };
#define PAIR(format, name)                                                                                             \
  Pair { qopt::Format::format, qopt_rt_f32_to_##name, qopt_rt_f32_to_##name##_sat, qopt_rt_##name##_to_f32 }
  for (const Pair &pair : {PAIR(F8E4M3FN, f8e4m3fn), PAIR(F8E4M3FNUZ, f8e4m3fnuz), PAIR(F8E5M2, f8e5m2),
                           PAIR(F8E5M2FNUZ, f8e5m2fnuz), PAIR(F4E2M1FN, f4e2m1),
                           PAIR(F6E3M2FN, f6e3m2), PAIR(F6E2M3FN, f6e2m3), PAIR(F8E8M0FNU, f8e8m0)}) {
    std::string name(qopt::traits(pair.format).name);
    for (uint32_t code = 0; code < qopt::traits(pair.format).codeCount(); ++code) {
      double want = qopt::decode(pair.format, code), got = pair.decode(static_cast<uint8_t>(code));
      ASSERT_TRUE(std::isnan(want) ? std::isnan(got) : want == got) << name << " " << code;
    }
    for (float value : manyFloats()) {
      ASSERT_EQ(pair.encode(value), qopt::encode(pair.format, value, false)) << name << " " << value;
      ASSERT_EQ(pair.saturating(value), qopt::encode(pair.format, value, true)) << name << " " << value;
    }
  }
#undef PAIR
}

TEST(Conversions, ScalesRoundUp) {
  EXPECT_EQ(qopt_rt_f32_to_f8e8m0_sat(1.0f), 127);
  EXPECT_EQ(qopt_rt_f32_to_f8e8m0_sat(1.0001f), 128);
  EXPECT_EQ(qopt_rt_f32_to_f8e8m0_sat(0.0f), 0);
  EXPECT_EQ(qopt_rt_f32_to_f8e8m0_sat(1e-45f), 0);
  EXPECT_EQ(qopt_rt_f32_to_f8e8m0_sat(3e38f), 0xfe);
  EXPECT_EQ(qopt_rt_f32_to_f8e8m0(3e38f), 0xff);
  EXPECT_EQ(qopt_rt_f32_to_f8e8m0(0.0f), 0xff);
  EXPECT_EQ(qopt_rt_f32_to_f8e8m0_sat(-1.0f), 0xff);
  EXPECT_EQ(qopt_rt_f32_to_f8e8m0_sat(NAN), 0xff);
}

TEST(Conversions, DoublesAreRoundedOnce) {
  // Just above the tie between two float16 values; by way of a float32 rounded to nearest it would become the tie
  // itself.
  double source[] = {1.0 + 0x1p-11 + 0x1p-40, -1.0 - 0x1p-11 - 0x1p-40, 1.0 + 0x1p-11, 1e300, 65519.999999999};
  uint16_t codes[5];
  ASSERT_EQ(qopt_rt_convert(source, QOPT_FLOAT64, codes, QOPT_FLOAT16, 5, 0), 0);
  EXPECT_EQ(codes[0], 0x3c01);
  EXPECT_EQ(codes[1], 0xbc01);
  EXPECT_EQ(codes[2], 0x3c00);
  EXPECT_EQ(codes[3], 0x7c00);
  EXPECT_EQ(codes[4], 0x7bff);
  double back[5];
  ASSERT_EQ(qopt_rt_convert(codes, QOPT_FLOAT16, back, QOPT_FLOAT64, 5, 0), 0);
  EXPECT_EQ(back[0], 1.0009765625);
  EXPECT_EQ(qopt_rt_convert(source, QOPT_INT32, codes, QOPT_FLOAT16, 5, 0), 1);
}

TEST(Symbols, NamesAreUniqueAndDefined) {
  size_t count;
  const qopt_rt_symbol *symbols = qopt_rt_symbols(&count);
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) {
    EXPECT_NE(symbols[i].address, nullptr) << symbols[i].name;
    names.push_back(symbols[i].name);
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
  EXPECT_TRUE(std::binary_search(names.begin(), names.end(), "qopt_rt_parallel_for"));
  EXPECT_TRUE(std::binary_search(names.begin(), names.end(), "__truncsfhf2"));
}

} // namespace
