#include "Losses.h"

#include "qopt/Dialect/NN/IR/NN.h"

#include "llvm/ADT/Sequence.h"

#include <numeric>

using namespace mlir;
using namespace qopt;

/// Added to the mean square of a row, so that one of zeros has an error and not an infinite one.
static constexpr float kLeastSquare = 1e-12f;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }
static RankedTensorType scalar(OpBuilder &b) { return RankedTensorType::get({}, b.getF32Type()); }

Value Losses::kl(Value wanted, Value got) {
  int64_t last = typeOf(wanted).getRank() - 1;
  auto logOf = [&](Value x) { return nn::LogSoftmaxOp::create(b, loc, x.getType(), x, b.getI64IntegerAttr(last)).getResult(); };
  Value p = logOf(wanted), q = logOf(got);
  Value difference = nn::SubOp::create(b, loc, p.getType(), p, q);
  Value terms = nn::MulOp::create(b, loc, p.getType(), nn::ExpOp::create(b, loc, p.getType(), p).getResult(), difference);
  return mean(sumOver(terms, last));
}

Value Losses::mse(Value wanted, Value got) {
  return nn::DivOp::create(b, loc, scalar(b), mean(squaredError(wanted, got)), mean(squared(wanted)));
}

Value Losses::mseOfRows(Value wanted, Value got) {
  int64_t rank = typeOf(wanted).getRank();
  auto dims = llvm::to_vector(rank > 3 ? llvm::seq<int64_t>(1, rank) : llvm::seq<int64_t>(rank - 1, rank));
  Value error = sumOver(squaredError(wanted, got), dims), signal = sumOver(squared(wanted), dims);
  Value least = nn::ConstantOp::create(b, loc, DenseElementsAttr::get(scalar(b), kLeastSquare));
  Value bounded = nn::AddOp::create(b, loc, signal.getType(), signal, least);
  return mean(nn::DivOp::create(b, loc, error.getType(), error, bounded));
}

Value Losses::sum(ArrayRef<Value> losses) {
  return std::accumulate(losses.begin() + 1, losses.end(), losses.front(), [&](Value a, Value c) -> Value {
    return nn::AddOp::create(b, loc, scalar(b), a, c);
  });
}

Value Losses::squaredError(Value wanted, Value got) { return squared(nn::SubOp::create(b, loc, wanted.getType(), got, wanted)); }
Value Losses::squared(Value x) { return nn::MulOp::create(b, loc, x.getType(), x, x); }

Value Losses::mean(Value x) {
  int64_t rank = typeOf(x).getRank();
  return rank == 0 ? x : nn::ReduceMeanOp::create(b, loc, scalar(b), x, b.getDenseI64ArrayAttr(llvm::to_vector(llvm::seq<int64_t>(0, rank))), false).getResult();
}

Value Losses::sumOver(Value x, ArrayRef<int64_t> dims) {
  SmallVector<int64_t> kept;
  for (auto [dim, size] : llvm::enumerate(typeOf(x).getShape()))
    if (!llvm::is_contained(dims, static_cast<int64_t>(dim)))
      kept.push_back(size);
  return nn::ReduceSumOp::create(b, loc, RankedTensorType::get(kept, b.getF32Type()), x, b.getDenseI64ArrayAttr(dims), false);
}
