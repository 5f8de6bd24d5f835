// How much memory, disk and time a quantization will take, before any of it is done.
//
// Memory is a sum of what each phase holds at once; docs/large-models.md has the formulas. The constants in Estimate.cpp are measured
// (bench/memory/README.md); everything else follows from the model's shapes and the recipe.
#pragma once
#include "Planning.h"

#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/JSON.h"

#include <string>
#include <vector>

namespace qopt {

/// What is to be done, as far as it takes memory or time.
struct WorkToEstimate {
  const Recipe *recipe = nullptr;
  llvm::ArrayRef<SitePlan> plans; ///< of recipeSites(module)
  int64_t samples = 0;            ///< of calibration; 0: there is none
  int64_t batch = 1;              ///< samples a run
  /// Of one run's inputs; empty: dynamic dims count as one.
  std::vector<llvm::SmallVector<int64_t>> inputShapes;
  int64_t noiseSamples = 0; ///< 0: noise is not measured
  bool keepsWork = false;   ///< --work-dir
  bool readsStatistics = false; ///< in place of calibration
  std::string output;       ///< its name, whose ending says what is written; empty: nothing is
};

/// What `qopt quantize` and `qopt check` are asked for, but for `plans`. Errors: the data that is named does not fit the model.
llvm::Expected<WorkToEstimate> workToEstimate(const Arguments &arguments, const Recipe &recipe, mlir::ModuleOp module);

struct PhaseEstimate {
  std::string name;
  int64_t bytes = 0;
  double seconds = 0;
};

struct Estimate {
  std::vector<PhaseEstimate> phases; ///< in order; rounds are one phase each
  int64_t outputBytes = 0, workBytes = 0; ///< on disk: the output, the folder of --work-dir at its fullest

  int64_t peakBytes() const;
  double seconds() const;
};

Estimate estimate(mlir::ModuleOp module, const WorkToEstimate &work);

/// One line a phase, then the totals.
void print(llvm::raw_ostream &os, const Estimate &estimate);
/// {"peak_bytes", "output_bytes", "work_bytes", "seconds", "phases": [{"name", "bytes", "seconds"}]}
llvm::json::Object toJson(const Estimate &estimate);

} // namespace qopt
