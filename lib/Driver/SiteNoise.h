// What rounding costs at each site, measured with our own compiled code.
#pragma once
#include "Models.h"

#include "qopt/Numerics/Metrics/Metrics.h"

#include <optional>
#include <vector>

namespace qopt {

class Progress;

/// Signal-to-quantization-noise at one tensor, against the float program (after SmoothQuant and the like, before rounding).
struct SiteNoise {
  std::string site;
  std::string op;                       ///< mnemonic; empty for an output of the model
  std::optional<SignalNoise> local;     ///< only this op quantized, fed with the float program's tensors
  SignalNoise accumulated;              ///< everything up to here quantized
  std::optional<LogitDivergence> divergence; ///< of an output of one dim or more, where it is asked for: of the last dim's softmax
  std::string suggestion;               ///< an override for a recipe that keeps more of this op's precision; empty for outputs
};

struct Noise {
  std::vector<SiteNoise> sites; ///< in program order, outputs last
  int64_t samples = 0;
};

struct NoiseRequest {
  std::string dataPath;
  int64_t samples = 8;
  int64_t batch = 8;
  int32_t threads = 0;
  bool divergence = false;
};

/// Runs both programs side by side over the samples; memory does not depend on how many there are. `reference` and `quantized` come
/// of one numbered module (see CompareSites.h) and are not changed. Errors: what compiling, the data and the program say.
llvm::Expected<Noise> measureNoise(mlir::ModuleOp reference, mlir::ModuleOp quantized, const NoiseRequest &request,
                                   Progress &progress);

} // namespace qopt
