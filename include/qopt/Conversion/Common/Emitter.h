//===- Emitter.h - What a lowering to linalg builds with ----------------------===//
//
// A lowering turns one op of the graph into linalg, tensor and arith ops on tensors in their stored form
// (ElementTypes.h). The emitter stands at the place of the op, knows the lowered form of each operand, and builds the
// few shapes of code that all lowerings are made of.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_CONVERSION_COMMON_EMITTER_H
#define QOPT_CONVERSION_COMMON_EMITTER_H

#include "qopt/Conversion/Common/Scalars.h"
#include "qopt/Conversion/Common/SymbolicShapes.h"

#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/IRMapping.h"

namespace qopt {

using Values = llvm::SmallVector<mlir::Value>;

/// Computes an element from the loop indices.
using ElementFn = llvm::function_ref<mlir::Value(Scalars &, mlir::ValueRange indices)>;
/// Computes an element from the elements of the operands.
using BodyFn = llvm::function_ref<mlir::Value(Scalars &, mlir::ValueRange elements)>;

class Emitter : public Scalars {
public:
  Emitter(mlir::OpBuilder &builder, mlir::Operation *op, mlir::ModuleOp module, mlir::IRMapping &mapping,
          SymbolicShapes &shapes);

  mlir::Operation *op;
  mlir::IRMapping &mapping;
  SymbolicShapes &shapes;

  // ---- Operands and results of the op, by their values in the graph ----

  /// The lowered form of an operand.
  mlir::Value operator[](mlir::Value original) const { return mapping.lookup(original); }
  static mlir::RankedTensorType type(mlir::Value v) { return mlir::cast<mlir::RankedTensorType>(v.getType()); }
  static mlir::Type elementType(mlir::Value v) { return type(v).getElementType(); }
  static int64_t rank(mlir::Value v) { return type(v).getRank(); }
  /// The stored form of a value's type.
  mlir::RankedTensorType stored(mlir::Value original) const;

  // ---- Sizes ----

  /// Size of a dim of an operand (a value of the graph), as an index; made from the arguments' dims where that is known.
  mlir::Value dim(mlir::Value original, int64_t index);
  Values dims(mlir::Value original);
  /// A symbolic size as an index, if all its atoms are dims of arguments.
  mlir::Value materialize(const SymbolicDim &dim);
  /// Size of a dim of a lowered tensor.
  mlir::Value dimOf(mlir::Value tensor, int64_t index);
  Values dimsOf(mlir::Value tensor);
  bool sameDim(mlir::Value x, int64_t xDim, mlir::Value y, int64_t yDim) const;
  std::optional<int64_t> knownDim(mlir::Value x, int64_t dim) const { return shapes.dims(x)[dim].asConstant(); }
  mlir::Value product(mlir::ValueRange sizes);

  /// The elements of a constant integer operand.
  static std::optional<llvm::SmallVector<int64_t>> constantInts(mlir::Value original);
  /// The value of a constant whose elements are all the same.
  static mlir::Attribute splatConstant(mlir::Value original);

  /// Ends the run with a sentence that names the op's site, unless the condition holds.
  void check(mlir::Value condition, const llvm::Twine &whatIsWrong);
  std::string sentence(const llvm::Twine &whatIsWrong) const;

  // ---- Small tensors as scalars ----

  /// Static shape, rank at most one, at most eight elements.
  static bool isSmall(mlir::Type type);
  Values explode(mlir::Value tensor);
  /// The elements of a vector that has to have `count` of them.
  Values explode(mlir::Value tensor, int64_t count);
  mlir::Value implode(mlir::RankedTensorType type, mlir::ValueRange elements);
  mlir::Value extract(mlir::Value tensor, mlir::ValueRange indices);
  /// The only element of a tensor with one element.
  mlir::Value scalar(mlir::Value tensor);

  // ---- Tensors ----

  /// An uninitialized tensor; `dims` holds the size of every dim, of which the dynamic ones are used.
  mlir::Value empty(mlir::RankedTensorType type, mlir::ValueRange dims);
  mlir::Value filled(mlir::RankedTensorType type, mlir::ValueRange dims, mlir::Value value);
  mlir::Value generic(mlir::Value init, mlir::ValueRange inputs, llvm::ArrayRef<mlir::AffineMap> maps,
                      llvm::ArrayRef<mlir::utils::IteratorType> iterators, BodyFn body);
  /// Elementwise over inputs of which each has a map from the result's dims.
  mlir::Value map(mlir::RankedTensorType type, mlir::ValueRange dims, mlir::ValueRange inputs,
                  llvm::ArrayRef<mlir::AffineMap> maps, BodyFn body);
  /// Elementwise over inputs of the result's shape.
  mlir::Value map(mlir::RankedTensorType type, mlir::ValueRange dims, mlir::ValueRange inputs, BodyFn body);
  /// Each element from its indices.
  mlir::Value generate(mlir::RankedTensorType type, mlir::ValueRange dims, ElementFn element);
  /// Reduces `input` over `axes` (kept as no dims in the result).
  mlir::Value reduce(mlir::Value input, llvm::ArrayRef<int64_t> axes, mlir::Value init, mlir::Type resultElement,
                     BodyFn body);
  /// Each element as a loop over `window` sizes: element(indices then window indices, accumulator).
  mlir::Value reduceWindow(mlir::RankedTensorType type, mlir::ValueRange dims, mlir::ValueRange window,
                           mlir::Value init,
                           llvm::function_ref<mlir::Value(Scalars &, mlir::ValueRange, mlir::Value)> element);

  /// `tensor` (a lowered tensor) as `type`, which differs in what is static only.
  mlir::Value castTo(mlir::RankedTensorType type, mlir::Value tensor);
  /// The same elements in another shape, whose symbolic dims `to` are known where the shape could be computed. No copy.
  mlir::Value reshape(mlir::Value tensor, const SymbolicDims &from, mlir::RankedTensorType type,
                      const SymbolicDims &to, mlir::ValueRange dims);
  /// Reshape of an operand to the result's dims.
  mlir::Value reshape(mlir::Value original, mlir::Value result, mlir::ValueRange dims);
  mlir::Value transpose(mlir::Value tensor, llvm::ArrayRef<int64_t> perm);

  // ---- Broadcasting ----

  /// The sizes of the result of broadcasting operands, with a check where they may not fit.
  Values broadcastDims(mlir::ValueRange originals, mlir::RankedTensorType resultType);
  /// How an operand is read under broadcasting to a result of `rank`: by a map, or (null) dim by dim at run time.
  mlir::AffineMap broadcastMap(mlir::Value original, const SymbolicDims &resultDims);
  /// The operand as a tensor of all of the result's dims (given lowered sizes); the operand itself where it has them.
  mlir::Value broadcastTo(mlir::Value original, const SymbolicDims &resultDims, mlir::ValueRange dims,
                          mlir::RankedTensorType type);
  /// Elementwise over broadcast operands.
  mlir::Value mapBroadcast(mlir::Value result, mlir::ValueRange originals, BodyFn body);

  // ---- Loops ----

  /// A nest of sequential loops over `sizes` that carries tensors; body(indices, carried) gives the next ones.
  Values loops(mlir::ValueRange sizes, mlir::ValueRange init,
               llvm::function_ref<Values(Emitter &, mlir::ValueRange indices, mlir::ValueRange carried)> body);
  Emitter at(mlir::OpBuilder &nested);
};

} // namespace qopt

#endif
