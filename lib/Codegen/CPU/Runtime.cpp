#include "qopt/Codegen/CPU/Runtime.h"

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

namespace qopt::cpu {

Value contextOf(Operation *op) {
  auto function = op->getParentOfType<FunctionOpInterface>();
  return function.getArgument(0);
}

static ModuleOp moduleOf(OpBuilder &builder) {
  return builder.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
}

LLVM::CallOp callRuntime(OpBuilder &builder, Location loc, StringRef name, Type result, ValueRange arguments) {
  ModuleOp module = moduleOf(builder);
  auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
  if (!function) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    Type returned = result ? result : LLVM::LLVMVoidType::get(builder.getContext());
    SmallVector<Type> types(arguments.getTypes());
    function = LLVM::LLVMFuncOp::create(builder, loc, name, LLVM::LLVMFunctionType::get(returned, types));
  }
  return LLVM::CallOp::create(builder, loc, function, arguments);
}

Value stringConstant(OpBuilder &builder, Location loc, StringRef text) {
  ModuleOp module = moduleOf(builder);
  std::string name = "qopt_text_" + llvm::utohexstr(llvm::xxh3_64bits(text));
  std::string bytes = (text + Twine('\0')).str();
  auto global = module.lookupSymbol<LLVM::GlobalOp>(name);
  if (!global) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size());
    global = LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true, LLVM::Linkage::Private, name,
                                    builder.getStringAttr(bytes));
  }
  return LLVM::AddressOfOp::create(builder, loc, global);
}

Value constantI64(OpBuilder &builder, Location loc, int64_t value) {
  return LLVM::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(value));
}

Value constantI32(OpBuilder &builder, Location loc, int32_t value) {
  return LLVM::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(value));
}

} // namespace qopt::cpu
