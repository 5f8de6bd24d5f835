//===- SymbolicTransfer.h - Sizes of an op's results from its operands' -------===//
#ifndef QOPT_LIB_CONVERSION_COMMON_SYMBOLICTRANSFER_H
#define QOPT_LIB_CONVERSION_COMMON_SYMBOLICTRANSFER_H

#include "qopt/Conversion/Common/SymbolicShapes.h"
#include "qopt/Dialect/NN/IR/NN.h"

namespace qopt {

class SymbolicTransfer {
public:
  SymbolicTransfer(SymbolicShapes &s, mlir::Operation &op) : s(s), op(op) {}
  void run();

private:
  using Value = mlir::Value;
  static constexpr int64_t unknown = mlir::ShapedType::kDynamic;

  const SymbolicDims &dims(Value v) { return s.dims(v); }
  const SymbolicDims *elements(Value v) { return s.elements(v); }
  void setDims(Value v, SymbolicDims dims) { s.shapes[v] = std::move(dims); }
  void setElements(Value v, SymbolicDims elements) { s.contents[v] = std::move(elements); }

  /// Shapes; each is true when it knew the op.
  bool shapeOps();
  bool moveOps();
  bool linearOps();
  /// The elements of small integer tensors.
  void contents();
  void elementwiseContents();

  SymbolicDim keyed(llvm::StringRef what, llvm::ArrayRef<SymbolicDim> operands, bool isSize);
  SymbolicDim broadcast(llvm::ArrayRef<SymbolicDim> sizes);
  SymbolicDims broadcastShapes(mlir::ValueRange operands, unsigned dropLast = 0);
  SymbolicDim add(const SymbolicDim &x, const SymbolicDim &y);
  SymbolicDim subtract(const SymbolicDim &x, const SymbolicDim &y);
  SymbolicDim divide(const SymbolicDim &x, const SymbolicDim &y);
  std::optional<bool> equal(const SymbolicDim &x, const SymbolicDim &y);
  bool isPositiveSize(const SymbolicDim &x);
  SymbolicDims reshaped(nn::ReshapeOp reshape);
  SymbolicDim windowed(const SymbolicDim &size, int64_t kernel, int64_t stride, int64_t dilation, int64_t padding,
                       llvm::StringRef rounding);

  SymbolicShapes &s;
  mlir::Operation &op;
};

} // namespace qopt

#endif
