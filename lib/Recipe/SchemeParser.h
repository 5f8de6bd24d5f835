// Schemes in YAML.
#pragma once
#include "Yaml.h"
#include "qopt/Recipe/Scheme.h"

namespace qopt {

/// Reads {description, weights, activations}.
Scheme parseScheme(llvm::StringRef name, const yaml::Node &node, yaml::Problems &problems);

/// A sentence when the scheme contradicts itself; empty when it is sound.
std::string checkScheme(const Scheme &scheme);

} // namespace qopt
