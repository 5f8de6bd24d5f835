// Matching of products and sums in any order.
#pragma once
#include "qopt/Dialect/NN/IR/Constants.h"
#include "qopt/Dialect/NN/IR/NN.h"

#include "mlir/IR/PatternMatch.h"

#include <cmath>

namespace qopt::nn {

inline bool near(double a, double b) { return std::fabs(a - b) <= 1e-4 * std::fabs(b); }

/// The factors of a tree of products (and quotients by constants): constants multiplied together, the rest listed. Inner products
/// are opened only where they have no other use.
struct Product {
  double constant = 1;
  llvm::SmallVector<mlir::Value> factors;

  explicit Product(mlir::Value root) { open(root, true); }

  /// The one factor beside `known` (taken once); null when there are more or fewer.
  mlir::Value otherThan(mlir::Value known) const {
    if (factors.size() != 2)
      return {};
    return factors[0] == known ? factors[1] : factors[1] == known ? factors[0] : mlir::Value();
  }

private:
  void open(mlir::Value value, bool isRoot) {
    if (auto number = constantScalar(value)) {
      constant *= *number;
      return;
    }
    if (mlir::Operation *op = value.getDefiningOp(); op && (isRoot || op->hasOneUse()) && value.getType() && sameShape(op)) {
      if (auto mul = llvm::dyn_cast<MulOp>(op)) {
        open(mul.getA(), false);
        open(mul.getB(), false);
        return;
      }
      if (auto div = llvm::dyn_cast<DivOp>(op))
        if (auto number = constantScalar(div.getB())) {
          constant /= *number;
          open(div.getA(), false);
          return;
        }
    }
    factors.push_back(value);
  }

  /// Products that broadcast their tensors are not the pieces that we look for: every operand is a constant or has the result's type.
  static bool sameShape(mlir::Operation *op) {
    return llvm::all_of(op->getOperands(), [&](mlir::Value operand) {
      return constantScalar(operand) || operand.getType() == op->getResult(0).getType();
    });
  }
};

/// x + constant: the other term, or null.
inline mlir::Value plusConstant(mlir::Value value, double constant) {
  auto add = value.getDefiningOp<AddOp>();
  if (!add)
    return {};
  for (bool swapped : {false, true}) {
    mlir::Value x = swapped ? add.getB() : add.getA(), c = swapped ? add.getA() : add.getB();
    if (auto number = constantScalar(c); number && near(*number, constant))
      return x;
  }
  return {};
}

void addRecognizeNorm(mlir::RewritePatternSet &patterns);

} // namespace qopt::nn
