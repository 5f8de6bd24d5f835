// Products and convolutions that no kernel takes.
#ifndef QOPT_CODEGEN_CPU_KERNELS_GENERICLOOPS_H
#define QOPT_CODEGEN_CPU_KERNELS_GENERICLOOPS_H

#include "qopt/Codegen/CPU/Kernels/KernelTable.h"
#include "qopt/Conversion/Common/LoweringTable.h"

namespace qopt::qcpu {

/// Remarks, with a reason code, on each of them. To be called before the kernels are added, which are asked first.
void noteGenericLoops(LoweringTable &table, const CpuFeatures &features);

} // namespace qopt::qcpu

#endif // QOPT_CODEGEN_CPU_KERNELS_GENERICLOOPS_H
