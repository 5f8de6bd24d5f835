#include "qopt/Recipe/Recipe.h"
#include "gtest/gtest.h"

using namespace llvm;
using namespace qopt;

namespace {

Expected<Recipe> parse(StringRef text) { return parseRecipe(text, "recipe.yaml"); }
std::string errorOf(StringRef text) {
  Expected<Recipe> recipe = parse(text);
  return recipe ? "fine" : toString(recipe.takeError());
}

TEST(LLMCompressor, SmoothQuantAndGPTQ) {
  Recipe recipe = cantFail(parse(R"(quant_stage:
  quant_modifiers:
    SmoothQuantModifier:
      smoothing_strength: 0.8
      mappings:
      - [['re:.*q_proj', 're:.*k_proj'], 're:.*input_layernorm']
    GPTQModifier:
      sequential_update: true
      ignore: [lm_head]
      dampening_frac: 0.02
      block_size: 64
      scheme: W8A8
      targets: Linear
)"));
  ASSERT_EQ(recipe.stages.size(), 2u);
  EXPECT_EQ(std::get<SmoothQuantOptions>(recipe.stages[0].options).alpha, 0.8);
  const auto &gptq = std::get<GPTQOptions>(recipe.stages[1].options);
  EXPECT_EQ(gptq.dampeningFraction, 0.02);
  EXPECT_EQ(gptq.blockSize, 64);
  // Their W8A8 has dynamic activations per token.
  EXPECT_EQ(recipe.stages[1].scheme->name, "W8A8_DYNAMIC");
  EXPECT_EQ(recipe.stages[1].targets[0].text(), "Linear");
  EXPECT_EQ(recipe.stages[1].line, 7u);
  EXPECT_EQ(recipe.remarks.size(), 2u); // mappings, sequential_update
}

TEST(LLMCompressor, ConfigGroups) {
  Recipe recipe = cantFail(parse(R"(quant_stage:
  quant_modifiers:
    GPTQModifier:
      ignore: ["lm_head"]
      config_groups:
        group_0:
          weights:
            num_bits: 4
            type: "int"
            symmetric: false
            strategy: "group"
            group_size: 32
            actorder: "group"
          targets: ["Linear"]
        group_1:
          weights: {num_bits: 8, type: float, symmetric: true, strategy: channel}
          input_activations: {num_bits: 8, type: float, symmetric: true, strategy: token, dynamic: true, observer: null}
          targets: ["re:.*down_proj"]
)"));
  ASSERT_EQ(recipe.stages.size(), 2u);
  EXPECT_EQ(describe(*recipe.stages[0].scheme->weights), "uint4 per group of 32, asymmetric");
  EXPECT_FALSE(recipe.stages[0].scheme->activations);
  EXPECT_EQ(std::get<GPTQOptions>(recipe.stages[0].options).order, ActivationOrder::Dynamic);
  EXPECT_EQ(describe(*recipe.stages[1].scheme->weights), "f8e4m3fn per channel");
  EXPECT_EQ(describe(*recipe.stages[1].scheme->activations), "f8e4m3fn per token, dynamic");
}

TEST(LLMCompressor, AWQAndPlain) {
  Recipe awq =
      cantFail(parse("default_stage:\n  default_modifiers:\n    AWQModifier:\n      targets: [Linear]\n"
                     "      ignore: [lm_head]\n      scheme: W4A16_ASYM\n      duo_scaling: true\n      n_grid: 10\n"));
  ASSERT_EQ(awq.stages.size(), 2u);
  EXPECT_EQ(std::get<AWQOptions>(awq.stages[0].options).gridSize, 10);
  EXPECT_EQ(awq.stages[1].scheme->name, "W4A16_ASYM");
  Recipe plain =
      cantFail(parse("q_stage:\n  q_modifiers:\n    QuantizationModifier:\n      scheme: {FP8_DYNAMIC: [Linear]}\n"));
  EXPECT_TRUE(std::holds_alternative<RTNOptions>(plain.stages[0].options));
  EXPECT_EQ(plain.stages[0].scheme->name, "FP8_DYNAMIC");
  EXPECT_EQ(plain.stages[0].targets[0].text(), "Linear");
}

TEST(LLMCompressor, NothingIsDroppedSilently) {
  StringRef head = "s_stage:\n  s_modifiers:\n    ";
  EXPECT_EQ(errorOf((head + "SparseGPTModifier: {sparsity: 0.5}\n").str()),
            "recipe.yaml:3: the modifier SparseGPTModifier is not known; known are SmoothQuantModifier, GPTQModifier, "
            "AWQModifier, QuantizationModifier");
  EXPECT_EQ(errorOf((head + "GPTQModifier: {scheme: W8A8, dampning: 1}\n").str()).substr(0, 55),
            "recipe.yaml:3: unknown key 'dampning' in GPTQModifier; ");
  EXPECT_EQ(errorOf((head + "GPTQModifier: {scheme: W5A5}\n").str()),
            "recipe.yaml:3: there is no scheme 'W5A5'; known are W8A8, INT8, W8A16, W4A16, W4A16_ASYM, W4A8, FP8, "
            "FP8_DYNAMIC, FP8_BLOCK, NVFP4, MXFP4, W4AFP8");
  EXPECT_EQ(errorOf((head + "GPTQModifier: {ignore: [lm_head]}\n").str()),
            "recipe.yaml:3: GPTQModifier needs a scheme or config_groups");
  EXPECT_EQ(errorOf((head + "GPTQModifier: {scheme: W4A16, kv_cache_scheme: {num_bits: 8}}\n").str()),
            "recipe.yaml:3: kv_cache_scheme is not known yet; quantize the cache in a run of its own");
}

} // namespace
