// RUN: not qopt-opt %s --qopt-gptq 2>&1 | FileCheck %s --check-prefix=GPTQ
// RUN: not qopt-opt %s --qopt-awq 2>&1 | FileCheck %s --check-prefix=AWQ
// RUN: not qopt-opt %s --qopt-rounding 2>&1 | FileCheck %s --check-prefix=ROUND
// GPTQ: qopt-gptq: there are no Gram matrices of the linears' inputs
// AWQ: qopt-awq: there are no Gram matrices of the linears' inputs
// ROUND: qopt-rounding: there are no Gram matrices of the linears' inputs
module {
}
