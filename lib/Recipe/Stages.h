// What each algorithm can be told in YAML.
#pragma once
#include "Yaml.h"
#include "qopt/Recipe/Recipe.h"

namespace qopt {

/// Names of all algorithms, as keys of stages.
llvm::ArrayRef<llvm::StringRef> algorithmNames();

/// Whether the algorithm changes the float model, so that statistics and codes have to come after.
bool changesWeights(const AlgorithmOptions &options);

/// Reads the algorithm's own keys; the caller reads targets, ignore and scheme.
AlgorithmOptions parseAlgorithm(llvm::StringRef name, yaml::MapReader &map);

/// Selectors of `key`.
std::vector<Selector> parseSelectors(llvm::StringRef key, yaml::MapReader &map);

/// Whether the algorithms can stand together in this order; a problem at the line of the second one if not.
void checkStages(const Recipe &recipe, yaml::Problems &problems);

/// An llm-compressor recipe (…_stage: …_modifiers: …Modifier:).
bool isLLMCompressor(const yaml::Node &root);
Recipe parseLLMCompressor(const yaml::Node &root, yaml::Problems &problems);

} // namespace qopt
