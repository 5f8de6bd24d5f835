#include "qopt/Analysis/Sites.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Location.h"

#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace qopt;

namespace {

bool isFloatTensor(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && isa<FloatType>(type.getElementType()) && type.getElementType().getIntOrFloatBitWidth() >= 16;
}

} // namespace

std::string qopt::locationName(Location loc, llvm::StringRef otherwise) {
  if (auto named = dyn_cast<NameLoc>(loc))
    return named.getName().str();
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (std::string name = locationName(part, ""); !name.empty())
        return name;
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return locationName(call.getCallee(), otherwise);
  return otherwise.str();
}

std::string qopt::nameOf(Operation *op) { return locationName(op->getLoc(), op->getName().getStringRef()); }

Sites::Sites(FunctionOpInterface func) {
  for (BlockArgument arg : func.getArguments()) {
    auto name = func.getArgAttrOfType<StringAttr>(arg.getArgNumber(), "nn.name");
    add(arg, name ? name.str() : "arg" + std::to_string(arg.getArgNumber()));
  }
  // What constants alone determine is no site: a quantized weight's dequantize has its linear op's location, and would take its name.
  llvm::SmallPtrSet<Operation *, 16> constant;
  auto isConstant = [&](Value value) { return constant.contains(value.getDefiningOp()); };
  for (Operation &op : func.getFunctionBody().front()) {
    if (op.hasTrait<OpTrait::ConstantLike>() || (op.getNumOperands() > 0 && llvm::all_of(op.getOperands(), isConstant))) {
      constant.insert(&op);
      continue;
    }
    for (OpResult result : op.getResults())
      add(result, nameOf(&op));
  }
}

void Sites::add(Value value, std::string name) {
  if (!isFloatTensor(value))
    return;
  if (int count = ++uses[name]; count > 1)
    name += "#" + std::to_string(count);
  order.push_back(value);
  names[value] = std::move(name);
}

llvm::StringRef Sites::name(Value value) const {
  auto found = names.find(value);
  return found == names.end() ? llvm::StringRef() : llvm::StringRef(found->second);
}
