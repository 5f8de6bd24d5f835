#include "qopt/Analysis/Sites.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Location.h"

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

Sites::Sites(FunctionOpInterface func) {
  for (BlockArgument arg : func.getArguments()) {
    auto name = func.getArgAttrOfType<StringAttr>(arg.getArgNumber(), "nn.name");
    add(arg, name ? name.str() : "arg" + std::to_string(arg.getArgNumber()));
  }
  for (Operation &op : func.getFunctionBody().front()) {
    if (op.hasTrait<OpTrait::ConstantLike>())
      continue;
    for (OpResult result : op.getResults())
      add(result, locationName(op.getLoc(), op.getName().getStringRef()));
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
