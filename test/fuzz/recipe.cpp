// Recipes: YAML, keys and values, and selectors on a model's ops.
#include "FuzzFile.h"

#include "qopt/Recipe/Recipe.h"

using namespace qopt;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto recipe = parseRecipe({reinterpret_cast<const char *>(data), size}, "fuzz.yaml");
  dropSentence(recipe);
  if (!recipe)
    return 0;
  const RecipeSite sites[] = {{"/model/layers.0/mlp/down_proj/MatMul", {"MatMul", "Linear"}},
                              {"/conv", {"Conv"}},
                              {"lm_head", {"lm_head", "Gemm", "Linear"}}};
  auto plan = resolveRecipe(*recipe, sites);
  dropSentence(plan);
  return 0;
}
