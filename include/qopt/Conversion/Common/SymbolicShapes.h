//===- SymbolicShapes.h - Which dims are equal, though unknown ----------------===//
//
// Numbers every dim of every tensor of a function by a product: a constant times atoms, each atom one unknown. Dims
// with one product are equal in every run. So `x + y` with dynamic dims needs no test for broadcasting where both
// come from one input, and a reshape computed with Shape, Gather and Concat is seen to be a collapse.
//
// Dims of arguments share an atom where the argument attribute `nn.dims` (an array of strings, "" or "?" for none) gives them
// one name: whoever calls the program has to check that (qopt_artifact_check does).
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_CONVERSION_COMMON_SYMBOLICSHAPES_H
#define QOPT_CONVERSION_COMMON_SYMBOLICSHAPES_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include <optional>

namespace mlir {
class Operation;
class Region;
} // namespace mlir

namespace qopt {

/// factor * product of atoms (sorted numbers). A product without atoms is a constant.
struct SymbolicDim {
  int64_t factor = 1;
  llvm::SmallVector<unsigned, 2> atoms;

  static SymbolicDim constant(int64_t value) { return {value, {}}; }
  std::optional<int64_t> asConstant() const {
    return atoms.empty() ? std::optional<int64_t>(factor) : std::nullopt;
  }
  bool operator==(const SymbolicDim &other) const { return factor == other.factor && atoms == other.atoms; }
  bool operator!=(const SymbolicDim &other) const { return !(*this == other); }
};

SymbolicDim operator*(const SymbolicDim &x, const SymbolicDim &y);
/// x / y where that is exact for all values of the atoms (and the atoms are not zero).
std::optional<SymbolicDim> exactQuotient(const SymbolicDim &x, const SymbolicDim &y);

using SymbolicDims = llvm::SmallVector<SymbolicDim, 4>;

class SymbolicShapes {
public:
  /// Numbers the values of a function's body.
  explicit SymbolicShapes(mlir::Region &body);

  /// The dims of a ranked tensor of the function.
  const SymbolicDims &dims(mlir::Value value) const;
  /// The elements of a small integer tensor, where something is known of them.
  const SymbolicDims *elements(mlir::Value value) const;

  /// The argument and dim that an atom stands for, if it does.
  std::optional<std::pair<mlir::Value, unsigned>> argumentDim(unsigned atom) const;
  /// The atom is the size of a dim, so not negative.
  bool isSize(unsigned atom) const { return atoms[atom].isSize; }

  SymbolicDim freshAtom(bool isSize);
  /// The atom of a computation: the same key, the same atom.
  SymbolicDim keyedAtom(llvm::StringRef key, bool isSize);

private:
  struct Atom {
    bool isSize = false;
    mlir::Value argument;
    unsigned dim = 0;
  };

  void addArgument(mlir::Value argument, llvm::ArrayRef<llvm::StringRef> names);
  void visit(mlir::Operation &op);

  std::vector<Atom> atoms;
  llvm::StringMap<unsigned> keys;
  llvm::DenseMap<mlir::Value, SymbolicDims> shapes, contents;
  friend class SymbolicTransfer;
};

} // namespace qopt

#endif
