#include "qopt/Recipe/Scheme.h"
#include "qopt/Runtime/Artifact.h"
#include "qopt/TargetInfo/Forms.h"
#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"

using namespace llvm;
using namespace qopt;

namespace {

const Target &target(StringRef name) { return *cantFail(findTarget(name)); }

Verdict judgeScheme(StringRef targetName, StringRef scheme, bool emulate = false) {
  const Scheme *found = findShippedScheme(scheme);
  EXPECT_NE(found, nullptr) << scheme.str();
  return judge(target(targetName), {found->weights, found->activations}, emulate);
}

TEST(Target, NamesAndErrors) {
  EXPECT_EQ(target("avx2").vectorBits, 256u);
  EXPECT_EQ(&target("host"), &hostTarget());
  EXPECT_EQ(toString(findTarget("avx512vni").takeError()),
            "there is no target 'avx512vni' (did you mean avx512vnni?); known are host, x86-64, avx2, avxvnni, avx512, "
            "avx512vnni");
}

TEST(OperandSpec, SpelledAndReadBack) {
  for (const Scheme &scheme : shippedSchemes())
    for (const std::optional<OperandSpec> &spec : {scheme.weights, scheme.activations})
      if (spec)
        EXPECT_EQ(cantFail(parseOperandSpec(spell(*spec))) , *spec) << spell(*spec);
  EXPECT_EQ(spell(*findShippedScheme("NVFP4")->weights), "f4e2m1fn:group=16:scale=f8e4m3fn:double");
  EXPECT_EQ(toString(parseOperandSpec("int5:tensor").takeError()),
            "'int5:tensor' is no operand spec: there is no number format 'int5'");
  for (StringRef text : {"int4:group", "int4:group=0", "int8:token=3", "int8:fast", "int8:double=1", "f8e4m3fn:scale=f9"})
    EXPECT_TRUE(errorToBool(parseOperandSpec(text).takeError())) << text.str();
}

TEST(Target, HostAgreesWithTheRuntime) {
  EXPECT_TRUE(runsHere(target("x86-64")));
  EXPECT_TRUE(runsHere(hostTarget()));
  // The runtime asks CPUID itself: both must know every feature by the same name and see the same machine.
  uint64_t here = qopt_cpu_features();
  for (const Target &row : targets()) {
    bool runs = all_of(featureList(row), [&](StringRef feature) {
      for (int bit = 0; bit < 64; ++bit)
        if (const char *name = qopt_cpu_feature_name(uint64_t(1) << bit); name && feature == name)
          return (here >> bit & 1) != 0;
      ADD_FAILURE() << feature.str() << " is unknown to the runtime";
      return false;
    });
    EXPECT_EQ(runs, runsHere(row)) << row.name.str();
  }
}

TEST(Forms, Int8TakesTheBestThatIsThere) {
  EXPECT_EQ(judgeScheme("avx512vnni", "W8A8").code, "FORM-INT8-VNNI512");
  EXPECT_EQ(judgeScheme("avxvnni", "W8A8_DYNAMIC").code, "FORM-INT8-VNNI");
  EXPECT_EQ(judgeScheme("avx512", "W8A8").code, "FORM-INT8-AVX512");
  EXPECT_EQ(judgeScheme("avx2", "W8A8").code, "FORM-INT8-AVX2");
  EXPECT_EQ(judgeScheme("x86-64", "W8A8").code, "FORM-INT8");
}

TEST(Forms, WeightOnlyIsAlwaysLegal) {
  EXPECT_EQ(judgeScheme("avx2", "W8A16").code, "FORM-WEIGHT8");
  for (StringRef scheme : {"W4A16", "W4A16_ASYM", "W3A16", "W2A16", "NF4"})
    EXPECT_EQ(judgeScheme("avx2", scheme).code, "FORM-DECODED") << scheme.str();
}

TEST(Forms, RefusalsSayWhyAndWhatInstead) {
  EXPECT_EQ(
      judgeScheme("avx2", "FP8").reason,
      "avx2 has no 8-bit floating-point products (weights f8e4m3fn per tensor; activations f8e4m3fn per tensor); use "
      "W8A8_DYNAMIC, or --allow-emulation to study the accuracy");
  EXPECT_EQ(judgeScheme("avx512vnni", "NVFP4").code, "TARGET-NO-FP4");
  EXPECT_EQ(judgeScheme("avx512vnni", "W4A4").code, "TARGET-NO-INT4-ACTIVATIONS");
  EXPECT_EQ(judgeScheme("avx512vnni", "W4A8").code, "TARGET-GROUPED-INTEGER");
}

TEST(Forms, TimeIsTheLongestOfMultiplyingFetchingAndDecoding) {
  const FormRow *vnni = judgeScheme("avx512vnni", "W8A8").form, *decoded = judgeScheme("avx512vnni", "W4A16").form;
  double elements = 1 << 20;
  EXPECT_EQ(productTime({512, elements, 4 * elements}, nullptr), 512 * elements);
  EXPECT_EQ(productTime({512, elements, elements}, vnni), 512 * elements / 4);
  EXPECT_EQ(productTime({512, elements, elements / 2}, decoded), 512 * elements / decoded->speed); // as slow as in float: nothing is saved
  // One row waits for its weight: fewer bytes are quicker, as far as they need not be decoded.
  EXPECT_EQ(productTime({1, elements, 4 * elements}, nullptr), 4 * productTime({1, elements, elements}, vnni));
  EXPECT_GT(productTime({1, elements, elements / 2}, decoded), productTime({1, elements, 4 * elements}, nullptr));
  EXPECT_EQ(productTime({0, 0, 0}, nullptr), 0);
}

TEST(Forms, EveryShippedSchemeHasAFormOrALegalNeighbour) {
  for (const Target &row : targets())
    for (const Scheme &scheme : shippedSchemes()) {
      Verdict verdict = judgeScheme(row.name, scheme.name);
      if (!verdict) {
        EXPECT_TRUE(judgeScheme(row.name, verdict.nearest)) << scheme.name;
        EXPECT_TRUE(any_of(refusalCodes(), [&](const ReasonCode &code) { return code.code == verdict.code; }));
      }
      EXPECT_TRUE(judgeScheme(row.name, scheme.name, /*emulate=*/true)) << scheme.name;
    }
}

} // namespace
