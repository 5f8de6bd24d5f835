#include "qopt/Codegen/CPU/Passes.h"
#include "qopt/Codegen/CPU/Runtime.h"
#include "qopt/Codegen/Common/Signature.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace qopt {
#define GEN_PASS_DEF_LOWERDISPATCHPASS
#include "qopt/Codegen/CPU/Passes.h.inc"

namespace {

using namespace cpu;

struct LowerDispatchPass : impl::LowerDispatchPassBase<LowerDispatchPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (auto function : llvm::make_early_inc_range(module.getOps<LLVM::LLVMFuncOp>())) {
      markArguments(function);
      if (auto kernel = function->getAttrOfType<FlatSymbolRefAttr>(dispatchAttrName))
        define(function, module.lookupSymbol<LLVM::LLVMFuncOp>(kernel.getValue()));
      if (auto dtype = function->getAttrOfType<IntegerAttr>(observeAttrName))
        defineObserver(function, int32_t(dtype.getInt()));
    }
  }

  static void markArguments(LLVM::LLVMFuncOp function) {
    auto positions = function->getAttrOfType<DenseI32ArrayAttr>(noaliasAttrName);
    if (!positions)
      return;
    for (int32_t position : positions.asArrayRef())
      function.setArgAttr(position, LLVM::LLVMDialect::getNoAliasAttrName(), UnitAttr::get(function.getContext()));
    function->removeAttr(noaliasAttrName);
  }

  /// `dispatcher(ctx, count, cost, captures…)` calls `kernel(ctx, captures…, index)` for each index below count.
  void define(LLVM::LLVMFuncOp dispatcher, LLVM::LLVMFuncOp kernel) {
    Location loc = dispatcher.getLoc();
    MLIRContext *context = &getContext();
    SmallVector<Type> fields(kernel.getFunctionType().getParams().drop_back());
    auto packed = LLVM::LLVMStructType::getLiteral(context, fields);
    LLVM::LLVMFuncOp body = defineBody(kernel, packed);
    auto pointer = LLVM::LLVMPointerType::get(context);
    OpBuilder builder(context);
    Block *block = dispatcher.addEntryBlock(builder);
    builder.setInsertionPointToStart(block);
    Value one = constantI64(builder, loc, 1);
    Value arguments = LLVM::AllocaOp::create(builder, loc, pointer, packed, one);
    for (unsigned field = 0; field < fields.size(); ++field) {
      Value value = block->getArgument(field == 0 ? 0 : field + 2);
      LLVM::StoreOp::create(builder, loc, value, fieldOf(builder, loc, packed, arguments, field));
    }
    Value address = LLVM::AddressOfOp::create(builder, loc, body);
    callRuntime(builder, loc, "qopt_rt_parallel_for", Type(),
                {block->getArgument(0), address, arguments, block->getArgument(1), block->getArgument(2)});
    LLVM::ReturnOp::create(builder, loc, ValueRange());
    dispatcher->removeAttr(dispatchAttrName);
    dispatcher.setLinkage(LLVM::Linkage::Internal);
  }

  /// `observer(ctx, allocated, aligned, offset, sizes…, strides…, site)` shows the buffer to the runtime.
  static void defineObserver(LLVM::LLVMFuncOp observer, int32_t dtype) {
    Location loc = observer.getLoc();
    OpBuilder builder(observer.getContext());
    Block *block = observer.addEntryBlock(builder);
    builder.setInsertionPointToStart(block);
    auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
    unsigned rank = (observer.getNumArguments() - 5) / 2;
    Type element = elementOf(builder, static_cast<DType>(dtype));
    Value data = LLVM::GEPOp::create(builder, loc, pointer, element, block->getArgument(2),
                                     ArrayRef<LLVM::GEPArg>{block->getArgument(3)});
    Value shape = storeArray(builder, loc, block->getArguments().slice(4, rank));
    Value strides = storeArray(builder, loc, block->getArguments().slice(4 + rank, rank));
    callRuntime(builder, loc, "qopt_rt_observe", Type(),
                {block->getArgument(0), block->getArguments().back(), data, constantI32(builder, loc, dtype),
                 constantI32(builder, loc, rank), shape, strides});
    LLVM::ReturnOp::create(builder, loc, ValueRange());
    observer->removeAttr(observeAttrName);
    observer.setLinkage(LLVM::Linkage::Internal);
  }

  static Type elementOf(OpBuilder &builder, DType dtype) { return builder.getIntegerType(8 * storageBytes(dtype)); }

  static Value storeArray(OpBuilder &builder, Location loc, ValueRange values) {
    auto type = LLVM::LLVMArrayType::get(builder.getI64Type(), values.size());
    auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
    Value array = LLVM::AllocaOp::create(builder, loc, pointer, type, constantI64(builder, loc, 1));
    for (auto [index, value] : llvm::enumerate(values))
      LLVM::StoreOp::create(builder, loc, value, fieldOf(builder, loc, type, array, index));
    return array;
  }

  static Value fieldOf(OpBuilder &builder, Location loc, Type packed, Value base, unsigned field) {
    auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
    return LLVM::GEPOp::create(builder, loc, pointer, packed, base, ArrayRef<LLVM::GEPArg>{0, int32_t(field)});
  }

  /// A qopt_body_fn: `kernel` for each index in [begin, end).
  static LLVM::LLVMFuncOp defineBody(LLVM::LLVMFuncOp kernel, LLVM::LLVMStructType packed) {
    OpBuilder builder(kernel);
    Location loc = kernel.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
    Type i64 = builder.getI64Type();
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()), {pointer, i64, i64});
    auto body = LLVM::LLVMFuncOp::create(builder, loc, (kernel.getName() + ".body").str(), type,
                                         LLVM::Linkage::Internal);
    Block *entry = body.addEntryBlock(builder);
    Block *header = builder.createBlock(&body.getBody(), body.getBody().end(), {i64}, {loc});
    Block *step = builder.createBlock(&body.getBody(), body.getBody().end());
    Block *exit = builder.createBlock(&body.getBody(), body.getBody().end());

    builder.setInsertionPointToEnd(entry);
    SmallVector<Value> arguments;
    for (auto [field, fieldType] : llvm::enumerate(packed.getBody()))
      arguments.push_back(LLVM::LoadOp::create(builder, loc, fieldType,
                                               fieldOf(builder, loc, packed, entry->getArgument(0), field)));
    LLVM::BrOp::create(builder, loc, ValueRange{entry->getArgument(1)}, header);

    builder.setInsertionPointToEnd(header);
    Value index = header->getArgument(0);
    Value more = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::slt, index, entry->getArgument(2));
    LLVM::CondBrOp::create(builder, loc, more, step, exit);

    builder.setInsertionPointToEnd(step);
    arguments.push_back(index);
    LLVM::CallOp::create(builder, loc, kernel, arguments);
    Value next = LLVM::AddOp::create(builder, loc, index, constantI64(builder, loc, 1));
    LLVM::BrOp::create(builder, loc, ValueRange{next}, header);

    builder.setInsertionPointToEnd(exit);
    LLVM::ReturnOp::create(builder, loc, ValueRange());
    return body;
  }
};

} // namespace
} // namespace qopt
