// Places quantize/dequantize pairs. First every linear op is judged; then values are chosen; then the pairs are put in.
#include "Activations.h"
#include "Programs.h"
#include "BiasCorrection.h"
#include "EncodeWeights.h"
#include "QuantizeWeights.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Analysis/Decisions.h"
#include "qopt/Analysis/Placement.h"
#include "qopt/Analysis/Sites.h"
#include "qopt/Dialect/Qopt/Transforms/Operands.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Interfaces/LinearLike.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"

namespace qopt {
#define GEN_PASS_DEF_INSERTQDQPASS
#include "qopt/Dialect/Qopt/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;

namespace {

struct Settings {
  std::optional<OperandSpec> activations;
  OperandSpec weights;
  ScaleRule rule;
  bool computedProducts;
  bool isStatic() const { return activations && !activations->dynamic; }
  bool isDynamic() const { return activations && activations->dynamic; }
  llvm::StringSet<> ignore, targets, biasCorrection;
};

/// The module attribute `qopt.ranges`.
class Ranges {
public:
  explicit Ranges(ModuleOp module) : dict(module->getAttrOfType<DictionaryAttr>("qopt.ranges")) {}
  std::optional<std::pair<double, double>> of(llvm::StringRef site) const {
    auto range = dict ? dict.getAs<DenseF64ArrayAttr>(site) : DenseF64ArrayAttr();
    if (!range || range.size() != 2)
      return std::nullopt;
    return std::pair(range[0], range[1]);
  }

private:
  DictionaryAttr dict;
};

int64_t typeRank(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }

/// One function's placement.
class Placer {
public:
  Placer(func::FuncOp func, const Settings &settings, const Ranges &ranges, DecisionLog &log)
      : func(func), settings(settings), ranges(ranges), log(log), sites(func) {}

  void run() {
    func.walk([&](LinearLikeOpInterface op) {
      if (settings.targets.empty() || settings.targets.contains(nameOf(op)))
        judge(op);
    });
    if (settings.isStatic() && traits(settings.activations->format).isInteger())
      growIntegerRegion();
    for (LinearLikeOpInterface op : linears)
      quantizeWeightOf(op);
    if (settings.activations)
      for (auto &[value, uses] : chosen)
        insertPair(value, uses.getArrayRef());
  }

private:
  /// By number: an op whose bias is corrected may get one more operand, and its operands then move in memory.
  using Use = std::pair<Operation *, unsigned>;
  static Use useOf(OpOperand &operand) { return {operand.getOwner(), operand.getOperandNumber()}; }

  // ---- which linear ops
  void judge(LinearLikeOpInterface op) {
    std::string code, reason;
    if (!refuse(op, code, reason)) {
      linears.push_back(op);
      OpOperand &activation = op.getActivationOperand();
      chosen[activation.get()].insert(useOf(activation));
      if (!hasWeight(op)) {
        OpOperand &weight = op.getWeightOperand();
        chosen[weight.get()].insert(useOf(weight));
      }
      return;
    }
    if (quantizedWeight(op)) // By an earlier pass: it stays so, under float activations.
      log.add(op, Outcome::Quantized, code, "its weight alone: " + reason);
    else
      log.add(op, code == "QUANT-NO-RANGE" ? Outcome::FellBack : Outcome::Kept, code, reason);
  }

  static bool hasWeight(LinearLikeOpInterface op) { return constantWeight(op) || quantizedWeight(op); }

  bool refuse(LinearLikeOpInterface op, std::string &code, std::string &reason) {
    auto because = [&](llvm::StringRef c, const llvm::Twine &r) {
      code = c.str(), reason = r.str();
      return true;
    };
    std::string name = nameOf(op);
    if (settings.ignore.contains(name))
      return because("QUANT-IGNORED", "the request names it to stay in float");
    Value activation = op.getActivationOperand().get(), weight = op.getWeightOperand().get();
    if (!isF32Tensor(activation) || !isF32Tensor(weight))
      return because("QUANT-TYPE", "it does not compute in float32");
    if (!hasWeight(op)) {
      if (!settings.isStatic() || !settings.computedProducts)
        return because("QUANT-COMPUTED", "both factors are computed: it has no weight to quantize");
    } else if (op.getWeightOutputAxis() < 0)
      return because("QUANT-RANK", "its weight is a vector");
    if (settings.isDynamic() && settings.activations->granularity != Granularity::Tensor && op.getActivationChannelAxis() != typeRank(activation) - 1)
      return because("QUANT-TOKEN", "a scale per " + granularityName(settings.activations->granularity) + " needs the input channels in the last dim");
    if (!settings.isStatic())
      return false;
    for (Value value : {activation, weight})
      if (!constantOf(value) && !(value == weight && quantizedWeight(op)) && !ranges.of(sites.name(value)))
        return because("QUANT-NO-RANGE", "no calibration sample reached the tensor '" + sites.name(value).str() + "'");
    return false;
  }

  // ---- which values
  /// Integer elementwise ops read codes too: those whose result is quantized, as far as their operands are.
  void growIntegerRegion() {
    SmallVector<Value> work;
    for (auto &[value, uses] : chosen)
      work.push_back(value);
    while (!work.empty()) {
      Value value = work.pop_back_val();
      Operation *producer = value.getDefiningOp();
      if (!producer || producer->getNumResults() != 1)
        continue;
      Role role = placement(producer).role;
      if (role == Role::Transparent)
        hoistThrough(producer, value, work);
      else if (role == Role::Elementwise)
        for (OpOperand &operand : producer->getOpOperands())
          if (auto found = chosen.find(operand.get()); found != chosen.end())
            found->second.insert(useOf(operand));
    }
    // A second look: values that were chosen after their elementwise user was visited.
    for (auto &[value, uses] : chosen)
      for (OpOperand &use : value.getUses())
        if (use.getOwner()->getNumResults() == 1 && placement(use.getOwner()).role == Role::Elementwise &&
            chosen.count(use.getOwner()->getResult(0)))
          uses.insert(useOf(use));
  }

  /// Quantizes before an op that only moves elements, where nothing else needs the float result.
  void hoistThrough(Operation *mover, Value result, SmallVectorImpl<Value> &work) {
    auto &uses = chosen[result];
    if (!llvm::all_of(result.getUses(), [&](OpOperand &use) { return uses.contains(useOf(use)); }))
      return;
    Value source = mover->getOperand(0);
    bool concat = isa<nn::ConcatOp>(mover);
    SmallVector<OpOperand *> moved;
    for (OpOperand &operand : mover->getOpOperands().take_front(concat ? mover->getNumOperands() : 1)) {
      if (!isF32Tensor(operand.get()) || constantOf(operand.get()))
        return;
      moved.push_back(&operand);
    }
    if (!concat && !source.hasOneUse() && !chosen.count(source))
      return;
    for (OpOperand *operand : moved) {
      chosen[operand->get()].insert(useOf(*operand));
      if (!rangeSource.count(operand->get()))
        rangeSource[operand->get()] = rangeOwner(result);
      work.push_back(operand->get());
    }
  }

  Value rangeOwner(Value value) const {
    auto found = rangeSource.find(value);
    return found == rangeSource.end() ? value : found->second;
  }

  // ---- putting pairs in
  void insertPair(Value value, ArrayRef<Use> uses) {
    OpBuilder b(func.getContext());
    b.setInsertionPointAfterValue(value);
    auto range = ranges.of(sites.name(rangeOwner(value)));
    Value pair = activationPair(b, value, *settings.activations, range ? range : ranges.of(sites.name(value)));
    if (!pair)
      return;
    for (auto [user, operand] : uses)
      user->setOperand(operand, pair);
  }

  void quantizeWeightOf(LinearLikeOpInterface op) {
    if (quantizedWeight(op))
      return log.add(op, Outcome::Quantized, "QUANT-LINEAR", placement(op).reason);
    ElementsAttr weight = constantWeight(op);
    if (!weight)
      return log.add(op, Outcome::Quantized, "QUANT-COMPUTED", "both factors are quantized activations");
    if (!traits(settings.weights.format).isInteger())
      return encodeWeightOf(op);
    std::string why;
    auto rows = WeightRows::of(op, why);
    WeightCodes &codes = weights[{weight, op.getWeightOutputAxis()}];
    if (rows && !codes.codes && codes.error.empty())
      codes = quantizeWeight(*rows, settings.weights, settings.rule);
    if (!rows || !codes.error.empty())
      return leaveInFloat(op, rows ? codes.error : why);
    correctBias(op, *rows, codes);
    installWeight(op, codes);
    log.add(op, Outcome::Quantized, "QUANT-LINEAR", placement(op).reason);
  }

  void encodeWeightOf(LinearLikeOpInterface op) {
    std::string why;
    auto rows = WeightRows::of(op, why);
    EncodedWeight &encoded = encodings[{constantWeight(op), op.getWeightOutputAxis()}];
    if (rows && !encoded.codes && encoded.error.empty())
      encoded = WeightEncoder(*rows, settings.weights).nearest();
    if (!rows || !encoded.error.empty())
      return leaveInFloat(op, rows ? encoded.error : why);
    if (settings.biasCorrection.contains(nameOf(op)))
      op.emitRemark() << "bias not corrected: its weight is in a floating-point format [BIAS-FORM]";
    installEncoded(op, encoded);
    log.add(op, Outcome::Quantized, "QUANT-LINEAR", placement(op).reason);
  }

  void leaveInFloat(LinearLikeOpInterface op, llvm::StringRef why) {
    OpOperand &activation = op.getActivationOperand();
    chosen[activation.get()].remove(useOf(activation));
    log.add(op, Outcome::FellBack, "QUANT-WEIGHT", why);
  }

  void correctBias(LinearLikeOpInterface op, const WeightRows &weight, const WeightCodes &codes) {
    if (settings.biasCorrection.contains(nameOf(op)))
      correctBiasOf(op, weight, decodeRows(weight, codes), sites);
  }

  func::FuncOp func;
  const Settings &settings;
  const Ranges &ranges;
  DecisionLog &log;
  Sites sites;
  SmallVector<LinearLikeOpInterface> linears;
  llvm::MapVector<Value, llvm::SmallSetVector<Use, 4>> chosen; ///< value → the uses that read codes
  llvm::DenseMap<Value, Value> rangeSource;                            ///< whose range a hoisted pair takes
  llvm::DenseMap<std::pair<Attribute, int64_t>, WeightCodes> weights;
  llvm::DenseMap<std::pair<Attribute, int64_t>, EncodedWeight> encodings; ///< in float and table formats
};

struct InsertQDQ : qopt::impl::InsertQDQPassBase<InsertQDQ> {
  using InsertQDQPassBase::InsertQDQPassBase;

  void runOnOperation() override {
    Settings settings;
    if (failed(readSettings(settings)))
      return signalPassFailure();
    DecisionLog log(getOperation());
    Ranges ranges(getOperation());
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (!func.isExternal())
        Placer(func, settings, ranges, log).run();
  }

  LogicalResult readSpec(llvm::StringRef option, llvm::StringRef text, OperandSpec &spec, std::string (*whyNot)(const OperandSpec &)) {
    auto read = parseOperandSpec(text);
    if (!read)
      return getOperation().emitError("qopt-insert-qdq: ") << option << ": " << llvm::toString(read.takeError());
    spec = *read;
    if (std::string why = whyNot(spec); !why.empty())
      return getOperation().emitError("qopt-insert-qdq: ") << option << ": " << text << ": " << why;
    return LogicalResult::success();
  }

  LogicalResult readSettings(Settings &settings) {
    auto refuse = [&](llvm::StringRef option, llvm::StringRef value, llvm::StringRef choices) -> LogicalResult {
      return getOperation().emitError("qopt-insert-qdq: ") << option << " is '" << value << "'; it must be " << choices;
    };
    if (activations != "none") {
      // What the two most common ones were called before there were others.
      llvm::StringRef text = activations == "static"    ? llvm::StringRef("uint8:tensor:asymmetric")
                             : activations == "dynamic" ? llvm::StringRef("int8:token:dynamic")
                                                        : llvm::StringRef(activations);
      OperandSpec &spec = settings.activations.emplace();
      if (failed(readSpec("activations", text, spec, whyNotActivations)))
        return failure();
    }
    if (weightClip != "max" && weightClip != "mse")
      return refuse("weight-clip", weightClip, "max or mse");
    settings.rule = weightClip == "mse" ? ScaleRule::MSE : ScaleRule::Max;
    if (failed(readSpec("weights", weights, settings.weights, whyNotWeights)))
      return failure();
    settings.computedProducts = computedProducts;
    for (const std::string &name : ignore)
      settings.ignore.insert(name);
    for (const std::string &name : targets)
      settings.targets.insert(name);
    for (const std::string &name : biasCorrection)
      settings.biasCorrection.insert(name);
    return LogicalResult::success();
  }
};

} // namespace
