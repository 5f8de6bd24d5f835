// A product or convolution that no kernel takes is no error, but slow: the remark says so.
#include "GenericLoops.h"

#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"

using namespace mlir;
using namespace qopt::qcpu;
using qopt::Values;
namespace nn = qopt::nn;
namespace qir = qopt::qir;

namespace {

/// Stands between the kernels and the generic lowering in the table's order: whoever comes here was refused by all kernels.
template <typename Op> void note(qopt::LoweringTable &table, bool hasKernels) {
  table.prefer<Op>([hasKernels](Op op, qopt::Emitter &) -> Values {
    auto remark = op->emitRemark("runs in generic loops: ");
    if (hasKernels)
      remark << "no kernel takes its operands' types, shapes and layout [KERNEL-SHAPE]";
    else
      remark << "the target has no kernel for its operands' formats [KERNEL-TARGET]";
    return {};
  });
}

} // namespace

void qopt::qcpu::noteGenericLoops(LoweringTable &table, const CpuFeatures &features) {
  bool takesFloat = selectKernelForm(Operands::F32, features), takesIntegers = selectKernelForm(Operands::Int8, features, true);
  note<nn::MatMulOp>(table, takesFloat);
  note<nn::GemmOp>(table, takesFloat);
  note<nn::ConvOp>(table, takesFloat);
  note<nn::ConvTransposeOp>(table, takesFloat);
  note<qir::IntegerMatMulOp>(table, takesIntegers);
  note<qir::IntegerConvOp>(table, takesIntegers);
}
