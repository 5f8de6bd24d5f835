//===- Emitter.h - Writing kernels as MLIR, tersely ---------------------------===//
//
// Kernels are functions over !llvm.ptr and i64 (addresses in bytes), with scf loops and vectors of the target's width.
// They lower by the upstream conversions of scf, arith, func and cf to the llvm dialect and to nothing else.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_CODEGEN_CPU_KERNELS_EMITTER_H
#define QOPT_CODEGEN_CPU_KERNELS_EMITTER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"

namespace qopt::qcpu {

class Emitter {
public:
  Emitter(mlir::OpBuilder &builder, mlir::Location loc) : builder(builder), loc(loc) {}

  mlir::OpBuilder &builder;
  mlir::Location loc;

  // Types.
  mlir::Type pointer() { return mlir::LLVM::LLVMPointerType::get(builder.getContext()); }
  mlir::Type i64() { return builder.getI64Type(); }
  mlir::Type i32() { return builder.getI32Type(); }
  mlir::Type i16() { return builder.getI16Type(); }
  mlir::Type i8() { return builder.getI8Type(); }
  mlir::Type f32() { return builder.getF32Type(); }
  mlir::VectorType vec(int64_t lanes, mlir::Type element) { return mlir::VectorType::get({lanes}, element); }

  // i64 arithmetic (all sizes are signed and not negative).
  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, int64_t b) { return b == 1 ? a : mul(a, index(b)); }
  mlir::Value floorDiv(mlir::Value a, int64_t b);
  mlir::Value ceilDiv(mlir::Value a, int64_t b);
  mlir::Value min(mlir::Value a, mlir::Value b);
  mlir::Value max(mlir::Value a, mlir::Value b);
  mlir::Value less(mlir::Value a, mlir::Value b);
  mlir::Value equal(mlir::Value a, mlir::Value b);
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b);

  // Memory. Offsets are in bytes; accesses promise the element's alignment only.
  mlir::Value at(mlir::Value base, mlir::Value bytes);
  mlir::Value at(mlir::Value base, int64_t bytes);
  mlir::Value load(mlir::Type type, mlir::Value address);
  void store(mlir::Value value, mlir::Value address);
  /// The lanes whose mask is set; others are zero and not touched.
  mlir::Value maskedLoad(mlir::VectorType type, mlir::Value address, mlir::Value mask);
  void maskedStore(mlir::Value value, mlir::Value address, mlir::Value mask);
  /// Lane i is set where first + i < count.
  mlir::Value laneMask(int64_t lanes, int64_t first, mlir::Value count);
  mlir::Value null();
  mlir::Value isNull(mlir::Value address);
  /// Stack memory; only for use at a function's entry.
  mlir::Value stack(mlir::Type element, int64_t count, int64_t alignment);

  // Vectors.
  mlir::Value splat(mlir::VectorType type, mlir::Value scalar);
  mlir::Value constantSplat(mlir::VectorType type, mlir::TypedAttr value);
  mlir::Value zeros(mlir::VectorType type);
  mlir::Value bitcast(mlir::Type type, mlir::Value value);
  mlir::Value intrinsic(llvm::StringRef name, mlir::Type result, mlir::ValueRange operands);

  // Control flow.
  using Values = llvm::SmallVector<mlir::Value>;
  using LoopBody = llvm::function_ref<Values(mlir::Value index, mlir::ValueRange carried)>;
  Values loop(mlir::Value from, mlir::Value to, mlir::Value step, mlir::ValueRange carried, LoopBody body);
  void loop(mlir::Value from, mlir::Value to, mlir::Value step, llvm::function_ref<void(mlir::Value)> body);
  Values ifElse(mlir::Value condition, mlir::TypeRange types, llvm::function_ref<Values()> then,
                llvm::function_ref<Values()> otherwise);
  void when(mlir::Value condition, llvm::function_ref<void()> then);
  /// Runs body(i) for the i in 1…count that `value` equals.
  void dispatch(mlir::Value value, int64_t count, llvm::function_ref<void(int64_t)> body);
};

} // namespace qopt::qcpu

#endif // QOPT_CODEGEN_CPU_KERNELS_EMITTER_H
