#include "qopt/Recipe/Changes.h"
#include "gtest/gtest.h"

using namespace llvm;
using namespace qopt;

namespace {

std::vector<std::string> algorithms(const Recipe &recipe) {
  std::vector<std::string> names;
  for (const Stage &stage : recipe.stages)
    names.push_back(algorithmName(stage.options).str());
  return names;
}

std::string errorOf(StringRef scheme, ArrayRef<StringRef> names) {
  Recipe recipe = cantFail(recipeForScheme(scheme));
  Error error = replaceAlgorithms(recipe, names);
  return error ? toString(std::move(error)) : "fine";
}

TEST(Changes, AlgorithmsStandInTheOrderThatTheyWorkIn) {
  Recipe recipe = cantFail(recipeForScheme("W4A16"));
  cantFail(replaceAlgorithms(recipe, {"gptq", "clip_search", "awq"}));
  EXPECT_EQ(algorithms(recipe), (std::vector<std::string>{"awq", "clip_search", "gptq"}));
  EXPECT_EQ(recipe.stages[2].scheme->name, "W4A16");
  // What the recipe does not have takes the ops of the stage that chooses codes.
  ASSERT_EQ(recipe.stages[0].ignore.size(), 1u);
  EXPECT_EQ(recipe.stages[0].ignore[0].text(), "lm_head");
  EXPECT_TRUE(recipe.needsCalibration());
}

TEST(Changes, AlgorithmsKeepTheRecipesOptions) {
  Recipe recipe = cantFail(recipeForScheme("W8A8_DYNAMIC"));
  cantFail(replaceAlgorithms(recipe, {"smoothquant", "gptq"}));
  EXPECT_EQ(std::get<SmoothQuantOptions>(recipe.stages[0].options).alpha, 0.5);
  EXPECT_EQ(recipe.stages[1].scheme->name, "W8A8_DYNAMIC");
}

TEST(Changes, WithoutAChooserWeightsAreRounded) {
  Recipe recipe = cantFail(recipeForScheme("W4A16"));
  cantFail(replaceAlgorithms(recipe, {"clip_search"}));
  EXPECT_EQ(algorithms(recipe), (std::vector<std::string>{"clip_search", "rtn"}));
  EXPECT_EQ(recipe.stages[1].scheme->name, "W4A16");
}

TEST(Changes, AlgorithmsThatExcludeEachOther) {
  EXPECT_EQ(errorOf("W4A16", {"gptq", "hqq"}), "gptq and hqq both choose the codes of the weights; keep one");
  EXPECT_EQ(errorOf("W8A8", {"awq", "smoothquant"}), "smoothquant and awq scale the same channels; keep one");
  EXPECT_EQ(errorOf("W4A16", {"smoothquant"}), "smoothquant serves quantized activations, but no scheme here quantizes any; use awq");
  EXPECT_EQ(errorOf("W4A16", {"mixed_precision"}), "mixed_precision needs keys of its own, which only a recipe can give it (docs/recipes.md)");
  EXPECT_EQ(errorOf("W4A16", {"awq", "awq"}), "the algorithm 'awq' is named twice");
  EXPECT_EQ(StringRef(errorOf("W4A16", {"gtpq"})).split(';').first, "there is no algorithm 'gtpq' (did you mean gptq?)");
  EXPECT_EQ(StringRef(errorOf("W4A16", {""})).split('\'').first, "there is no algorithm ");
}

TEST(Changes, ActivationFormat) {
  Recipe recipe = cantFail(recipeForScheme("FP8"));
  cantFail(replaceActivationFormat(recipe, "e5m2"));
  EXPECT_EQ(recipe.stages[0].scheme->activations->format, Format::F8E5M2);
  EXPECT_EQ(recipe.stages[0].scheme->weights->format, Format::F8E4M3FN);
  EXPECT_EQ(StringRef(toString(replaceActivationFormat(recipe, "e9m9"))).split(';').first, "there is no format 'e9m9'");
  Recipe weights = cantFail(recipeForScheme("W4A16"));
  EXPECT_EQ(toString(replaceActivationFormat(weights, "e5m2")),
            "recipes/W4A16.yaml leaves activations in float, so they have no format to choose");
}

TEST(Changes, Seed) {
  Recipe recipe = cantFail(recipeForScheme("W4A4"));
  EXPECT_EQ(seedOf(recipe), 0u);
  cantFail(replaceSeed(recipe, 7));
  EXPECT_EQ(seedOf(recipe), 7u);
  Recipe other = cantFail(recipeForScheme("W8A8"));
  EXPECT_EQ(seedOf(other), std::nullopt);
  EXPECT_EQ(toString(replaceSeed(other, 7)), "nothing in recipes/W8A8.yaml is random, so there is nothing to seed");
}

} // namespace
