#include "qopt/Conversion/Common/LoweringTable.h"

#include "qopt/Conversion/Common/ElementTypes.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace qopt;

namespace {

class ModuleLowering {
public:
  ModuleLowering(ModuleOp module, const LoweringTable &table) : module(module), table(table) {}

  LogicalResult lowerFunction(FunctionOpInterface function) {
    SymbolicShapes shapes(function.getFunctionBody());
    symbols = &shapes;
    mapping.clear();
    Region graph; // The new body grows in the function, where it has a parent.
    graph.takeBody(function.getFunctionBody());
    if (failed(lowerRegion(graph, function.getFunctionBody(), function)))
      return failure();
    return lowerSignature(function);
  }

  LogicalResult lowerSignature(FunctionOpInterface function) {
    SmallVector<Type> inputs, results;
    if (failed(lowerTypes(function, function.getArgumentTypes(), inputs)) ||
        failed(lowerTypes(function, function.getResultTypes(), results)))
      return failure();
    function.setType(cast<FunctionType>(function.getFunctionType()).clone(inputs, results));
    return success();
  }

private:
  LogicalResult lowerTypes(Operation *op, TypeRange types, SmallVectorImpl<Type> &lowered) {
    for (Type type : types) {
      lowered.push_back(storageType(type));
      if (!lowered.back())
        return op->emitOpError("has a tensor of element type ")
               << cast<RankedTensorType>(type).getElementType() << ", which has no form in compiled code";
    }
    return success();
  }

  LogicalResult lowerRegion(Region &from, Region &to, Operation *parent) {
    for (Block &block : from) {
      auto *lowered = new Block();
      to.push_back(lowered);
      mapping.map(&block, lowered);
      for (BlockArgument argument : block.getArguments()) {
        SmallVector<Type> type;
        if (failed(lowerTypes(parent, argument.getType(), type)))
          return failure();
        mapping.map(argument, lowered->addArgument(type[0], argument.getLoc()));
      }
    }
    bool isGood = true;
    for (Block &block : from) {
      OpBuilder builder = OpBuilder::atBlockEnd(mapping.lookup(&block));
      for (Operation &op : block)
        isGood &= succeeded(lowerOp(op, builder));
    }
    return success(isGood);
  }

  LogicalResult lowerOp(Operation &op, OpBuilder &builder) {
    if (!llvm::all_of(op.getOperands(), [&](Value v) { return mapping.contains(v); }))
      return failure(); // Reported at the op that makes the operand.
    const auto *lower = table.find(&op);
    if (!lower)
      return lowerOther(op, builder);
    Emitter emitter(builder, &op, module, mapping, *symbols);
    Values results;
    if (llvm::all_of(op.getResultTypes(), [](Type type) { return static_cast<bool>(storageType(type)); }))
      results = (*lower)(&op, emitter);
    if (results.size() != op.getNumResults())
      return op.emitOpError("has no lowering to linalg for these types and attributes");
    for (auto [original, result] : llvm::zip(op.getResults(), results))
      mapping.map(original, emitter.castTo(emitter.stored(original), result));
    return success();
  }

  /// An op of another dialect: the same, with types in stored form.
  LogicalResult lowerOther(Operation &op, OpBuilder &builder) {
    StringRef dialect = op.getName().getDialectNamespace();
    if (dialect == "nn" || dialect == "onnxraw")
      return op.emitOpError("has no lowering to linalg");
    OperationState state(op.getLoc(), op.getName());
    for (Value operand : op.getOperands())
      state.operands.push_back(mapping.lookup(operand));
    if (failed(lowerTypes(&op, op.getResultTypes(), state.types)))
      return failure();
    state.attributes = llvm::to_vector(op.getDiscardableAttrs());
    state.propertiesAttr = op.getPropertiesAsAttribute();
    for (Block *successor : op.getSuccessors())
      state.successors.push_back(mapping.lookup(successor));
    for (unsigned i = 0; i < op.getNumRegions(); ++i)
      state.addRegion();
    Operation *lowered = builder.create(state);
    for (auto [from, to] : llvm::zip(op.getRegions(), lowered->getRegions()))
      if (failed(lowerRegion(from, to, lowered)))
        return failure();
    mapping.map(op.getResults(), lowered->getResults());
    return success();
  }

  ModuleOp module;
  const LoweringTable &table;
  IRMapping mapping;
  SymbolicShapes *symbols = nullptr;
};

} // namespace

LogicalResult qopt::lowerModule(ModuleOp module, const LoweringTable &table) {
  ModuleLowering lowering(module, table);
  SmallVector<FunctionOpInterface> functions(module.getOps<FunctionOpInterface>());
  for (FunctionOpInterface function : functions) {
    LogicalResult result =
        function.isExternal() ? lowering.lowerSignature(function) : lowering.lowerFunction(function);
    if (failed(result))
      return failure();
  }
  return success();
}
