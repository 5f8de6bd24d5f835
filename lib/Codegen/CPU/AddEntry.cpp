#include "qopt/Codegen/CPU/Passes.h"
#include "qopt/Codegen/CPU/Runtime.h"
#include "qopt/Codegen/Common/Signature.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace qopt {
#define GEN_PASS_DEF_ADDENTRYPASS
#include "qopt/Codegen/CPU/Passes.h.inc"

namespace {

using namespace cpu;

struct AddEntryPass : impl::AddEntryPassBase<AddEntryPass> {
  void runOnOperation() override;
  void threadContext(ModuleOp module);
  void profile(func::CallOp call, int32_t site);
  void notePointers(func::FuncOp function);
  void buildEntry(func::FuncOp main, ArrayRef<ValueSpec> outputs);
};

/// Reads and writes the fields of one qopt_tensor of an array.
struct TensorField {
  OpBuilder &builder;
  Location loc;
  Value array;
  int64_t index;

  Value at(int64_t offset) const {
    auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
    return LLVM::GEPOp::create(builder, loc, pointer, builder.getI8Type(), array,
                               ArrayRef<LLVM::GEPArg>{int32_t(index * tensorBytes + offset)});
  }
  Value load(int64_t offset, Type type) const { return LLVM::LoadOp::create(builder, loc, type, at(offset)); }
  void store(int64_t offset, Value value) const { LLVM::StoreOp::create(builder, loc, value, at(offset)); }
};

/// A buffer of `type` over the memory that a qopt_tensor describes. Its dims were checked by the caller of the entry.
Value bufferOf(const TensorField &tensor, MemRefType type, const LLVMTypeConverter &converter) {
  OpBuilder &builder = tensor.builder;
  Location loc = tensor.loc;
  auto descriptor = MemRefDescriptor::poison(builder, loc, converter.convertType(type));
  Value data = tensor.load(0, LLVM::LLVMPointerType::get(builder.getContext()));
  descriptor.setAllocatedPtr(builder, loc, data);
  descriptor.setAlignedPtr(builder, loc, data);
  descriptor.setConstantOffset(builder, loc, 0);
  Value stride = constantI64(builder, loc, 1);
  for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
    Value size = type.isDynamicDim(dim) ? tensor.load(tensorShapeOffset + 8 * dim, builder.getI64Type())
                                        : constantI64(builder, loc, type.getDimSize(dim));
    descriptor.setSize(builder, loc, dim, size);
    descriptor.setStride(builder, loc, dim, stride);
    if (dim > 0)
      stride = LLVM::MulOp::create(builder, loc, stride, size);
  }
  return UnrealizedConversionCastOp::create(builder, loc, type, ValueRange(Value(descriptor))).getResult(0);
}

void storeOutput(const TensorField &tensor, Value buffer, DType dtype, const LLVMTypeConverter &converter) {
  OpBuilder &builder = tensor.builder;
  Location loc = tensor.loc;
  auto type = cast<MemRefType>(buffer.getType());
  Type structType = converter.convertType(type);
  MemRefDescriptor descriptor(UnrealizedConversionCastOp::create(builder, loc, structType, buffer).getResult(0));
  tensor.store(0, descriptor.alignedPtr(builder, loc));
  tensor.store(tensorDTypeOffset, constantI32(builder, loc, static_cast<int32_t>(dtype)));
  tensor.store(tensorRankOffset, constantI32(builder, loc, type.getRank()));
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    tensor.store(tensorShapeOffset + 8 * dim, descriptor.size(builder, loc, dim));
}

void AddEntryPass::threadContext(ModuleOp module) {
  auto pointer = LLVM::LLVMPointerType::get(&getContext());
  DenseSet<StringAttr> takesContext;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isExternal() && !function->hasAttr(needsContextAttrName))
      continue;
    (void)function.insertArgument(0, pointer, {}, function.getLoc());
    takesContext.insert(function.getSymNameAttr());
    notePointers(function);
  }
  module.walk([&](func::CallOp call) {
    if (takesContext.contains(call.getCalleeAttr().getAttr()))
      call->insertOperands(0, contextOf(call));
    if (auto site = call->getAttrOfType<IntegerAttr>(siteAttrName))
      profile(call, int32_t(site.getInt()));
  });
}

/// Brackets the call by the runtime's profile.
void AddEntryPass::profile(func::CallOp call, int32_t site) {
  OpBuilder builder(call);
  Location loc = call.getLoc();
  SmallVector<Value> arguments = {contextOf(call), constantI32(builder, loc, site)};
  callRuntime(builder, loc, "qopt_rt_profile_begin", Type(), arguments);
  builder.setInsertionPointAfter(call);
  callRuntime(builder, loc, "qopt_rt_profile_end", Type(), arguments);
  call->removeAttr(siteAttrName);
}

/// Where the arguments of a kernel that overlap with no other will stand once buffers are descriptors: conversion drops
/// attributes of arguments, but keeps those of functions.
void AddEntryPass::notePointers(func::FuncOp function) {
  SmallVector<int32_t> positions;
  int32_t position = 0;
  for (unsigned index = 0; index < function.getNumArguments(); ++index) {
    auto buffer = dyn_cast<MemRefType>(function.getArgumentTypes()[index]);
    if (buffer && function.getArgAttr(index, noaliasAttrName))
      positions.push_back(position + 1); // allocated, aligned, offset, sizes, strides
    position += buffer ? 3 + 2 * buffer.getRank() : 1;
  }
  if (!positions.empty())
    function->setAttr(noaliasAttrName, DenseI32ArrayAttr::get(&getContext(), positions));
}

void AddEntryPass::buildEntry(func::FuncOp main, ArrayRef<ValueSpec> outputs) {
  LLVMTypeConverter converter(&getContext());
  OpBuilder builder(&getContext());
  builder.setInsertionPointAfter(main);
  Location loc = main.getLoc();
  auto pointer = LLVM::LLVMPointerType::get(&getContext());
  auto entry = func::FuncOp::create(builder, loc, entrySymbolName,
                                    builder.getFunctionType({pointer, pointer, pointer}, TypeRange()));
  Block *body = entry.addEntryBlock();
  builder.setInsertionPointToStart(body);
  SmallVector<Value> arguments = {body->getArgument(0)};
  for (auto [index, type] : llvm::enumerate(main.getArgumentTypes().drop_front()))
    arguments.push_back(
        bufferOf({builder, loc, body->getArgument(1), int64_t(index)}, cast<MemRefType>(type), converter));
  auto call = func::CallOp::create(builder, loc, main, arguments);
  for (auto [index, result] : llvm::enumerate(call.getResults()))
    storeOutput({builder, loc, body->getArgument(2), int64_t(index)}, result, outputs[index].dtype, converter);
  func::ReturnOp::create(builder, loc);
}

void AddEntryPass::runOnOperation() {
  ModuleOp module = getOperation();
  auto main = module.lookupSymbol<func::FuncOp>(entryFunctionName);
  if (!main || module.lookupSymbol(entrySymbolName))
    return;
  auto signature = readSignature(module);
  if (!signature) {
    module.emitError(llvm::toString(signature.takeError()));
    return signalPassFailure();
  }
  auto isBuffer = [](Type type) { return isa<MemRefType>(type); };
  if (!llvm::all_of(main.getArgumentTypes(), isBuffer) || !llvm::all_of(main.getResultTypes(), isBuffer) ||
      signature->outputs.size() != main.getNumResults()) {
    main.emitError("the entry's arguments and results have to be buffers, as many as qopt.signature names");
    return signalPassFailure();
  }
  threadContext(module);
  buildEntry(main, signature->outputs);
  main.setPrivate();
}

} // namespace
} // namespace qopt
