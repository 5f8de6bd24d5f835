#include "qopt/Codegen/CPU/Passes.h"
#include "qopt/Codegen/CPU/Runtime.h"
#include "qopt/Codegen/Common/Signature.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace qopt {
#define GEN_PASS_DEF_CONVERTTOLLVMPASS
#include "qopt/Codegen/CPU/Passes.h.inc"

namespace {

using namespace cpu;

struct ConvertAlloc : ConvertOpToLLVMPattern<memref::AllocOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(memref::AllocOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    MemRefType type = op.getType();
    if (!isConvertibleAndHasIdentityMaps(type))
      return rewriter.notifyMatchFailure(op, "layout is not the identity");
    SmallVector<Value> sizes, strides;
    Value bytes;
    getMemRefDescriptorSizes(loc, type, adaptor.getDynamicSizes(), rewriter, sizes, strides, bytes, true);
    Value data = op->hasAttr(outputAttrName)
                     ? callRuntime(rewriter, loc, "qopt_rt_alloc_output", getPtrType(), {contextOf(op), bytes}).getResult()
                     : allocate(op, bytes, rewriter);
    rewriter.replaceOp(op, {createMemRefDescriptor(loc, type, data, data, sizes, strides, rewriter)});
    return success();
  }

  Value allocate(memref::AllocOp op, Value bytes, ConversionPatternRewriter &rewriter) const {
    int64_t align = std::max<int64_t>(op.getAlignment().value_or(0), 64);
    Value alignment = constantI64(rewriter, op.getLoc(), align);
    return callRuntime(rewriter, op.getLoc(), "qopt_rt_alloc", getPtrType(), {contextOf(op), bytes, alignment})
        .getResult();
  }
};

struct ConvertDealloc : ConvertOpToLLVMPattern<memref::DeallocOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(memref::DeallocOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (!isa<MemRefType>(op.getMemref().getType()))
      return failure();
    MemRefDescriptor buffer(adaptor.getMemref());
    callRuntime(rewriter, op.getLoc(), "qopt_rt_free", Type(),
                {contextOf(op), buffer.allocatedPtr(rewriter, op.getLoc())});
    rewriter.eraseOp(op);
    return success();
  }
};

struct ConvertAssert : ConvertOpToLLVMPattern<cf::AssertOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(cf::AssertOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value context = contextOf(op);
    Block *before = rewriter.getInsertionBlock();
    Block *after = rewriter.splitBlock(before, ++op->getIterator());
    Block *failed = rewriter.createBlock(before->getParent());
    Value text = stringConstant(rewriter, loc, op.getMsg());
    Value none = LLVM::ZeroOp::create(rewriter, loc, getPtrType());
    callRuntime(rewriter, loc, "qopt_rt_raise", Type(), {context, text, none, constantI32(rewriter, loc, 0)});
    LLVM::UnreachableOp::create(rewriter, loc);
    rewriter.setInsertionPointToEnd(before);
    rewriter.replaceOpWithNewOp<LLVM::CondBrOp>(op, adaptor.getArg(), after, failed);
    return success();
  }
};

void populatePatterns(LLVMTypeConverter &converter, RewritePatternSet &patterns) {
  arith::populateArithToLLVMConversionPatterns(converter, patterns);
  cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
  populateFuncToLLVMConversionPatterns(converter, patterns);
  index::populateIndexToLLVMConversionPatterns(converter, patterns);
  populateMathToLLVMConversionPatterns(converter, patterns);
  populateMathToLibmConversionPatterns(patterns, /*benefit=*/PatternBenefit(0));
  populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
  ub::populateUBToLLVMConversionPatterns(converter, patterns);
  populateVectorToLLVMConversionPatterns(converter, patterns, /*reassociateFPReductions=*/true,
                                         /*force32BitVectorIndices=*/false);
  patterns.add<ConvertAlloc, ConvertDealloc, ConvertAssert>(converter, /*benefit=*/2);
}

struct ConvertToLLVMPass : impl::ConvertToLLVMPassBase<ConvertToLLVMPass> {
  void runOnOperation() override {
    LowerToLLVMOptions options(&getContext());
    options.useGenericFunctions = false;
    LLVMTypeConverter converter(&getContext(), options);
    RewritePatternSet patterns(&getContext());
    populatePatterns(converter, patterns);
    LLVMConversionTarget target(getContext());
    target.addLegalOp<ModuleOp>();
    if (failed(applyPartialConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace qopt
