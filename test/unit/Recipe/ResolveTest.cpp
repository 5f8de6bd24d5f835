#include "qopt/Recipe/Recipe.h"
#include "gtest/gtest.h"

using namespace llvm;
using namespace qopt;

namespace {

const std::vector<RecipeSite> sites = {
    {"/model/layers.0/mlp/down_proj/MatMul", {"MatMul", "Linear"}},
    {"/model/layers.0/mlp/up_proj/MatMul", {"MatMul", "Linear"}},
    {"/model/layers.1/mlp/down_proj/MatMul", {"MatMul", "Linear"}},
    {"/lm_head/MatMul", {"lm_head", "MatMul", "Linear"}},
    {"conv1", {"Conv"}},
};

/// "W8A16 W8A16 - …": the scheme of each site, or the error.
std::string resolve(StringRef text) {
  Recipe recipe = cantFail(parseRecipe(text, "r.yaml"));
  auto plans = resolveRecipe(recipe, sites);
  if (!plans)
    return toString(plans.takeError());
  std::string line;
  for (const SitePlan &plan : *plans)
    line += (plan.scheme ? plan.scheme->name : "-") + (&plan == &plans->back() ? "" : " ");
  return line;
}

TEST(Selector, KindsNamesModulesAndExpressions) {
  auto matches = [](StringRef text, unsigned site) {
    return cantFail(Selector::parse(text, 1)).matches(sites[site].name, sites[site].kinds);
  };
  EXPECT_TRUE(matches("Linear", 0));
  EXPECT_TRUE(matches("MatMul", 0));
  EXPECT_FALSE(matches("Conv", 0));
  EXPECT_TRUE(matches("/model/layers.0/mlp/down_proj/MatMul", 0));
  EXPECT_TRUE(matches("model.layers.0.mlp.down_proj", 0));
  EXPECT_FALSE(matches("model.layers.0.mlp.down_proj", 2));
  EXPECT_FALSE(matches("down_proj", 0));
  EXPECT_TRUE(matches("re:.*down_proj", 0));
  EXPECT_TRUE(matches("re:model\\.layers\\.\\d+\\.mlp", 2));
  EXPECT_TRUE(matches("re:.*(?:up|gate)_proj$", 1));
  EXPECT_FALSE(matches("re:down_proj", 0)); // from the start, as re.match
  EXPECT_TRUE(matches("lm_head", 3));
  EXPECT_TRUE(matches("all", 4));
  EXPECT_TRUE(matches("conv1", 4));
}

TEST(Resolve, TargetsIgnoresAndOverrides) {
  EXPECT_EQ(resolve("stages:\n  - rtn: {scheme: W8A16}\n"), "W8A16 W8A16 W8A16 W8A16 W8A16");
  EXPECT_EQ(resolve("stages:\n  - rtn: {targets: Linear, ignore: [lm_head], scheme: W4A16}\n"),
            "W4A16 W4A16 W4A16 - -");
  EXPECT_EQ(resolve("stages:\n  - rtn: {targets: Linear, scheme: W4A16}\n  - rtn: {targets: Conv, scheme: W8A16}\n"
                    "overrides:\n  - {match: \"re:.*down_proj\", scheme: W8A8}\n  - {match: lm_head, scheme: float}\n"),
            "W8A8 W4A16 W8A8 - W8A16");
}

TEST(Resolve, SaysWhyAnOpStaysInFloat) {
  Recipe recipe = cantFail(parseRecipe("stages:\n  - rtn: {targets: Linear, ignore: [lm_head], scheme: W4A16}\n"
                                       "overrides:\n  - {match: \"re:.*up_proj\", scheme: float}\n",
                                       "r.yaml"));
  auto plans = cantFail(resolveRecipe(recipe, sites));
  EXPECT_EQ(plans[0].reason, "");
  EXPECT_EQ(plans[1].reason, "kept in float by line 4");
  EXPECT_EQ(plans[3].reason, "ignored by line 2");
  EXPECT_EQ(plans[4].reason, "no stage targets it");
  EXPECT_EQ(plans[0].stages, std::vector<unsigned>{0});
}

TEST(Resolve, ZeroMatchesIsAnError) {
  EXPECT_EQ(resolve("stages:\n  - rtn:\n      targets: [Linear, Gemm]\n      scheme: W4A16\n"),
            "r.yaml:3: 'Gemm' matches no op of the model; one of its ops is '/model/layers.0/mlp/down_proj/MatMul'");
  EXPECT_EQ(resolve("stages:\n  - rtn: {ignore: [model.layers.0.mlp.dwn_proj], scheme: W4A16}\n"),
            "r.yaml:2: 'model.layers.0.mlp.dwn_proj' matches no op of the model; the nearest is "
            "'/model/layers.0/mlp/down_proj/MatMul'");
  EXPECT_EQ(resolve("stages:\n  - rtn: {ignore: [\"gate?\"], scheme: W4A16}\n"), "W4A16 W4A16 W4A16 W4A16 W4A16");
  EXPECT_EQ(resolve("stages:\n  - rtn: {scheme: W4A16}\noverrides:\n  - {match: \"re:nothing\", scheme: float}\n")
                .substr(0, 50),
            "r.yaml:4: 're:nothing' matches no op of the model;");
}

TEST(Resolve, ConflictsAreErrors) {
  EXPECT_EQ(
      resolve("stages:\n  - rtn: {scheme: W8A16}\n  - gptq: {targets: [lm_head], scheme: W4A16}\n"),
      "r.yaml:3: '/lm_head/MatMul' gets W4A16 here, but W8A16 from another stage already; let their targets differ, or "
      "use overrides");
  EXPECT_EQ(resolve("stages:\n  - rtn: {scheme: W8A16}\noverrides:\n  - {match: lm_head, scheme: float}\n"
                    "  - {match: MatMul, scheme: W4A16}\n"),
            "r.yaml:5: '/lm_head/MatMul' gets W4A16 here, but float in line 4");
  EXPECT_EQ(
      resolve("stages:\n  - rtn: {targets: Linear, scheme: W8A16}\noverrides:\n  - {match: Conv, scheme: W8A8}\n"),
      "r.yaml:4: 'conv1' is to get W8A8, but no quantizing stage targets it");
}

} // namespace
