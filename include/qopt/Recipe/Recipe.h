// Recipes: YAML that says what is done to which ops. docs/recipes.md is the reference.
//
// A recipe is read into a validated struct; every error names the file and the line. Nothing in a recipe is ignored:
// unknown keys, values out of range, combinations that contradict each other and selectors that match nothing are
// errors.
#pragma once
#include "qopt/Numerics/Stats/OutputLoss.h"
#include "qopt/Numerics/Stats/RangeMethod.h"
#include "qopt/Recipe/Scheme.h"
#include "qopt/Recipe/Selector.h"
#include <variant>
#include <vector>

namespace qopt {

struct RecipeCalibration {
  std::optional<RangeMethod> method;
  std::optional<double> percentile;        ///< 50 < p <= 100, with method percentile
  std::optional<double> averagingConstant; ///< 0 < c <= 1, with method moving-average
  std::optional<int64_t> samples;
  std::optional<int64_t> maxLength;        ///< samples are cut to it along axis 1, where inputs have a dynamic dim there
  /// Without data, stages that need it are left out, or round to nearest. Static activations always need data.
  bool required = true;
  /// Stages that choose codes go over the model in so many parts, each calibrated on what the earlier ones left.
  int64_t rounds = 1;
  /// Parts after the first also make up for the errors that the earlier ones have put on their inputs.
  bool compensate = false;
  /// Of a Gram matrix: a wider input has none, and what reads it rounds to nearest. 20,480 take 6.7 GB, and as much again twice to choose codes.
  int64_t maxColumns = 20480;
};

// What each algorithm can be told. Defaults are those of the algorithm's paper or first implementation.

struct RTNOptions {};

/// arXiv 2211.10438. No alpha: searched per group of linears.
struct SmoothQuantOptions {
  std::optional<double> alpha;
};

/// arXiv 2306.00978.
struct AWQOptions {
  int64_t gridSize = 20;
  bool duoScaling = true;
  bool clip = true;
};

enum class ActivationOrder { None, Static, Dynamic };

/// arXiv 2210.17323.
struct GPTQOptions {
  int64_t blockSize = 128;
  double dampeningFraction = 0.01;
  ActivationOrder order = ActivationOrder::Static;
  double shrinkage = 0; ///< of the Hessian towards its diagonal, as a multiple of its columns over its rows
  int64_t refits = 0;   ///< times that scales are fitted to the codes, and codes to the scales
  int64_t sweeps = 0;   ///< rounds of coordinate descent over the codes afterwards
};

/// Half-quadratic fit of the zero points (Badri and Shaji, 2023).
struct HQQOptions {
  int64_t iterations = 20;
};

/// What a clip of weights is judged by.
enum class ClipObjective {
  Weights, ///< squared error of the weights: needs no data
  Inputs,  ///< the same, columns weighted by their input's mean square
  Hessian, ///< squared error of each group's part of the outputs
};

/// Scales that minimize an error. Without data all objectives are that of the weights.
struct ClipSearchOptions {
  ClipObjective objective = ClipObjective::Inputs;
};

/// arXiv 1906.04721, sections 4.1 and 4.2.
struct EqualizationOptions {};
struct BiasCorrectionOptions {};

/// arXiv 2404.00456.
struct RotationOptions {
  bool randomized = true;
  uint64_t seed = 0;
};

/// Coordinate descent over the codes (QuantEase, arXiv 2309.01885), optionally over AdaRound's choice (arXiv 2004.10568) only.
struct RoundingOptions {
  int64_t sweeps = 4;
  bool floorOrCeil = false;
};

/// What mixed precision makes as small as it can where a bound is on the outputs.
enum class PrecisionCost { Size, Latency };

/// One of the four bounds is given.
struct MixedPrecisionOptions {
  std::optional<double> bitsPerWeight;     ///< at most; scales and zero points count
  std::optional<double> relativeLatency;   ///< at most, of the float model's
  std::optional<double> minimumSQNR;       ///< dB, of the outputs
  std::optional<double> maximumDivergence; ///< nats, of the outputs' distributions
  OutputLoss loss = OutputLoss::MSE;
  PrecisionCost minimize = PrecisionCost::Size;
  int64_t samples = 16;             ///< of calibration, which errors are followed to the outputs on
  std::vector<Scheme> schemes;      ///< to choose from

  bool boundsCost() const { return bitsPerWeight || relativeLatency; }
  PrecisionCost cost() const { return relativeLatency ? PrecisionCost::Latency : minimize; }
};

/// Scales of quantized weights, and biases behind them where asked for, trained towards the float model's outputs, codes fixed (arXiv 2407.11062, its
/// second phase).
struct DistillationOptions {
  OutputLoss loss = OutputLoss::MSE;
  int64_t epochs = 4;
  int64_t batch = 4;
  bool biases = false; ///< train them too, not scales alone: worth little at 4 bits, and a loss at 8 (docs/accuracy.md)
  double rate = 0.002; ///< of factors on the scales, and of biases in units of their root mean square, at the first step
};

/// Roundings of quantized weights, and with them scales, trained block by block (arXiv 2309.05516, 2102.05426).
struct ReconstructionOptions {
  int64_t steps = 200;         ///< of each block
  int64_t batch = 8;           ///< samples a step
  std::optional<double> rate;  ///< codes that a position moves at the first step; falls to zero. None: two over the steps
  bool scales = true;          ///< train them too
  double scaleRate = 0.002;    ///< of factors on them
};

using AlgorithmOptions =
    std::variant<RTNOptions, SmoothQuantOptions, AWQOptions, GPTQOptions, HQQOptions, ClipSearchOptions, EqualizationOptions,
                 BiasCorrectionOptions, RotationOptions, RoundingOptions, MixedPrecisionOptions, DistillationOptions,
                 ReconstructionOptions>;

/// "gptq", "smoothquant", …: the key of a stage.
llvm::StringRef algorithmName(const AlgorithmOptions &options);
/// Whether the algorithm chooses the weights' codes (an op can have one such stage), rather than preparing for it.
bool choosesCodes(const AlgorithmOptions &options);
/// Whether the algorithm folds factors of channels into weights before they are quantized.
bool scalesChannels(const AlgorithmOptions &options);
/// Whether the algorithm works on the quantized model as a whole, when all codes are chosen.
bool followsCodes(const AlgorithmOptions &options);
/// Whether the algorithm changes the float model without data, so that calibration sees what it has made.
bool precedesCalibration(const AlgorithmOptions &options);

struct Stage {
  unsigned line = 0;
  AlgorithmOptions options;
  /// Which ops: those that a target matches and no ignore does.
  std::vector<Selector> targets, ignore;
  /// Set for stages that quantize.
  std::optional<Scheme> scheme;
};

struct Override {
  unsigned line = 0;
  std::vector<Selector> match;
  /// Empty: the ops stay in float.
  std::optional<Scheme> scheme;
};

struct Recipe {
  std::string file;
  RecipeCalibration calibration;
  std::vector<Stage> stages;
  std::vector<Override> overrides;
  /// What was read and means nothing here (memory policies of other tools), for the report.
  std::vector<std::string> remarks;

  bool needsCalibration() const;
  /// Whether any scheme quantizes activations by calibrated ranges.
  bool hasStaticActivations() const;
};

/// Reads a recipe, qopt's own or an llm-compressor file. `name` stands in messages.
llvm::Expected<Recipe> parseRecipe(llvm::StringRef text, llvm::StringRef name);
llvm::Expected<Recipe> readRecipe(llvm::StringRef path);
/// The shipped recipe of a scheme. Errors: no such scheme (the nearest is named).
llvm::Expected<Recipe> recipeForScheme(llvm::StringRef scheme);

/// An op that could be quantized.
struct RecipeSite {
  std::string name;
  /// What it is, from the particular to the general: {"MatMul", "Linear"}, {"Conv"}, {"lm_head", "Gemm", "Linear"}.
  std::vector<std::string> kinds;
};

/// What the recipe decides for one site.
struct SitePlan {
  /// Null: stays in float. The first of its schemes where a mixed_precision stage is to choose.
  const Scheme *scheme = nullptr;
  /// The stages that touch it, by index.
  std::vector<unsigned> stages;
  /// Why it stays in float: "ignored by line 7", "no stage targets it"; empty when it is quantized.
  std::string reason;
};

/// Applies the recipe's selectors. The plans point into `recipe`. Errors: a selector that matches nothing, two stages
/// or two overrides that want different schemes for one op.
llvm::Expected<std::vector<SitePlan>> resolveRecipe(const Recipe &recipe, llvm::ArrayRef<RecipeSite> sites);

} // namespace qopt
