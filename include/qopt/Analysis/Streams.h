//===- Streams.h - Residual streams -----------------------------------------===//
//
// Transformers add what each layer makes to one vector per token, which RMS norms read on the way into the next layer. The values that
// hold this vector are a stream: sums (and moves) from the look-up of embeddings to the last norm. Products write into it and read from it.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_ANALYSIS_STREAMS_H
#define QOPT_ANALYSIS_STREAMS_H

#include "qopt/Interfaces/LinearLike.h"
#include "qopt/Interfaces/Stream.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

#include <string>
#include <vector>

namespace qopt {

struct ResidualStream {
  /// A product that reads the stream; `norm` where through one.
  struct Reader {
    LinearLikeOpInterface op;
    StreamOpInterface norm;
  };

  int64_t size = 0;                                   ///< channels
  llvm::SmallVector<StreamOpInterface> norms;
  llvm::SmallVector<Reader> readers;
  llvm::SmallVector<LinearLikeOpInterface> writers;
  llvm::SmallVector<mlir::OpOperand *> constants;     ///< tables and vectors that enter it
  std::string obstacle;                               ///< a clause: why it is not closed; empty where it is
};

/// The streams that a function's norms read, in program order. Norms over other than the last dim are in none.
std::vector<ResidualStream> residualStreams(mlir::FunctionOpInterface func);

} // namespace qopt

#endif // QOPT_ANALYSIS_STREAMS_H
