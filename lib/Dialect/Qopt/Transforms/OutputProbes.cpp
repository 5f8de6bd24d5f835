#include "qopt/Dialect/Qopt/Transforms/OutputProbes.h"
#include "Activations.h"
#include "LinearInputs.h"
#include "Programs.h"
#include "WeightRows.h"

#include "qopt/Analysis/Sites.h"
#include "qopt/Dialect/NN/IR/InferShapes.h"
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Dialect/NN/Transforms/Gradient.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace qopt;

namespace {

class Probes {
public:
  Probes(func::FuncOp main, llvm::ArrayRef<OperandSpec> formats, OutputLoss loss)
      : main(main), formats(formats), loss(loss), b(main.getContext()), loc(main.getLoc()) {}

  LogicalResult find(const llvm::StringSet<> &names) {
    Sites all(main);
    LogicalResult result = LogicalResult::success();
    main.walk([&](LinearLikeOpInterface op) {
      std::string name = nameOf(op), why;
      if (!constantWeight(op) || !names.contains(name))
        return;
      if (op->getBlock() != &main.front()) {
        result = op->emitOpError("stands in a branch or loop, where no probe reaches it");
        return;
      }
      auto weight = WeightRows::of(op, why);
      if (!weight)
        return; // Whoever chooses its format finds the same and says so.
      int64_t inner = 1;
      for (int64_t dim : weight->type().getShape().drop_front(weight->outputAxis() + 1))
        inner *= dim;
      sites.push_back({name, FactoredSquares(weight->shape().rows, weight->shape().cols, inner), 0,
                       std::vector<std::optional<double>>(formats.size())});
      ops.push_back(op);
      ranges.push_back(rangeOf(main->getParentOfType<ModuleOp>(), all.name(op.getActivationOperand().get())));
    });
    return result;
  }

  LogicalResult walkBack() {
    Operation *exit = main.front().getTerminator();
    std::vector<Value> values;
    for (LinearLikeOpInterface op : ops)
      isolate(op, values);
    b.setInsertionPoint(exit);
    if (failed(probeOutputs(exit)))
      return failure();
    auto gradients = addGradients(main, values);
    if (failed(gradients))
      return failure();
    for (size_t site = 0; site < ops.size(); ++site) {
      Value ofWeight = (*gradients)[2 * site], ofInput = (*gradients)[2 * site + 1];
      b.setInsertionPointAfterValue(ofWeight);
      observe(ofWeight, site, 0);
      b.setInsertionPointAfterValue(ofInput);
      observeErrors(site, values[2 * site + 1], [&](Value error) { return make<nn::MulOp>(ofInput, error); });
    }
    return LogicalResult::success();
  }

  void lookForward() {
    for (size_t site = 0; site < ops.size(); ++site) {
      Operation *op = ops[site];
      b.setInsertionPointAfter(op);
      observe(squares(op->getResult(0)), site, 0);
      observeErrors(site, ops[site].getActivationOperand().get(), [&](Value error) {
        IRMapping onError;
        onError.map(ops[site].getActivationOperand().get(), error);
        if (Value bias = ops[site].getBiasValue())
          onError.map(bias, zerosLike(bias));
        return b.clone(*op, onError)->getResult(0);
      });
    }
  }

  std::vector<ProbedSite> sites;
  unsigned outputs = 0;

private:
  static std::optional<std::pair<double, double>> rangeOf(ModuleOp module, llvm::StringRef site) {
    auto ranges = module->getAttrOfType<DictionaryAttr>("qopt.ranges");
    auto range = ranges ? ranges.getAs<DenseF64ArrayAttr>(site) : DenseF64ArrayAttr();
    if (!range || range.size() != 2)
      return std::nullopt;
    return std::pair(range[0], range[1]);
  }

  /// The op's weight and its activation as values that nobody else reads.
  void isolate(LinearLikeOpInterface op, std::vector<Value> &values) {
    b.setInsertionPoint(op);
    OpOperand &x = op.getActivationOperand(), &w = op.getWeightOperand();
    w.set(nn::ConstantOp::create(b, op.getLoc(), constantWeight(op)));
    values.push_back(w.get());
    x.set(nn::CastOp::create(b, op.getLoc(), x.get().getType(), x.get()));
    values.push_back(x.get());
  }

  template <typename Op, typename... Args> Value makeAs(Type element, Args &&...args) {
    auto op = Op::create(b, loc, UnrankedTensorType::get(element), std::forward<Args>(args)...);
    std::string error; // The rules of these few ops contradict nothing.
    (void)nn::refineResultTypes(op, error);
    return op->getResult(0);
  }
  template <typename Op, typename... Args> Value make(Value first, Args &&...rest) {
    return makeAs<Op>(b.getF32Type(), first, std::forward<Args>(rest)...);
  }
  static int64_t rankOf(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }
  Value ints(llvm::ArrayRef<int64_t> values) {
    auto type = RankedTensorType::get(static_cast<int64_t>(values.size()), b.getI64Type());
    return nn::ConstantOp::create(b, loc, DenseElementsAttr::get(type, values));
  }
  Value number(float value) { return nn::ConstantOp::create(b, loc, DenseElementsAttr::get(RankedTensorType::get({}, b.getF32Type()), value)); }
  Value zerosLike(Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    if (type.hasStaticShape())
      return nn::ConstantOp::create(b, loc, DenseElementsAttr::get(type, 0.0f));
    return makeAs<nn::MulOp>(b.getF32Type(), value, number(0));
  }
  Value squares(Value x) {
    return make<nn::ReduceSumSquareOp>(x, llvm::to_vector(llvm::seq<int64_t>(0, rankOf(x))), false);
  }

  /// What outputs are compared by.
  Value compared(Value y) {
    if (loss == OutputLoss::MSE)
      return y;
    Value half = make<nn::MulOp>(make<nn::LogSoftmaxOp>(y, rankOf(y) - 1), number(0.5f));
    return make<nn::MulOp>(make<nn::ExpOp>(half), number(2));
  }

  /// The function's results become the probed sum, and the dims and the square of each output.
  LogicalResult probeOutputs(Operation *exit) {
    SmallVector<Value> results{Value()}, old(exit->getOperands());
    for (Value y : old) {
      if (!isF32Tensor(y) || (loss == OutputLoss::KL && rankOf(y) == 0))
        continue;
      Value signs = addSigns(outputs++);
      Value flat = make<nn::ReshapeOp>(compared(y), ints(-1)), count = makeAs<nn::ShapeOp>(b.getI64Type(), flat, 0, 1);
      auto zero = DenseElementsAttr::get(RankedTensorType::get(1, b.getF32Type()), 0.0f);
      SmallVector<Value> parts{signs, makeAs<nn::ConstantOfShapeOp>(b.getF32Type(), count, zero)};
      Value padded = makeAs<nn::ConcatOp>(b.getF32Type(), parts, 0);
      Value cut = make<nn::SliceOp>(padded, ints(0), count, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{1});
      Value sum = make<nn::ReduceSumOp>(make<nn::MulOp>(flat, cut), ArrayRef<int64_t>{0}, false);
      results[0] = results[0] ? make<nn::AddOp>(results[0], sum) : sum;
      results.push_back(rankOf(y) == 0 ? ints({}) : makeAs<nn::ShapeOp>(b.getI64Type(), y, 0, rankOf(y)));
      results.push_back(squares(y));
    }
    if (!results[0])
      return main.emitError("has no f32 output that errors could be followed to");
    exit->setOperands(results);
    while (main.getNumResults() > 0)
      (void)main.eraseResult(main.getNumResults() - 1);
    for (auto [index, value] : llvm::enumerate(results))
      (void)main.insertResult(index, value.getType(), named("probe" + std::to_string(index)));
    return LogicalResult::success();
  }

  DictionaryAttr named(llvm::Twine name) { return b.getDictionaryAttr(b.getNamedAttr("nn.name", b.getStringAttr(name))); }

  Value addSigns(unsigned output) {
    unsigned index = main.getNumArguments();
    (void)main.insertArgument(index, RankedTensorType::get({ShapedType::kDynamic}, b.getF32Type()), named("signs" + llvm::Twine(output)), loc);
    return main.getArgument(index);
  }

  void observe(Value value, size_t site, size_t view) {
    qir::ObserveOp::create(b, loc, value, "", static_cast<int32_t>(site * (1 + formats.size()) + view));
  }

  /// Observes, for each format of activations, the square of what `effect` makes of the errors that rounding `x` to it leaves.
  void observeErrors(size_t site, Value x, llvm::function_ref<Value(Value)> effect) {
    for (auto [index, spec] : llvm::enumerate(formats))
      if (Value rounded = activationPair(b, x, spec, ranges[site]))
        observe(squares(effect(make<nn::SubOp>(rounded, x))), site, 1 + index);
  }

  func::FuncOp main;
  llvm::ArrayRef<OperandSpec> formats;
  OutputLoss loss;
  OpBuilder b;
  Location loc;
  std::vector<LinearLikeOpInterface> ops;
  std::vector<std::optional<std::pair<double, double>>> ranges;
};

} // namespace

const ProbedSite *OutputProbes::find(llvm::StringRef name) const {
  auto site = llvm::find_if(sites, [&](const ProbedSite &one) { return one.name == name; });
  return site == sites.end() ? nullptr : &*site;
}

ProbeProgram qopt::probeProgram(ModuleOp module, const llvm::StringSet<> &names, llvm::ArrayRef<OperandSpec> formats, OutputLoss loss,
                                bool backwards) {
  ProbeProgram program;
  program.module = module.clone();
  func::FuncOp main = mainOf(*program.module);
  if (!main || !main.getBody().hasOneBlock()) {
    module.emitError("has no function 'main' of one block, so nothing can be followed to its outputs");
    return {};
  }
  Probes probes(main, formats, loss);
  LogicalResult made = probes.find(names);
  if (succeeded(made) && backwards)
    made = probes.walkBack();
  else if (succeeded(made))
    probes.lookForward();
  if (failed(made))
    return {};
  program.sites = std::move(probes.sites);
  program.outputs = probes.outputs;
  return program;
}
