#include "Kernels.h"
#include "qopt/Codegen/CPU/Kernels/Passes.h"
#include "qopt/Codegen/CPU/Kernels/QCPU.h"

#include "llvm/ADT/StringSwitch.h"

namespace qopt::qcpu {
#define GEN_PASS_DEF_QCPUEMITKERNELS
#include "qopt/Codegen/CPU/Kernels/Passes.h.inc"
} // namespace qopt::qcpu

using namespace mlir;
using namespace qopt::qcpu;

namespace {
struct EmitKernels : qopt::qcpu::impl::QCPUEmitKernelsBase<EmitKernels> {
  using QCPUEmitKernelsBase::QCPUEmitKernelsBase;

  void runOnOperation() override {
    for (StringRef request : kernels) {
      auto [kindName, rest] = request.split(':');
      bool aUnsigned = rest.consume_back(":u");
      auto kind = llvm::StringSwitch<std::optional<KernelKind>>(kindName)
                      .Case("gemm", KernelKind::Gemm)
                      .Case("batch", KernelKind::Batch)
                      .Case("batch_t", KernelKind::BatchTransposed)
                      .Case("conv", KernelKind::Conv)
                      .Case("depthwise", KernelKind::Depthwise)
                      .Default(std::nullopt);
      const KernelForm *form = findKernelForm(rest);
      bool exists = kind && form && (form->operands != Operands::Weight4 || *kind == KernelKind::Gemm);
      if (!exists) {
        getOperation().emitError() << "no kernel '" << request << "'";
        return signalPassFailure();
      }
      // Callable from outside, unlike the kernels of a program.
      getOrEmitKernel(getOperation(), *kind, *form, aUnsigned).setPublic();
    }
  }
};
} // namespace
