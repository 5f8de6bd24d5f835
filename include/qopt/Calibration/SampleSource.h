// Samples to calibrate or evaluate on, read a few at a time.
//
// Three forms: a .npz (one array per input, samples along axis 0); a folder of .npz files, one sample each, whose shapes may differ;
// ONNX's folders test_data_set_N with input_0.pb, …, one sample each (one of them, or the folder they lie in). Memory is that of the
// samples asked for.
#pragma once
#include "qopt/Support/Tensor.h"
#include "qopt/Support/ValueSpec.h"
#include <optional>

namespace qopt {

class SampleSource {
public:
  /// Opens `path` for a model with these inputs. Errors: no such file, a missing, superfluous-shaped or mistyped array, arrays of
  /// different lengths, no samples. Arrays that the model does not take are left alone.
  static llvm::Expected<std::unique_ptr<SampleSource>> open(llvm::StringRef path, llvm::ArrayRef<ValueSpec> inputs);
  virtual ~SampleSource() = default;

  virtual int64_t size() const = 0;
  /// Whether several samples can be read as one batch (a .npz), or only one at a time (a folder).
  virtual bool canBatch() const = 0;
  /// Samples [begin, end) as one batch, in the order of the model's inputs. Errors: a damaged file; a NaN or infinity (names sample
  /// and input).
  virtual llvm::Expected<llvm::SmallVector<Tensor>> read(int64_t begin, int64_t end) = 0;
};

/// The same samples, at most `length` long: what lies beyond it along axis 1 is dropped from every input whose dim is dynamic there.
/// Errors: no input has such a dim.
llvm::Expected<std::unique_ptr<SampleSource>> cutSamples(std::unique_ptr<SampleSource> source, llvm::ArrayRef<ValueSpec> inputs,
                                                         int64_t length);

/// Opens `path` (SampleSource::open), cut to `maxLength` where that is given.
llvm::Expected<std::unique_ptr<SampleSource>> openSamples(llvm::StringRef path, llvm::ArrayRef<ValueSpec> inputs,
                                                          std::optional<int64_t> maxLength);

/// As many samples as a program of fixed batch takes at once, else `asked`.
int64_t batchFor(llvm::ArrayRef<ValueSpec> inputs, int64_t asked);

/// The first `total` samples, `step` at a time: as asked for, but in whole batches where the program takes no others.
struct SampleRuns {
  int64_t total = 0, step = 1;
};
SampleRuns samplesToRun(const SampleSource &source, llvm::ArrayRef<ValueSpec> inputs, int64_t samples, int64_t batch);

/// 128 bits that depend on the contents and index of each sample, combined so that shards add up: hash(a ∪ b) = combine(a, b).
struct DataHash {
  uint64_t low = 0, high = 0;
  void addSample(int64_t index, llvm::ArrayRef<Tensor> inputs);
  void combine(const DataHash &other);
  std::string hex() const;
  static std::optional<DataHash> parse(llvm::StringRef hex);
  friend bool operator==(const DataHash &, const DataHash &) = default;
};

} // namespace qopt
