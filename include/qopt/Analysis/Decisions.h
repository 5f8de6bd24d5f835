//===- Decisions.h - What became of each op, and why -------------------------===//
//
// Every op that quantization looks at ends as quantized, kept or fallen back, with a reason code. The record lives in the module
// (attribute `qopt.decisions`), so that it survives in IR, reaches the report, and can be tested by lit; it is a remark as well.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_ANALYSIS_DECISIONS_H
#define QOPT_ANALYSIS_DECISIONS_H

#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace qopt {

enum class Outcome {
  Quantized, ///< runs on quantized operands
  Kept,      ///< stays in float because a rule or the user says so
  FellBack,  ///< should have been quantized but could not be
};

llvm::StringRef outcomeName(Outcome outcome);

struct Decision {
  std::string site;   ///< name of the op (see Sites.h)
  std::string op;     ///< its mnemonic
  Outcome outcome;
  std::string code;   ///< reason code, as `qopt explain` knows it
  std::string reason; ///< one clause
  bool isRemark = false; ///< said as a remark too, though the op is quantized; not in the module's record
};

/// Collects decisions and, when it is destroyed or flushed, appends them to the module's record.
class DecisionLog {
public:
  explicit DecisionLog(mlir::ModuleOp module) : module(module) {}
  ~DecisionLog() { flush(); }
  DecisionLog(const DecisionLog &) = delete;
  DecisionLog &operator=(const DecisionLog &) = delete;

  /// Records what became of `op`; anything but Quantized is a remark at the op too.
  void add(mlir::Operation *op, Outcome outcome, llvm::StringRef code, const llvm::Twine &reason);
  /// A row of the record that is also a remark at the op, which is quantized all the same.
  void note(mlir::Operation *op, llvm::StringRef code, const llvm::Twine &text);
  /// What was decided since the last flush.
  llvm::ArrayRef<Decision> rows() const { return decisions; }
  void flush();

private:
  mlir::ModuleOp module;
  std::vector<Decision> decisions;
};

/// The module's record, in the order of decision.
std::vector<Decision> readDecisions(mlir::ModuleOp module);

} // namespace qopt

#endif // QOPT_ANALYSIS_DECISIONS_H
