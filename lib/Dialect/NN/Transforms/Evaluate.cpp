// Evaluation of arithmetic.
#include "Evaluate.h"

#include "qopt/Dialect/NN/IR/Constants.h"
#include "qopt/Dialect/NN/IR/HostValues.h"
#include "qopt/Dialect/NN/IR/NN.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace qopt;
using namespace qopt::nn;

using Results = std::optional<SmallVector<Tensor>>;

namespace {
RankedTensorType resultType(Operation *op) { return cast<RankedTensorType>(op->getResult(0).getType()); }

template <typename T> std::optional<SmallVector<T>> read(const Tensor &tensor) {
  if constexpr (std::is_same_v<T, double>)
    return tensorFloats(tensor);
  else
    return tensorInts(tensor);
}

/// A result of a float type from doubles; of an integer or boolean type from integers.
template <typename T> Results write(Operation *op, ArrayRef<T> values) {
  auto type = resultType(op);
  auto dtype = dtypeOf(type.getElementType());
  if (!dtype)
    return std::nullopt;
  std::optional<Tensor> out;
  if constexpr (std::is_same_v<T, double>) {
    if (isFloat(*dtype))
      out = take(tensorFromFloats(*dtype, type.getShape(), values));
  } else if (!isFloat(*dtype)) {
    out = take(tensorFromInts(*dtype, type.getShape(), values));
  }
  return out ? Results(SmallVector<Tensor>{std::move(*out)}) : std::nullopt;
}

/// Applies `f` to broadcast operands read as T; the result is written as R.
template <typename T, typename R, typename F> Results zip(Operation *op, ArrayRef<Tensor> operands, F f) {
  auto a = read<T>(operands[0]), b = read<T>(operands[1]);
  if (!a || !b)
    return std::nullopt;
  ArrayRef<int64_t> shape = resultType(op).getShape();
  BroadcastIndex atA(operands[0].shape(), shape), atB(operands[1].shape(), shape);
  SmallVector<R> out(resultType(op).getNumElements());
  for (auto [i, value] : llvm::enumerate(out))
    value = f((*a)[atA(i)], (*b)[atB(i)]);
  return write<R>(op, out);
}

template <typename F> Results map(Operation *op, const Tensor &x, F f) {
  auto values = read<double>(x);
  if (!values)
    return std::nullopt;
  for (double &value : *values)
    value = f(value);
  return write<double>(op, *values);
}

int64_t wrap(int64_t a, int64_t b, char what) { // two's complement, without undefined overflow
  uint64_t x = a, y = b;
  return static_cast<int64_t>(what == '+' ? x + y : what == '-' ? x - y : x * y);
}

Results arithmetic(Operation *op, ArrayRef<Tensor> operands) {
  if (isFloat(operands[0].dtype()))
    return llvm::TypeSwitch<Operation *, Results>(op)
        .Case([&](AddOp) { return zip<double, double>(op, operands, std::plus<double>()); })
        .Case([&](SubOp) { return zip<double, double>(op, operands, std::minus<double>()); })
        .Case([&](MulOp) { return zip<double, double>(op, operands, std::multiplies<double>()); })
        .Case([&](DivOp) { return zip<double, double>(op, operands, std::divides<double>()); })
        .Case([&](PowOp) { return zip<double, double>(op, operands, [](double a, double b) { return std::pow(a, b); }); })
        .Case([&](MaxOp) { return zip<double, double>(op, operands, [](double a, double b) { return a > b || a != a ? a : b; }); })
        .Case([&](MinOp) { return zip<double, double>(op, operands, [](double a, double b) { return a < b || a != a ? a : b; }); })
        .Default([](Operation *) { return std::nullopt; });
  bool isUnsigned = operands[0].dtype() == DType::UInt64; // read as int64: comparisons and quotients would be wrong
  auto nonzero = [&](const Tensor &divisor) {
    auto values = tensorInts(divisor);
    return values && !isUnsigned && llvm::all_of(*values, [](int64_t v) { return v != 0 && v != -1; });
  };
  return llvm::TypeSwitch<Operation *, Results>(op)
      .Case([&](AddOp) { return zip<int64_t, int64_t>(op, operands, [](int64_t a, int64_t b) { return wrap(a, b, '+'); }); })
      .Case([&](SubOp) { return zip<int64_t, int64_t>(op, operands, [](int64_t a, int64_t b) { return wrap(a, b, '-'); }); })
      .Case([&](MulOp) { return zip<int64_t, int64_t>(op, operands, [](int64_t a, int64_t b) { return wrap(a, b, '*'); }); })
      .Case([&](DivOp) -> Results {
        if (!nonzero(operands[1]))
          return std::nullopt;
        return zip<int64_t, int64_t>(op, operands, [](int64_t a, int64_t b) { return a / b; });
      })
      .Case([&](ModOp mod) -> Results {
        if (!nonzero(operands[1]) || mod.getFmod())
          return std::nullopt;
        return zip<int64_t, int64_t>(op, operands, [](int64_t a, int64_t b) { return (a % b + b) % b; });
      })
      .Case([&](MaxOp) { return isUnsigned ? Results() : zip<int64_t, int64_t>(op, operands, [](int64_t a, int64_t b) { return std::max(a, b); }); })
      .Case([&](MinOp) { return isUnsigned ? Results() : zip<int64_t, int64_t>(op, operands, [](int64_t a, int64_t b) { return std::min(a, b); }); })
      .Default([](Operation *) { return std::nullopt; });
}

template <typename T> Results compare(Operation *op, ArrayRef<Tensor> operands) {
  auto with = [&](auto f) { return zip<T, int64_t>(op, operands, f); };
  return llvm::TypeSwitch<Operation *, Results>(op)
      .Case([&](EqualOp) { return with([](T a, T b) { return a == b; }); })
      .Case([&](LessOp) { return with([](T a, T b) { return a < b; }); })
      .Case([&](LessOrEqualOp) { return with([](T a, T b) { return a <= b; }); })
      .Case([&](GreaterOp) { return with([](T a, T b) { return a > b; }); })
      .Case([&](GreaterOrEqualOp) { return with([](T a, T b) { return a >= b; }); })
      .Default([](Operation *) { return std::nullopt; });
}

Results logical(Operation *op, ArrayRef<Tensor> operands) {
  if (operands[0].dtype() != DType::Bool)
    return std::nullopt;
  return llvm::TypeSwitch<Operation *, Results>(op)
      .Case([&](AndOp) { return zip<int64_t, int64_t>(op, operands, [](int64_t a, int64_t b) { return a & b; }); })
      .Case([&](OrOp) { return zip<int64_t, int64_t>(op, operands, [](int64_t a, int64_t b) { return a | b; }); })
      .Case([&](XorOp) { return zip<int64_t, int64_t>(op, operands, [](int64_t a, int64_t b) { return a ^ b; }); })
      .Default([](Operation *) { return std::nullopt; });
}

Results unary(Operation *op, const Tensor &x) {
  if (isa<NotOp>(op)) {
    auto values = tensorInts(x);
    if (!values)
      return std::nullopt;
    for (int64_t &value : *values)
      value = !value;
    return write<int64_t>(op, *values);
  }
  if (!isFloat(x.dtype())) {
    auto values = tensorInts(x);
    if (!values || x.dtype() == DType::UInt64 || !isa<NegOp, AbsOp>(op))
      return std::nullopt;
    for (int64_t &value : *values)
      value = isa<NegOp>(op) || value < 0 ? wrap(0, value, '-') : value;
    return write<int64_t>(op, *values);
  }
  return llvm::TypeSwitch<Operation *, Results>(op)
      .Case([&](NegOp) { return map(op, x, std::negate<double>()); })
      .Case([&](AbsOp) { return map(op, x, [](double v) { return std::fabs(v); }); })
      .Case([&](SqrtOp) { return map(op, x, [](double v) { return std::sqrt(v); }); })
      .Case([&](ReciprocalOp) { return map(op, x, [](double v) { return 1 / v; }); })
      .Case([&](ExpOp) { return map(op, x, [](double v) { return std::exp(v); }); })
      .Case([&](LogOp) { return map(op, x, [](double v) { return std::log(v); }); })
      .Case([&](FloorOp) { return map(op, x, [](double v) { return std::floor(v); }); })
      .Case([&](CeilOp) { return map(op, x, [](double v) { return std::ceil(v); }); })
      .Case([&](RoundOp) { return map(op, x, [](double v) { return std::nearbyint(v); }); })
      .Case([&](SinOp) { return map(op, x, [](double v) { return std::sin(v); }); })
      .Case([&](CosOp) { return map(op, x, [](double v) { return std::cos(v); }); })
      .Case([&](TanhOp) { return map(op, x, [](double v) { return std::tanh(v); }); })
      .Default([](Operation *) { return std::nullopt; });
}

Results cast(CastOp op, const Tensor &x) {
  auto to = dtypeOf(resultType(op).getElementType());
  if (!to || (isFloat(*to) && bits(*to) < 16))
    return std::nullopt;
  if (isFloat(*to)) {
    auto values = tensorFloats(x);
    return values ? write<double>(op, *values) : std::nullopt;
  }
  if (!isFloat(x.dtype())) {
    auto values = tensorInts(x);
    return values ? write<int64_t>(op, *values) : std::nullopt;
  }
  auto values = tensorFloats(x);
  SmallVector<int64_t> out;
  for (double value : values.value_or(SmallVector<double>())) {
    if (*to != DType::Bool && !(std::fabs(value) < 9e15)) // what it converts to is the target's affair
      return std::nullopt;
    out.push_back(*to == DType::Bool ? value != 0 : static_cast<int64_t>(value));
  }
  return values ? write<int64_t>(op, out) : std::nullopt;
}

template <typename T> Results select(Operation *op, ArrayRef<Tensor> operands) {
  auto condition = tensorInts(operands[0]);
  auto x = read<T>(operands[1]), y = read<T>(operands[2]);
  if (!condition || !x || !y)
    return std::nullopt;
  ArrayRef<int64_t> shape = resultType(op).getShape();
  BroadcastIndex atC(operands[0].shape(), shape), atX(operands[1].shape(), shape), atY(operands[2].shape(), shape);
  SmallVector<T> out(resultType(op).getNumElements());
  for (auto [i, value] : llvm::enumerate(out))
    value = (*condition)[atC(i)] ? (*x)[atX(i)] : (*y)[atY(i)];
  return write<T>(op, out);
}

Results range(RangeOp op, ArrayRef<Tensor> operands) {
  int64_t count = resultType(op).getNumElements();
  if (!isFloat(operands[0].dtype())) {
    auto start = tensorInts(operands[0]), delta = tensorInts(operands[2]);
    if (!start || !delta || start->size() != 1 || delta->size() != 1)
      return std::nullopt;
    SmallVector<int64_t> out;
    for (int64_t i = 0; i < count; ++i)
      out.push_back(wrap((*start)[0], wrap(i, (*delta)[0], '*'), '+'));
    return write<int64_t>(op, out);
  }
  return std::nullopt; // sums of floats differ by how the target adds them up
}
} // namespace

Results nn::evaluate(Operation *op, ArrayRef<Tensor> operands) {
  for (const Tensor &operand : operands)
    if (operand.dtype() == DType::String)
      return std::nullopt;
  if (auto moved = evaluateMove(op, operands))
    return moved;
  bool floats = !operands.empty() && isFloat(operands[0].dtype());
  if (isa<AddOp, SubOp, MulOp, DivOp, PowOp, MaxOp, MinOp, ModOp>(op))
    return arithmetic(op, operands);
  if (isa<EqualOp, LessOp, LessOrEqualOp, GreaterOp, GreaterOrEqualOp>(op))
    return floats ? compare<double>(op, operands) : operands[0].dtype() == DType::UInt64 ? Results() : compare<int64_t>(op, operands);
  if (isa<AndOp, OrOp, XorOp>(op))
    return logical(op, operands);
  if (auto casting = dyn_cast<CastOp>(op))
    return cast(casting, operands[0]);
  if (isa<WhereOp>(op))
    return isFloat(operands[1].dtype()) ? select<double>(op, operands) : select<int64_t>(op, operands);
  if (auto counting = dyn_cast<RangeOp>(op))
    return range(counting, operands);
  if (op->getNumOperands() == 1 && op->hasTrait<Elementwise>())
    return unary(op, operands[0]);
  return std::nullopt;
}
