#include "qopt/Recipe/Recipe.h"
#include "gtest/gtest.h"

using namespace llvm;
using namespace qopt;

namespace {

std::string errorOf(StringRef text) {
  Expected<Recipe> recipe = parseRecipe(text, "r.yaml");
  return recipe ? "fine" : toString(recipe.takeError());
}

TEST(Recipe, ReadsTheExampleOfTheManual) {
  Recipe recipe =
      cantFail(parseRecipe(R"(calibration: {method: percentile, percentile: 99.999, samples: 512, max_length: 2048}
stages:
  - smoothquant: {alpha: 0.5, targets: ["re:.*down_proj"]}
  - gptq:
      targets: [Linear]          # op kinds, exact names, or re:REGEX
      ignore: [lm_head]
      scheme: W4A8
      dampening_frac: 0.02
      block_size: 64
      actorder: dynamic
overrides:
  - {match: "re:.*down_proj", scheme: W8A16}
  - {match: [a, b], scheme: float}
)",
                           "r.yaml"));
  EXPECT_EQ(recipe.calibration.method, RangeMethod::Percentile);
  EXPECT_EQ(recipe.calibration.samples, 512);
  ASSERT_EQ(recipe.stages.size(), 2u);
  EXPECT_EQ(std::get<SmoothQuantOptions>(recipe.stages[0].options).alpha, 0.5);
  const auto &gptq = std::get<GPTQOptions>(recipe.stages[1].options);
  EXPECT_EQ(gptq.blockSize, 64);
  EXPECT_EQ(gptq.dampeningFraction, 0.02);
  EXPECT_EQ(gptq.order, ActivationOrder::Dynamic);
  EXPECT_EQ(recipe.stages[1].line, 4u);
  EXPECT_EQ(recipe.stages[1].scheme->name, "W4A8");
  EXPECT_EQ(recipe.stages[1].ignore[0].text(), "lm_head");
  EXPECT_EQ(recipe.stages[1].ignore[0].line(), 6u);
  ASSERT_EQ(recipe.overrides.size(), 2u);
  EXPECT_EQ(recipe.overrides[0].scheme->name, "W8A16");
  EXPECT_FALSE(recipe.overrides[1].scheme);
  EXPECT_TRUE(recipe.needsCalibration());
}

TEST(Recipe, OwnSchemes) {
  Recipe recipe = cantFail(parseRecipe(R"(schemes:
  mine: {weights: {format: uint4, granularity: group, group_size: 32, symmetric: false}}
stages:
  - rtn: {scheme: mine}
)",
                                       "r.yaml"));
  EXPECT_EQ(describe(*recipe.stages[0].scheme->weights), "uint4 per group of 32, asymmetric");
  EXPECT_FALSE(recipe.needsCalibration());
}

TEST(Recipe, ErrorsNameLineAndRemedy) {
  EXPECT_EQ(
      errorOf("stages:\n  - gptq: {scheme: W4A16, dampning_frac: 0.1}\n"),
      "r.yaml:2: unknown key 'dampning_frac' in gptq (did you mean dampening_frac?); known are actorder, block_size, "
      "dampening_frac, ignore, refits, scheme, shrinkage, sweeps, targets");
  EXPECT_EQ(errorOf("stages:\n  - gtpq: {scheme: W4A16}\n").substr(0, 67),
            "r.yaml:2: there is no algorithm 'gtpq' (did you mean gptq?); known ");
  EXPECT_EQ(errorOf("stages:\n  - rtn:\n      scheme: W4A61\n").substr(0, 66),
            "r.yaml:3: there is no scheme 'W4A61' (did you mean W4A16?); known ");
  EXPECT_EQ(errorOf("calibration: {compensate: true}\nstages:\n  - gptq: {scheme: W4A16}\n"),
            "r.yaml:1: compensate is for the errors of earlier rounds: it goes with rounds of 2 or more");
  EXPECT_EQ(errorOf("stages:\n  - rtn: {}\n"), "r.yaml:2: rtn needs a scheme");
  EXPECT_EQ(errorOf("stages:\n  - rtn: {scheme: W8A8}\n  - distillation: {biases: few}\n"), "r.yaml:3: biases of distillation should be true or false, not 'few'");
  EXPECT_EQ(errorOf("stages:\n  - gptq: {scheme: W4A16, dampening_frac: 0}\n"),
            "r.yaml:2: dampening_frac of gptq should be a number above 0.00 to 1.00, not '0'");
  EXPECT_EQ(errorOf("stages:\n  - gptq: {scheme: W4A16, block_size: many}\n"),
            "r.yaml:2: block_size of gptq should be a whole number from 1 to 1048576, not 'many'");
  EXPECT_EQ(
      errorOf("calibration: {method: percentil}\nstages: [rtn]\n"),
      "r.yaml:1: method of calibration is 'percentil' (did you mean percentile?); known are minmax, moving-average, "
      "percentile, mse, entropy");
  EXPECT_EQ(errorOf("calibration: {percentile: 99}\nstages:\n  - rtn: {scheme: W8A8}\n"),
            "r.yaml:1: percentile goes with method: percentile");
  EXPECT_EQ(errorOf("stages: 3"), "r.yaml:1: a recipe needs stages, a list of algorithms");
  EXPECT_EQ(errorOf("stage: 3"), "r.yaml:1: a recipe needs stages, a list of algorithms");
  EXPECT_EQ(errorOf("stages:\n  - rtn: {scheme: W8A8}\n    gptq: {}\n"),
            "r.yaml:2: a stage is one algorithm and its options, as in `- gptq: {scheme: W4A16}`");
  EXPECT_EQ(errorOf("stages:\n  - rtn: {scheme: W8A8, scheme: W4A16}\n"), "r.yaml:2: 'scheme' stands here twice");
  EXPECT_EQ(
      errorOf("stages:\n  - rtn: {scheme: W8A8, targets: [\"re:(?=x)\"]}\n"),
      "r.yaml:2: the regular expression '(?=x)' cannot be used: look-around, named groups and flags are not known");
  EXPECT_EQ(errorOf("stages:\n  - rtn: {scheme: W8A8}\noverrides:\n  - {match: x}\n"),
            "r.yaml:4: an override needs match and scheme (`scheme: float` keeps the ops as they are)");
}

TEST(Recipe, SchemesThatContradictThemselves) {
  auto scheme = [](StringRef body) {
    return errorOf(("schemes:\n  s: {" + body + "}\nstages:\n  - rtn: {scheme: s}\n").str());
  };
  EXPECT_EQ(scheme("weights: {format: int4}"), "fine");
  EXPECT_EQ(scheme(""), "r.yaml:2: scheme s: it quantizes neither weights nor activations");
  EXPECT_EQ(scheme("weights: {format: int9}").substr(0, 60),
            "r.yaml:2: format of weights is 'int9' (did you mean int2?); ");
  EXPECT_EQ(scheme("weights: {granularity: channel}"), "r.yaml:2: weights lacks a format");
  EXPECT_EQ(scheme("weights: {format: int4, granularity: group}"),
            "r.yaml:2: scheme s: weights: group_size and granularity: group go together");
  EXPECT_EQ(
      scheme("weights: {format: uint4, symmetric: true}"),
      "r.yaml:2: scheme s: weights: uint4 has no negative values, so it is not symmetric (write symmetric: false, or a "
      "signed format)");
  EXPECT_EQ(scheme("weights: {format: f8e4m3fn, symmetric: false}"),
            "r.yaml:2: scheme s: weights: f8e4m3fn has no zero point, so it is symmetric");
  EXPECT_EQ(scheme("activations: {format: int8, granularity: token}"),
            "r.yaml:2: scheme s: activations: a scale per token is computed at run time: write dynamic: true");
  EXPECT_EQ(scheme("weights: {format: int8, granularity: token}"),
            "r.yaml:2: scheme s: weights: weights have no tokens");
  EXPECT_EQ(scheme("weights: {format: int8, dynamic: true}").substr(0, 44),
            "r.yaml:2: unknown key 'dynamic' in weights; ");
  EXPECT_EQ(scheme("weights: {format: f32}"), "r.yaml:2: scheme s: weights: nothing is quantized to f32");
}

TEST(Recipe, CombinationsThatContradict) {
  EXPECT_EQ(errorOf("stages:\n  - rtn: {scheme: W8A8}\n  - smoothquant\n"),
            "r.yaml:3: smoothquant changes float weights, so it must stand before rtn (line 2)");
  EXPECT_EQ(errorOf("stages:\n  - distillation: {loss: kl}\n  - rtn: {scheme: W4A16}\n"),
            "r.yaml:2: distillation trains what codes that are chosen stand for, so it must stand behind what chooses them");
  EXPECT_EQ(errorOf("stages:\n  - smoothquant\n  - rtn: {scheme: W4A16}\n"),
            "r.yaml:2: smoothquant serves quantized activations, but no scheme here quantizes any; use awq");
  EXPECT_EQ(errorOf("stages:\n  - smoothquant\n  - awq\n  - rtn: {scheme: W8A8}\n"),
            "r.yaml:3: awq and smoothquant (line 2) scale the same channels; keep one");
  EXPECT_EQ(errorOf("stages:\n  - mixed_precision: {bits_per_weight: 4, schemes: [W4A16, W8A16]}\n"), "fine");
  EXPECT_EQ(errorOf("stages:\n  - mixed_precision: {schemes: [W4A16, W8A16]}\n"),
            "r.yaml:2: mixed_precision needs bits_per_weight, relative_latency, minimum_sqnr or maximum_divergence, one of them");
}

TEST(Recipe, HostileText) {
  EXPECT_EQ(errorOf(""), "r.yaml:1: a recipe needs stages, a list of algorithms");
  EXPECT_EQ(errorOf(std::string(1000, '[')), "r.yaml is nested too deep");
  EXPECT_EQ(errorOf(StringRef("a\0b", 3)), "r.yaml is no text");
  EXPECT_EQ(errorOf(std::string(2 << 20, 'a')), "r.yaml is too large for a recipe (2097152 bytes)");
  EXPECT_EQ(errorOf("a: &x 1\nb: *x\n").substr(0, 7), "r.yaml:");
  EXPECT_EQ(errorOf("stages: [rtn: {scheme: W8A8}").substr(0, 7), "r.yaml:");
  EXPECT_EQ(errorOf("\t- x").substr(0, 7), "r.yaml:");
  EXPECT_EQ(errorOf("a: 1\n---\nb: 2\n"), "r.yaml:1: it holds more than one document");
  EXPECT_EQ(errorOf("a:\n  b: {c<:\"{d: e}\n% - {f: g, h}\n").substr(0, 7), "r.yaml:"); // the parser's last node lies nowhere
  std::string deep;
  for (int i = 0; i < 60; ++i)
    deep += std::string(i, ' ') + "a:\n";
  EXPECT_NE(errorOf(deep).find("nested too deep"), std::string::npos);
}

} // namespace
