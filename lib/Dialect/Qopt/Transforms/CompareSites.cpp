#include "qopt/Dialect/Qopt/Transforms/CompareSites.h"
#include "Programs.h"

#include "qopt/Analysis/Placement.h"
#include "qopt/Analysis/Sites.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"
#include "qopt/Interfaces/LinearLike.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace qopt;

namespace {

constexpr llvm::StringLiteral kNumber = "qopt.number";

/// -1 where the op came after numbering.
int64_t numberOf(Operation *op) {
  auto number = op->getAttrOfType<IntegerAttr>(kNumber);
  return number ? number.getInt() : -1;
}

/// Whether codes stand behind the value: it is dequantized, perhaps moved afterwards.
bool standsForCodes(Value value) {
  Operation *def = value.getDefiningOp();
  if (!def)
    return false;
  if (isa<qir::DequantizeOp>(def))
    return true;
  return placement(def).role == Role::Transparent && llvm::any_of(def->getOperands(), standsForCodes);
}

class Comparison {
public:
  Comparison(func::FuncOp reference, func::FuncOp quantized, std::vector<ComparedSite> &sites)
      : reference(reference), quantized(quantized), sites(sites), builder(reference.getContext()) {
    for (Operation &op : reference.getBody().front())
      if (int64_t number = numberOf(&op); number >= 0)
        referenceOps[number] = &op;
    for (Operation &op : quantized.getBody().front())
      if (int64_t number = numberOf(&op); number >= 0)
        quantizedOps.try_emplace(number, &op);
    copies.map(quantized.getArguments(), reference.getArguments());
    next = quantized.getBody().front().begin();
  }

  void run() {
    SmallVector<Operation *> ops;
    for (Operation &op : reference.getBody().front())
      ops.push_back(&op);
    for (Operation *op : ops)
      if (Operation *twin = quantizedOps.lookup(numberOf(op)))
        compare(op, twin);
    compareOutputs(ops.back());
  }

private:
  /// The quantized program is copied op by op behind the float op that it answers to, so that only few tensors wait to be compared.
  void compare(Operation *op, Operation *twin) {
    builder.setInsertionPointAfter(op);
    auto linear = dyn_cast<LinearLikeOpInterface>(twin);
    bool compared = linear && isF32Tensor(op->getResult(0)) && isF32Tensor(twin->getResult(0)) && isQuantized(linear);
    if (compared) {
      observe(op->getResult(0), ComparedSite::Reference);
      IRMapping ofFloat;
      Value local = onFloatInputs(twin->getResult(0), ofFloat, /*isSite=*/true);
      if (local)
        observe(local, ComparedSite::Local);
      sites.push_back({nameOf(op), op->getName().getStringRef().str(), bool(local),
                       standsForCodes(linear.getActivationOperand().get())});
    }
    copyUpTo(twin);
    if (compared)
      observe(copies.lookup(twin->getResult(0)), ComparedSite::Accumulated, /*last=*/true);
  }

  static bool isQuantized(LinearLikeOpInterface op) {
    return standsForCodes(op.getActivationOperand().get()) || standsForCodes(op.getWeightOperand().get());
  }

  /// A value of the quantized program, computed from the float program's tensors: what lies between is rounding, which has no number.
  /// Null where the float program lacks a tensor.
  Value onFloatInputs(Value value, IRMapping &map, bool isSite = false) {
    if (Value known = map.lookupOrNull(value))
      return known;
    Operation *def = value.getDefiningOp();
    if (!def)
      return reference.getArgument(cast<BlockArgument>(value).getArgNumber());
    if (int64_t number = numberOf(def); number >= 0 && !isSite && !standsForCodes(value)) {
      Operation *twin = referenceOps.lookup(number);
      Value same = twin ? twin->getResult(cast<OpResult>(value).getResultNumber()) : Value();
      return same && same.getType() == value.getType() ? same : Value();
    }
    if (def->getNumRegions())
      return {};
    for (Value operand : def->getOperands()) {
      Value mapped = onFloatInputs(operand, map);
      if (!mapped)
        return {};
      map.map(operand, mapped);
    }
    builder.clone(*def, map);
    return map.lookup(value);
  }

  void copyUpTo(Operation *last) {
    if (last->getNumResults() && copies.contains(last->getResult(0)))
      return;
    while (&*next != last)
      builder.clone(*next++, copies);
    builder.clone(*next++, copies);
  }

  void observe(Value value, ComparedSite::View view, bool last = false) {
    int64_t position = static_cast<int64_t>(sites.size()) - (last ? 1 : 0);
    qir::ObserveOp::create(builder, value.getLoc(), value, "", static_cast<int32_t>(view + ComparedSite::Views * position));
  }

  void compareOutputs(Operation *terminator) {
    builder.setInsertionPoint(terminator);
    Operation *quantizedReturn = quantized.getBody().front().getTerminator();
    while (&*next != quantizedReturn)
      builder.clone(*next++, copies);
    for (auto [index, one, other] : llvm::enumerate(terminator->getOperands(), quantizedReturn->getOperands())) {
      if (!isF32Tensor(one) || !isF32Tensor(other))
        continue;
      observe(one, ComparedSite::Reference);
      observe(copies.lookup(other), ComparedSite::Accumulated);
      auto name = reference.getResultAttrOfType<StringAttr>(index, "nn.name");
      sites.push_back({name ? name.str() : "result" + std::to_string(index), "", false, false});
    }
  }

  func::FuncOp reference, quantized;
  std::vector<ComparedSite> &sites;
  OpBuilder builder;
  DenseMap<int64_t, Operation *> referenceOps, quantizedOps;
  IRMapping copies;           ///< the quantized program's values → theirs in the result
  Block::iterator next;       ///< the first op of the quantized program that is not copied yet
};

} // namespace

void qopt::numberOps(ModuleOp module) {
  func::FuncOp main = mainOf(module);
  if (!main)
    return;
  Builder b(module.getContext());
  int64_t number = 0;
  for (Operation &op : main.getBody().front())
    if (!op.hasTrait<OpTrait::ConstantLike>() && !op.hasTrait<OpTrait::IsTerminator>())
      op.setAttr(kNumber, b.getI64IntegerAttr(number++));
}

void qopt::dropNumbers(ModuleOp module) {
  module.walk([](Operation *op) { op->removeAttr(kNumber); });
}

OwningOpRef<ModuleOp> qopt::compareSites(ModuleOp reference, ModuleOp quantized, std::vector<ComparedSite> &sites) {
  func::FuncOp other = mainOf(quantized);
  OwningOpRef<ModuleOp> result = reference.clone();
  func::FuncOp main = mainOf(*result);
  if (!main || !other)
    return {};
  Comparison(main, other, sites).run();
  dropNumbers(*result);
  return result;
}
