// The pass: node by node, in order.
#include "qopt/Conversion/ONNXRawToNN/ONNXRawToNN.h"

#include "Node.h"

#include "qopt/Dialect/Qopt/IR/Qopt.h"
#include "qopt/Support/UnsupportedOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace qopt {
#define GEN_PASS_DEF_CONVERTONNXRAWTONN
#include "qopt/Conversion/ONNXRawToNN/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;

namespace {
const Handlers &handlers() {
  static const Handlers all = [] {
    Handlers table;
    addElementwise(table);
    addLinear(table);
    addNorm(table);
    addReduce(table);
    addPool(table);
    addShape(table);
    addResize(table);
    addIndex(table);
    addQuant(table);
    addQLinear(table);
    addContrib(table);
    addContribAttention(table);
    return table;
  }();
  return all;
}

/// Ops that the walk below handles itself.
bool isControl(StringRef domain, StringRef opType) { return domain.empty() && opType == "If"; }

class Converter {
public:
  Converter(ModuleOp module) : module(module), builder(module.getContext()) {}

  LogicalResult run() {
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isExternal() && failed(convert(function)))
        return failure();
    return success();
  }

private:
  ModuleOp module;
  OpBuilder builder;
  /// nn values by onnxraw ones; null for what an unsupported node would have made.
  llvm::DenseMap<Value, Value> values;
  UnsupportedOps unsupported;
  bool hasFailed = false;

  LogicalResult convert(func::FuncOp function) {
    if (!llvm::hasSingleElement(function.getBody()))
      return function.emitError("has control flow; only a single block converts");
    Block &block = function.getBody().front();
    for (BlockArgument argument : block.getArguments()) {
      if (!isa<RankedTensorType>(argument.getType())) {
        auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "nn.name");
        return emitError(function.getLoc()) << modelPath(function.getLoc()) << ": input '" << (name ? name.getValue() : "?")
                                            << "' is no tensor of a known rank; give it a shape";
      }
      values[argument] = argument;
    }
    if (failed(convert(block)) || failed(reportUnsupported(function)))
      return failure();
    auto exit = cast<func::ReturnOp>(block.getTerminator());
    for (OpOperand &operand : exit->getOpOperands()) {
      Value value = lookup(operand.get());
      if (!value)
        return emitError(function.getLoc()) << modelPath(function.getLoc()) << ": an output is no tensor";
      operand.set(value);
    }
    function.setType(FunctionType::get(function.getContext(), function.getArgumentTypes(), exit.getOperandTypes()));
    eraseRaw(block);
    return success();
  }

  Value lookup(Value raw) {
    auto found = values.find(raw);
    return found == values.end() ? raw : found->second;
  }

  LogicalResult convert(Block &block) {
    for (Operation &op : llvm::make_early_inc_range(block)) {
      builder.setInsertionPoint(&op);
      if (auto none = dyn_cast<onnxraw::NoneOp>(op))
        values[none] = Value();
      else if (auto initializer = dyn_cast<onnxraw::InitializerOp>(op))
        values[initializer] = nn::ConstantOp::create(builder, op.getLoc(), initializer.getValue());
      else if (auto node = dyn_cast<onnxraw::NodeOp>(op))
        convert(node);
    }
    return failure(hasFailed);
  }

  void noteUnsupported(onnxraw::NodeOp node, StringRef why = "") {
    unsupported.add(node.getDomain(), node.getOpType(), siteName(node.getLoc()), why);
    node->walk([&](onnxraw::NodeOp inner) { // Nobody will come to its bodies.
      if (inner != node && !isConvertibleOnnxOp(inner.getDomain(), inner.getOpType()))
        unsupported.add(inner.getDomain(), inner.getOpType(), siteName(inner.getLoc()));
    });
    for (Value result : node.getResults())
      poison(result);
  }

  /// Marks a value that stands in for nothing, so that its users are skipped, not reported.
  llvm::DenseSet<Value> poisoned;
  void poison(Value value) {
    values[value] = Value();
    poisoned.insert(value);
  }

  void convert(onnxraw::NodeOp node) {
    bool known = isConvertibleOnnxOp(node.getDomain(), node.getOpType());
    if (known && isControl(node.getDomain(), node.getOpType()))
      return convertIf(node);
    if (!known)
      return noteUnsupported(node);
    SmallVector<Value> inputs;
    bool reachable = true;
    for (Value input : node.getInputs()) {
      reachable &= !poisoned.contains(input);
      inputs.push_back(lookup(input));
    }
    if (!reachable || hasFailed) {
      for (Value result : node.getResults())
        poison(result);
      return;
    }
    for (auto [i, input] : llvm::enumerate(inputs))
      if (input && !isa<RankedTensorType>(input.getType())) {
        emitError(node.getLoc()) << modelPath(node.getLoc()) << ": node '" << siteName(node.getLoc()) << "' (" << node.getOpType()
                                 << ") has an operand " << i << " that is no tensor of a known rank";
        hasFailed = true;
        return;
      }
    Node view(builder, node, inputs);
    LogicalResult outcome = handlers().find((node.getDomain() + "/" + node.getOpType()).str())->second(view);
    if (view.isUnsupported())
      return noteUnsupported(node, view.whyUnsupported());
    if (failed(outcome)) {
      hasFailed = true;
      return;
    }
    for (auto [raw, value] : llvm::zip_equal(node.getResults(), view.outputs()))
      if (value)
        values[raw] = value;
      else if (!raw.use_empty())
        return noteUnsupported(node, "its output " + std::to_string(raw.getResultNumber()) + " is used");
      else
        values[raw] = Value();
  }

  /// A condition that folded chooses the branch; its nodes move out.
  void convertIf(onnxraw::NodeOp node) {
    auto condition = node.getInputs().empty() ? std::nullopt : nn::constantScalar(lookup(node.getInputs()[0]));
    auto names = node.getRegionNames();
    if (!condition || !names)
      return noteUnsupported(node, "its condition is not constant");
    StringRef wanted = *condition != 0 ? "then_branch" : "else_branch";
    for (auto [name, region] : llvm::zip(*names, node.getBodies())) {
      if (cast<StringAttr>(name).getValue() != wanted || region.empty())
        continue;
      Block &branch = region.front();
      if (failed(convert(branch)))
        return;
      auto yield = cast<onnxraw::YieldOp>(branch.getTerminator());
      if (yield.getNumOperands() != node.getNumResults())
        break;
      SmallVector<Value> results;
      for (auto [raw, result] : llvm::zip_equal(yield.getOperands(), node.getResults())) {
        if (poisoned.contains(raw))
          poison(result);
        else
          values[result] = lookup(raw);
      }
      for (Operation &inner : llvm::make_early_inc_range(branch))
        if (!isa<onnxraw::NodeOp, onnxraw::NoneOp, onnxraw::InitializerOp, onnxraw::YieldOp>(inner))
          inner.moveBefore(node);
      return;
    }
    noteUnsupported(node, "its branches do not fit");
  }

  LogicalResult reportUnsupported(func::FuncOp function) {
    if (unsupported.empty())
      return success();
    return emitError(function.getLoc()) << modelPath(function.getLoc()) << ": " << unsupported.sentence();
  }

  static void eraseRaw(Block &block) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block))) {
      if (isa<onnxraw::NodeOp, onnxraw::NoneOp, onnxraw::InitializerOp>(op)) {
        op.dropAllUses();
        op.erase();
      } else if (op.use_empty() && !op.hasTrait<OpTrait::IsTerminator>() && isMemoryEffectFree(&op)) {
        op.erase();
      }
    }
  }
};

struct ConvertONNXRawToNN : qopt::impl::ConvertONNXRawToNNBase<ConvertONNXRawToNN> {
  void runOnOperation() override {
    if (failed(Converter(getOperation()).run()))
      signalPassFailure();
  }
};
} // namespace

bool qopt::isConvertibleOnnxOp(StringRef domain, StringRef opType) {
  return isControl(domain, opType) || handlers().contains((domain + "/" + opType).str());
}
