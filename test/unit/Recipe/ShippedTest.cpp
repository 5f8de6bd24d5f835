#include "qopt/Recipe/Recipe.h"
#include "gtest/gtest.h"

using namespace llvm;
using namespace qopt;

namespace {

TEST(Shipped, EverySchemeOfTheManualIsASoundRecipe) {
  StringRef names[] = {"W8A8",      "W8A8_DYNAMIC", "W8A16", "W4A16", "W4A16_ASYM", "W4A8",
                       "W4A4",      "W3A16",        "W2A16", "NF4",   "FP8",        "FP8_DYNAMIC",
                       "FP8_BLOCK", "MXFP8",        "MXFP4", "NVFP4", "W4AFP8"};
  ASSERT_EQ(shippedSchemes().size(), std::size(names));
  for (auto [name, scheme] : zip(names, shippedSchemes())) {
    EXPECT_EQ(scheme.name, name);
    EXPECT_FALSE(scheme.description.empty()) << name.str();
    Expected<Recipe> recipe = recipeForScheme(name);
    ASSERT_TRUE(bool(recipe)) << toString(recipe.takeError());
    EXPECT_EQ(recipe->stages.back().scheme->name, name);
    EXPECT_EQ(recipe->needsCalibration(), name == "W8A8" || name == "FP8") << name.str();
  }
}

TEST(Shipped, SpecsSayWhatTheNamesSay) {
  EXPECT_EQ(describe(*findShippedScheme("W4A16")->weights), "int4 per group of 128, symmetric");
  EXPECT_EQ(describe(*findShippedScheme("W8A8")->activations), "uint8 per tensor, asymmetric");
  EXPECT_EQ(describe(*findShippedScheme("MXFP4")->weights), "f4e2m1fn per group of 32, f8e8m0fnu scales");
  EXPECT_EQ(describe(*findShippedScheme("FP8_BLOCK")->weights), "f8e4m3fn per block of 128x128");
  EXPECT_EQ(describe(*findShippedScheme("W8A8_DYNAMIC")->activations), "int8 per token, symmetric, dynamic");
}

TEST(Shipped, UnknownSchemesNameTheNearest) {
  EXPECT_EQ(toString(recipeForScheme("w8a8").takeError()).substr(0, 55),
            "there is no scheme 'w8a8' (did you mean W8A8?); known a");
}

} // namespace
