// Passes that every target's code generation shares; described in Passes.td.
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace qopt {

#define GEN_PASS_DECL
#include "qopt/Codegen/Common/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "qopt/Codegen/Common/Passes.h.inc"

} // namespace qopt
