// A model file without its large tensors' bytes: the protobuf message is copied except for those, which are noted as spans of the
// mapping. So protobuf's 2 GiB limit bounds the graph and not the weights, and no weight is copied by parsing.
#pragma once
#include "qopt/Support/Error.h"

#include <map>
#include <string>
#include <utility>

namespace qopt {

using Span = llvm::ArrayRef<uint8_t>;

struct SkimmedModel {
  /// A serialized ModelProto.
  std::string skeleton;
  /// Bytes of raw_data left out: by index of graph.initializer, and by (index of graph.node, index of its attribute).
  std::map<size_t, Span> initializers;
  std::map<std::pair<size_t, size_t>, Span> attributes;
};

/// Leaves raw_data of `threshold` bytes or more out of the main graph's initializers and of its nodes' tensor attributes. Errors: a
/// message that is cut off or malformed.
llvm::Expected<SkimmedModel> skim(Span file, size_t threshold);

} // namespace qopt
