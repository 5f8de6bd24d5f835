// Which ops a line of a recipe means.
//
// A selector is `all`, the kind of an op ("Linear", "Conv", "lm_head"), the name of a node
// ("/model/layers.0/mlp/down_proj/MatMul"), the name of the module that the node came from
// ("model.layers.0.mlp.down_proj"), or `re:` and a regular expression that matches from the start of the node's or the
// module's name, as Python's re.match does. A selector that matches nothing is an error, unless it ends in `?`
// ("lm_head?").
#pragma once
#include "qopt/Support/Error.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Regex.h"
#include <memory>
#include <string>

namespace qopt {

class Selector {
public:
  /// Errors: an empty selector, a regular expression that cannot be used.
  static llvm::Expected<Selector> parse(llvm::StringRef text, unsigned line);

  bool matches(llvm::StringRef name, llvm::ArrayRef<std::string> kinds) const;
  const std::string &text() const { return source; }
  unsigned line() const { return sourceLine; }
  /// Whether it may match nothing.
  bool isOptional() const { return optional; }

private:
  std::string source;
  unsigned sourceLine = 0;
  bool optional = false;
  std::shared_ptr<const llvm::Regex> regex; // null for a plain name
};

/// "model.layers.0.mlp.down_proj" of "/model/layers.0/mlp/down_proj/MatMul": exporters append the op's type to the
/// module's path.
std::string moduleName(llvm::StringRef node);

} // namespace qopt
