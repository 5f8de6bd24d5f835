// Gradients of matrix products, in forms that have kernels: plain batches (a transposed right side is read as it lies), matrices,
// and nn.gemm with constants, which are packed transposed at compile time.
#include "GradientImpl.h"

using namespace mlir;
using namespace qopt::nn;

namespace {

/// The leading sizes of x, then `last`.
SmallVector<Size> likeRows(Value x, int64_t last) {
  SmallVector<Size> sizes = sizesOf(x);
  sizes.back() = last;
  return sizes;
}

/// dy · Wᵀ for a matrix W; null where the rows' length is not known.
Value timesTransposed(Value dy, Value w, Value x, Gradients &g) {
  Value rows = g.rows(dy);
  if (!rows)
    return {};
  Value product = w.getDefiningOp<ConstantOp>()
                      ? g.make<GemmOp>(rows, w, Value(), llvm::APFloat(1.0f), llvm::APFloat(1.0f), false, true)
                      : g.make<MatMulOp>(rows, g.transposed(w));
  return g.reshapeLike(product, x);
}

void matmul(MatMulOp op, Gradients &g) {
  Value a = op.getA(), b = op.getB(), dy = g.of(op.getY());
  if (rankOf(a) < 2 || rankOf(b) < 2)
    return;
  bool hasMatrix = rankOf(b) == 2;
  g.to(a, [&] {
    Value product = hasMatrix ? timesTransposed(dy, b, a, g) : Value();
    return product ? product : g.make<MatMulOp>(dy, g.transposed(b));
  });
  g.to(b, [&] {
    Value x = hasMatrix ? g.rows(a) : Value(), rows = x ? g.rows(dy) : Value();
    return rows ? g.make<MatMulOp>(g.transposed(x), rows) : g.make<MatMulOp>(g.transposed(a), dy);
  });
}

} // namespace

void qopt::nn::flattenProduct(MatMulOp op) {
  Value x = op.getA(), w = op.getB();
  if (rankOf(x) < 3 || rankOf(w) != 2 || w.getDefiningOp<ConstantOp>() || typeOf(w).isDynamicDim(1))
    return;
  llvm::DenseSet<Value> none;
  Gradients g(op, none);
  if (Value rows = g.rows(x)) {
    Value product = g.make<MatMulOp>(rows, w);
    Value y = g.reshape(product, likeRows(x, typeOf(w).getDimSize(1)));
    y.setType(op.getType());
    op.getY().replaceAllUsesWith(y);
    op->erase();
  }
}

void qopt::nn::addLinearGradients(GradientTable &table) { table.add<MatMulOp>(matmul); }
