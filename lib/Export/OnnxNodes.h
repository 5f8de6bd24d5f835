// How each nn and qopt op is said in ONNX. Internal to this room.
#ifndef QOPT_LIB_EXPORT_ONNXNODES_H
#define QOPT_LIB_EXPORT_ONNXNODES_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"

#include <optional>
#include <string>
#include <vector>

namespace qopt {

/// One node to be written: inputs are values of the graph, constants that the form needs, or nothing (an absent optional).
struct NodeForm {
  struct Input {
    mlir::Value value;                             ///< a value of the graph,
    std::optional<std::vector<int64_t>> integers;  ///< or a new 1-D int64 constant,
    std::optional<int64_t> scalar;                 ///< or a new 0-D int64 constant,
    mlir::ElementsAttr elements;                   ///< or a new constant; none of them: absent
  };
  std::string opType;
  std::vector<Input> inputs;
  std::vector<std::pair<std::string, mlir::Attribute>> attributes;
  int64_t opset = 21; ///< the least opset that has this form
};

/// The op's form, or a clause that says why there is none.
struct NodeFormOrReason {
  std::optional<NodeForm> form;
  std::string reason;
};
NodeFormOrReason onnxForm(mlir::Operation *op);

} // namespace qopt

#endif // QOPT_LIB_EXPORT_ONNXNODES_H
