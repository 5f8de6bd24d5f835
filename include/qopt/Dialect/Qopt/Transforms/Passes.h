//===- Passes.h - Quantization passes ----------------------------------------===//
#ifndef QOPT_DIALECT_QOPT_TRANSFORMS_PASSES_H
#define QOPT_DIALECT_QOPT_TRANSFORMS_PASSES_H

#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <map>
#include <memory>
#include <string>

namespace qopt {

class RoundingJournal;
struct InputStats;
using InputTable = std::map<std::string, InputStats, std::less<>>;

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "qopt/Dialect/Qopt/Transforms/Passes.h.inc"

// The same passes with what calibration gathered in memory; alone they read the module attribute `qopt.inputs`. A journal keeps what
// they make of each weight.
std::unique_ptr<mlir::Pass> createGPTQPass(GPTQPassOptions options, std::shared_ptr<const InputTable> inputs,
                                           std::shared_ptr<RoundingJournal> journal = {});
std::unique_ptr<mlir::Pass> createAWQPass(AWQPassOptions options, std::shared_ptr<const InputTable> inputs);
std::unique_ptr<mlir::Pass> createRoundingPass(RoundingPassOptions options, std::shared_ptr<const InputTable> inputs,
                                               std::shared_ptr<RoundingJournal> journal = {});
std::unique_ptr<mlir::Pass> createHQQPass(HQQPassOptions options, std::shared_ptr<RoundingJournal> journal);

} // namespace qopt

#endif // QOPT_DIALECT_QOPT_TRANSFORMS_PASSES_H
