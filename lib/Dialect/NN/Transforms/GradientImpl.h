// What the rules of differentiation are made of: gradients as they grow, formulas, the table from op to rule.
#pragma once
#include "qopt/Dialect/NN/IR/Constants.h"
#include "qopt/Dialect/NN/IR/InferShapes.h"
#include "qopt/Dialect/NN/IR/NN.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <functional>

namespace qopt::nn {

inline mlir::RankedTensorType typeOf(mlir::Value value) { return mlir::cast<mlir::RankedTensorType>(value.getType()); }
inline int64_t rankOf(mlir::Value value) { return typeOf(value).getRank(); }

/// A size of a tensor to be made: a number, or dim `dim` of `value`.
struct Size {
  Size(int64_t number) : number(number) {}
  Size(mlir::Value value, int64_t dim) : number(typeOf(value).getDimSize(dim)), value(value), dim(dim) {}
  bool isKnown() const { return !mlir::ShapedType::isDynamic(number); }

  int64_t number;
  mlir::Value value;
  int64_t dim = 0;
};

llvm::SmallVector<Size> sizesOf(mlir::Value value);

/// Gradients of values while the ops are walked backwards, and the ops that rules make. Result types are inferred.
class Gradients {
public:
  Gradients(mlir::Operation *end, const llvm::DenseSet<mlir::Value> &active) : b(end), loc(end->getLoc()), active(active) {}

  /// d loss / d value so far; zeros where nothing came.
  mlir::Value of(mlir::Value value);
  void seed(mlir::Value loss) { sums[loss] = number(1, typeOf(loss).getElementType()); }

  /// Adds what `make` gives, which may be broadcast, to the gradient of an operand, if that is asked for. What is null does not count
  /// as an answer.
  void to(mlir::Value operand, llvm::function_ref<mlir::Value()> make);
  /// Whether all active operands of the op got an answer; `begin` is called before the op's rule. Gives the number of one that did not.
  void begin(mlir::Operation *op);
  std::optional<unsigned> unanswered(mlir::Operation *op) const;

  template <typename Op, typename... Args> mlir::Value makeAs(mlir::Type element, Args &&...args) {
    return inferred(Op::create(b, loc, mlir::UnrankedTensorType::get(element), std::forward<Args>(args)...));
  }
  /// An op whose result has the element type of its first operand.
  template <typename Op, typename... Args> mlir::Value make(mlir::Value first, Args &&...rest) {
    return makeAs<Op>(typeOf(first).getElementType(), first, std::forward<Args>(rest)...);
  }
  mlir::Value constant(mlir::ElementsAttr value) { return ConstantOp::create(b, loc, value); }
  mlir::Value number(double value, mlir::Type element);
  mlir::Value ints(llvm::ArrayRef<int64_t> values);
  mlir::Value zeros(llvm::ArrayRef<Size> sizes, mlir::Type element);
  mlir::Value zerosLike(mlir::Value value);
  mlir::Value cast(mlir::Value value, mlir::Type element);

  mlir::Value shape(llvm::ArrayRef<Size> sizes);
  mlir::Value shapeOf(mlir::Value value);
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<Size> sizes);
  mlir::Value reshapeLike(mlir::Value value, mlir::Value like);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> perm);
  /// With the last two dims exchanged.
  mlir::Value transposed(mlir::Value matrices);
  /// [-1, last dim], which has to be static; else null.
  mlir::Value rows(mlir::Value value);
  mlir::Value slice(mlir::Value value, int64_t axis, int64_t start, int64_t end);
  mlir::Value pad(mlir::Value value, int64_t axis, int64_t before, int64_t after);
  mlir::Value sum(mlir::Value value, llvm::ArrayRef<int64_t> axes, bool keepdims = true);
  mlir::Value mean(mlir::Value value, llvm::ArrayRef<int64_t> axes) { return make<ReduceMeanOp>(value, axes); }
  /// Sums over the dims along which something of `like`'s type was broadcast.
  mlir::Value sumLike(mlir::Value value, mlir::Value like);

  mlir::OpBuilder b;
  mlir::Location loc;
  std::string error; ///< the first contradiction between shapes; empty as long as there is none

private:
  mlir::Value inferred(mlir::Operation *op);

  const llvm::DenseSet<mlir::Value> &active;
  llvm::DenseMap<mlir::Value, mlir::Value> sums;
  llvm::DenseMap<mlir::Value, unsigned> answers;
};

/// A tensor in a formula, whose numbers become constants of its element type.
struct Term {
  Gradients *g;
  mlir::Value value;

  Term(Gradients &g, mlir::Value value) : g(&g), value(value) {}
  operator mlir::Value() const { return value; }
  Term of(double x) const { return {*g, g->number(x, typeOf(value).getElementType())}; }
  template <typename Op, typename... Args> Term then(Args &&...args) const { return {*g, g->make<Op>(value, std::forward<Args>(args)...)}; }
};
inline Term operator+(Term x, Term y) { return x.then<AddOp>(y.value); }
inline Term operator-(Term x, Term y) { return x.then<SubOp>(y.value); }
inline Term operator*(Term x, Term y) { return x.then<MulOp>(y.value); }
inline Term operator/(Term x, Term y) { return x.then<DivOp>(y.value); }
inline Term operator-(Term x) { return x.then<NegOp>(); }
inline Term operator+(double x, Term y) { return y.of(x) + y; }
inline Term operator-(double x, Term y) { return y.of(x) - y; }
inline Term operator*(double x, Term y) { return y.of(x) * y; }
inline Term operator/(double x, Term y) { return y.of(x) / y; }

/// The gradient of x by an op of one operand, from x, y and dy.
using Formula = Term (*)(Term x, Term y, Term dy);

template <typename Op, Formula formula> void unary(Op op, Gradients &g) {
  g.to(op.getX(), [&] { return formula({g, op.getX()}, {g, op.getY()}, {g, g.of(op.getY())}); });
}

using GradientRule = std::function<void(mlir::Operation *, Gradients &)>;

/// Rules by op. A rule answers (Gradients::to) for each active operand that it has a gradient for.
class GradientTable {
public:
  template <typename Op> void add(void (*rule)(Op, Gradients &)) {
    table[Op::getOperationName()] = [rule](mlir::Operation *op, Gradients &g) { rule(mlir::cast<Op>(op), g); };
  }
  /// Ops whose results stay what they are when operands change a little, or depend on their shapes only: paths end here.
  template <typename... Ops> void stop() { ((stops.insert(Ops::getOperationName())), ...); }

  const GradientRule *find(mlir::Operation *op) const {
    auto it = table.find(op->getName().getStringRef());
    return it == table.end() ? nullptr : &it->second;
  }
  bool isStop(mlir::Operation *op) const { return stops.contains(op->getName().getStringRef()); }

private:
  llvm::StringMap<GradientRule> table;
  llvm::StringSet<> stops;
};

void addActivationGradients(GradientTable &table);
void addConvGradients(GradientTable &table);
void addElementwiseGradients(GradientTable &table);
void addLinearGradients(GradientTable &table);
void addMoveGradients(GradientTable &table);
void addPoolGradients(GradientTable &table);
void addQuantGradients(GradientTable &table);
void addReduceGradients(GradientTable &table);

/// Fused attention in f32, of known numbers of heads, becomes products and a softmax.
void openAttention(AttentionOp op);
/// x · W with x of several dims before the last and W a matrix that is computed becomes a product of matrices.
void flattenProduct(MatMulOp op);

} // namespace qopt::nn
