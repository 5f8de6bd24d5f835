// What a block computes, as functions of their own.
#include "Losses.h"
#include "Programs.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Dialect/NN/Transforms/Gradient.h"
#include "qopt/Dialect/Qopt/Transforms/Reconstruction.h"

#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace qopt;

namespace {

/// Constants of so many elements become arguments, so that blocks which differ in weights alone are one program.
constexpr int64_t kArgumentElements = 2;

/// A function that grows by what outputs need, out of another one.
class Extract {
public:
  explicit Extract(func::FuncOp source) : source(source), b(source.getContext()) {
    module = ModuleOp::create(source.getLoc());
    b.setInsertionPointToEnd(module->getBody());
    func = func::FuncOp::create(b, source.getLoc(), "main", FunctionType::get(b.getContext(), source.getArgumentTypes(), {}));
    func.addEntryBlock();
    for (BlockArgument argument : source.getArguments()) {
      copies.map(argument, func.getArgument(argument.getArgNumber()));
      if (DictionaryAttr attrs = source.getArgAttrDict(argument.getArgNumber()))
        func.setArgAttrs(argument.getArgNumber(), attrs);
    }
    b.setInsertionPointToEnd(&func.front());
  }

  Value addArgument(Type type, const Twine &name) {
    unsigned index = func.getNumArguments();
    (void)func.insertArgument(index, type, b.getDictionaryAttr(b.getNamedAttr("nn.name", b.getStringAttr(name))), func.getLoc());
    return func.getArgument(index);
  }

  /// An argument in place of each of the values.
  void cut(ValueRange values, StringRef name) {
    for (auto [index, value] : llvm::enumerate(values))
      copies.map(value, addArgument(value.getType(), name + Twine(index)));
  }

  SmallVector<Value> copy(ArrayRef<Value> outputs) {
    llvm::for_each(outputs, [&](Value output) { need(output); });
    for (Operation &op : source.front())
      if (needed.contains(&op))
        copyOp(op);
    return llvm::map_to_vector(outputs, [&](Value output) { return copies.lookup(output); });
  }

  void returnAll(ArrayRef<Value> results, ArrayRef<std::string> names) {
    func::ReturnOp::create(b, func.getLoc(), results);
    func.setType(FunctionType::get(b.getContext(), func.getArgumentTypes(), ValueRange(results).getTypes()));
    for (auto [index, name] : llvm::enumerate(names))
      func.setResultAttr(static_cast<unsigned>(index), "nn.name", b.getStringAttr(name));
  }

  OpBuilder &builder() { return b; }
  func::FuncOp function() { return func; }
  BlockProgram finish() { return {std::move(module), std::move(constants)}; }

private:
  void need(Value value) {
    SmallVector<Value> open{value};
    while (!open.empty()) {
      Value next = open.pop_back_val();
      Operation *op = next.getDefiningOp();
      if (copies.contains(next) || !op || !needed.insert(op).second)
        continue;
      op->walk([&](Operation *inner) { llvm::append_range(open, inner->getOperands()); });
    }
  }

  void copyOp(Operation &op) {
    auto constant = dyn_cast<nn::ConstantOp>(op);
    auto type = constant ? cast<RankedTensorType>(constant.getType()) : RankedTensorType();
    if (!constant || !type.getElementType().isF32() || type.getNumElements() < kArgumentElements) {
      b.clone(op, copies);
      return;
    }
    copies.map(constant.getResult(), addArgument(type, "constant" + Twine(constants.size())));
    constants.push_back(constant.getValue());
  }

  func::FuncOp source, func;
  OwningOpRef<ModuleOp> module;
  OpBuilder b;
  IRMapping copies;
  llvm::DenseSet<Operation *> needed;
  std::vector<ElementsAttr> constants;
};

std::vector<std::string> namesOf(StringRef name, size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i)
    names.push_back((name + Twine(i)).str());
  return names;
}

} // namespace

BlockProgram qopt::exactProgram(ModuleOp reference, const ReconstructionBlock &block) {
  Extract extract(mainOf(reference));
  extract.cut(block.exactInputs, "input");
  SmallVector<Value> outputs = extract.copy(block.exactOutputs);
  extract.returnAll(outputs, namesOf("output", outputs.size()));
  return extract.finish();
}

FailureOr<BlockProgram> qopt::trainingProgram(ModuleOp quantized, const ReconstructionBlock &block) {
  Extract extract(mainOf(quantized));
  extract.cut(block.inputs, "input");
  SmallVector<Value> wanted, losses;
  for (auto [index, output] : llvm::enumerate(block.outputs))
    wanted.push_back(extract.addArgument(output.getType(), "wanted" + Twine(index)));
  unsigned first = extract.function().getNumArguments();
  SmallVector<Value> weights;
  for (const TrainableWeight &weight : block.weights)
    weights.push_back(weight.weight->getResult(0));
  extract.cut(weights, "weight");

  SmallVector<Value> results = extract.copy(llvm::to_vector(block.outputs));
  Losses build(extract.builder(), extract.function().getLoc());
  for (auto [one, other] : llvm::zip(wanted, results))
    losses.push_back(build.mseOfRows(one, other));
  std::vector<std::string> names = namesOf("output", results.size());
  names.insert(names.begin(), "loss");
  results.insert(results.begin(), build.sum(losses));
  extract.returnAll(results, names);
  auto arguments = llvm::to_vector(llvm::seq<unsigned>(first, first + static_cast<unsigned>(weights.size())));
  if (failed(appendGradients(extract.function(), arguments)))
    return failure();
  return extract.finish();
}
