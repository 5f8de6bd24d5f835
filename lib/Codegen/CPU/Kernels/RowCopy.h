//===- RowCopy.h - Activations copied into the form that register tiles read ---===//
#ifndef QOPT_CODEGEN_CPU_KERNELS_ROWCOPY_H
#define QOPT_CODEGEN_CPU_KERNELS_ROWCOPY_H

#include "Kernels.h"
#include "MicroKernel.h"

namespace qopt::qcpu {

/// Copies runs of activations into prepared rows: f32 as they are, 8-bit widened to i16, or shifted to unsigned.
class RowCopy {
public:
  RowCopy(Emitter &e, const KernelForm &form, bool aUnsigned) : e(e), form(form), aUnsigned(aUnsigned) {}

  /// `count` elements from `source` to prepared element `first` of `row`.
  void run(mlir::Value source, mlir::Value row, mlir::Value first, mlir::Value count);
  /// `count` times the activation `value` (as loaded by scalar()).
  void fill(mlir::Value value, mlir::Value row, mlir::Value first, mlir::Value count);
  /// Zeros from prepared element `depth` to the next multiple of kPack.
  void padToStep(mlir::Value row, mlir::Value depth);
  /// An activation from its bits in an i64.
  mlir::Value scalar(mlir::Value bits);

private:
  mlir::Value convert(mlir::Value activation);
  mlir::Type activation() { return form.operands == Operands::Int8 ? e.i8() : e.f32(); }
  int64_t vectorCount() const { return form.operands == Operands::Int8 ? 16 : form.lanes; }

  Emitter &e;
  const KernelForm &form;
  bool aUnsigned;
};

} // namespace qopt::qcpu

#endif // QOPT_CODEGEN_CPU_KERNELS_ROWCOPY_H
