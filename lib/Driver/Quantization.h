// From a float model to a quantized one: what `qopt quantize`, `calibrate` and the library do alike.
#pragma once
#include "Models.h"
#include "ProbeOutputs.h"

#include "qopt/Calibration/Columns.h"
#include "qopt/Calibration/Statistics.h"
#include "qopt/Recipe/Recipe.h"
#include "qopt/TargetInfo/Target.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/StringSet.h"
#include <functional>

namespace mlir {
class PassManager;
} // namespace mlir

namespace qopt {

class Progress;
class WorkFolder;
struct PrecisionReport;

struct CalibrationRequest {
  std::string modelPath;
  std::string dataPath;
  int64_t samples = -1;     ///< -1: all
  int64_t batch = 8;
  int64_t firstSample = 0;  ///< index of the first sample, for shards
  int32_t threads = 0;
  std::optional<int64_t> maxLength = {};   ///< samples are cut to it along axis 1
  bool linearInputsOnly = false;           ///< observe nothing but the inputs of products and convolutions
  std::vector<std::string> only = {};      ///< sites to observe; empty: all. With it the model's results are not computed
  std::string rewriting = {};              ///< what rewriteModule did to the module
  std::vector<InputColumns> columns = {}; ///< inputs whose Gram matrices are gathered too
  mlir::ModuleOp reference = {}; ///< where given, the float model, whose inputs theirs are paired with
};

/// Runs the recipe's stages that change the float model before calibration sees it (equalization, rotation). Returns their passes as text,
/// which is part of what statistics are of; empty where there are none. Errors: what resolving the recipe says.
llvm::Expected<std::string> rewriteModule(mlir::ModuleOp module, const Recipe &recipe, Session &session);
/// Their text alone; the module is left as it is.
llvm::Expected<std::string> rewritingOf(mlir::ModuleOp module, const Recipe &recipe);
/// Adds these passes to `pm`.
llvm::Error buildRewriting(mlir::ModuleOp module, const Recipe &recipe, mlir::PassManager &pm);

/// Runs the float model with observers compiled in. The module is not changed.
llvm::Expected<Statistics> calibrateModel(mlir::ModuleOp module, const CalibrationRequest &request, Session &session,
                                          Progress &progress);

/// What identifies a model in statistics and reports: the file, and what rewriteModule did to it.
llvm::Expected<std::string> modelHash(llvm::StringRef path, llvm::StringRef rewriting = "");

/// What mixed precision weighs formats by, beside statistics.
struct PrecisionInputs {
  /// Probes the outputs (ProbeOutputs.h) on the samples.
  std::function<llvm::Expected<ProbedModel>(mlir::ModuleOp, const llvm::StringSet<> &names, llvm::ArrayRef<OperandSpec> formats, const MixedPrecisionOptions &)> probe;
  std::vector<llvm::SmallVector<int64_t>> shapes; ///< of one sample's inputs
  const Target *target = nullptr;                 ///< which time is told for
};

struct QuantizationRequest {
  const Recipe *recipe = nullptr;
  Statistics *statistics = nullptr; ///< null: the recipe needs none. Its Gram matrices are taken out, unless `prepareOnly`
  /// Stop there: the function is as it was, and statistics stay in the module.
  bool prepareOnly = false;
  /// Called, where given, when the stages that leave the function as it is (SmoothQuant) are done and rounding begins.
  std::function<void(mlir::ModuleOp)> beforeRounding = {};
  PrecisionReport *precision = nullptr; ///< where given, receives what a mixed_precision stage chose
  /// Gathers the inputs that a later part's stages read, from the module as it is then, paired with those of the float model where
  /// that is given; null: one part.
  std::function<llvm::Expected<InputTable>(mlir::ModuleOp, mlir::ModuleOp reference, std::vector<InputColumns>)> gather = {};
  /// Trains the weights of the ops in `names` by a stage that follows codes, when the module is quantized; null: there are no samples.
  std::function<llvm::Error(mlir::ModuleOp reference, mlir::ModuleOp, const AlgorithmOptions &, const llvm::StringSet<> &names)> train = {};
  std::optional<PrecisionInputs> precisionInputs = {}; ///< nothing: there are no samples
  std::shared_ptr<WorkFolder> work = {}; ///< where given, keeps each weight that was rounded
};

/// Gram matrices of these inputs as the module, partly quantized, makes them now.
llvm::Expected<InputTable> gatherInputs(mlir::ModuleOp module, CalibrationRequest request, std::vector<InputColumns> columns,
                                        Session &session);

/// Applies the recipe to the module: annotates the statistics, runs the stages, leaves quantize/dequantize pairs.
/// Errors: a scheme or algorithm that this build cannot do, a selector that matches nothing, what the passes say.
llvm::Error quantizeModule(mlir::ModuleOp module, const QuantizationRequest &request, Session &session);

/// The inputs that the recipe's stages want Gram matrices of. Errors: what resolving the recipe says.
llvm::Expected<std::vector<InputColumns>> inputsToGather(mlir::ModuleOp module, const Recipe &recipe);

/// Those of all products and convolutions with constant weights.
std::vector<InputColumns> allInputs(mlir::ModuleOp module);

/// The passes that make the recipe of the module: `preparation` leaves the function as it is, `rounding` does not. They read ranges
/// from the module's attributes and Gram matrices from `statistics` (null: there are none), which outlives them. Errors: as
/// quantizeModule.
llvm::Error buildQuantization(mlir::ModuleOp module, const Recipe &recipe, const Statistics *statistics,
                              mlir::PassManager &preparation, mlir::PassManager &rounding);

/// The statistics of --stats; nothing where samples are to be run, or where the recipe needs neither. Errors: both are given, or neither
/// to a recipe that needs one; a file that cannot be read, or is of another model than `rewriting` makes of this one.
llvm::Expected<std::optional<Statistics>> givenStatistics(const Arguments &arguments, const Recipe &recipe, llvm::StringRef rewriting);

/// Whether the recipe cannot do without statistics.
bool readsStatistics(const Recipe &recipe);

} // namespace qopt
