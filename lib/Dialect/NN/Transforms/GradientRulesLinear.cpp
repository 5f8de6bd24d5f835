// Gradients of matrix products, in forms that have kernels: plain batches (a transposed right side is read as it lies), matrices,
// and nn.gemm with constants, which are packed transposed at compile time.
#include "GradientImpl.h"

#include "qopt/Dialect/Qopt/IR/Qopt.h"

using namespace mlir;
using namespace qopt::nn;
namespace qir = qopt::qir;

namespace {

/// The leading sizes of x, then `last`.
SmallVector<Size> likeRows(Value x, int64_t last) {
  SmallVector<Size> sizes = sizesOf(x);
  sizes.back() = last;
  return sizes;
}

/// A constant, or one that is decoded at compile time.
bool isConstant(Value w) {
  Operation *op = w.getDefiningOp();
  return op && (isa<ConstantOp>(op) || (isa<qir::DequantizeOp>(op) && llvm::all_of(op->getOperands(), isConstant)));
}

/// rows · Wᵀ for two matrices.
Value rowsTimesTransposed(Value rows, Value w, Gradients &g) {
  if (!isConstant(w))
    return g.make<MatMulOp>(rows, g.transposed(w));
  llvm::APFloat one(1.0f);
  return g.make<GemmOp>(rows, w, Value(), one, one, /*transA=*/false, /*transB=*/true);
}

/// dy · Wᵀ for a matrix W, shaped as x is; null where the rows' length is not known.
Value timesTransposed(Value dy, Value w, Value x, Gradients &g) {
  Value rows = g.rows(dy);
  return rows ? g.reshapeLike(rowsTimesTransposed(rows, w, g), x) : Value();
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

/// With A' and B' as they are multiplied: dA' = dy · B'ᵀ, dB' = A'ᵀ · dy, each times alpha.
void gemm(GemmOp op, Gradients &g) {
  Value a = op.getA(), b = op.getB();
  Term dy(g, g.of(op.getY()));
  auto scaled = [](double factor, Term x) { return factor == 1 ? x : factor * x; };
  Term product = scaled(op.getAlpha().convertToFloat(), dy);
  g.to(a, [&] {
    Value da = op.getTransB() ? g.make<MatMulOp>(product, b) : rowsTimesTransposed(product, b, g);
    return op.getTransA() ? g.transposed(da) : da;
  });
  g.to(b, [&] {
    Value x = op.getTransA() ? g.transposed(a) : a;
    return op.getTransB() ? g.make<MatMulOp>(g.transposed(product), x) : g.make<MatMulOp>(g.transposed(x), product);
  });
  if (op.getC())
    g.to(op.getC(), [&] { return scaled(op.getBeta().convertToFloat(), dy); });
}

} // namespace

void qopt::nn::flattenProduct(MatMulOp op) {
  Value x = op.getA(), w = op.getB();
  if (rankOf(x) < 3 || rankOf(w) != 2 || isConstant(w) || typeOf(w).isDynamicDim(1))
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

void qopt::nn::addLinearGradients(GradientTable &table) {
  table.add<MatMulOp>(matmul);
  table.add<GemmOp>(gemm);
}
