#include "qopt/Calibration/SampleSource.h"

#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace llvm;
using namespace qopt;

namespace {

/// The first `length` elements along axis 1.
Expected<Tensor> cutTo(const Tensor &tensor, int64_t length) {
  SmallVector<int64_t> shape(tensor.shape());
  shape[1] = length;
  auto result = Tensor::allocate(tensor.dtype(), shape);
  if (!result)
    return result;
  int64_t step = std::accumulate(shape.begin() + 2, shape.end(), int64_t(storageBytes(tensor.dtype())), std::multiplies<>());
  for (int64_t sample = 0; sample < shape[0]; ++sample)
    std::memcpy(result->mutableBytes().data() + sample * length * step, tensor.bytes().data() + sample * tensor.dim(1) * step,
                length * step);
  return result;
}

class CutSource : public SampleSource {
public:
  CutSource(std::unique_ptr<SampleSource> whole, SmallVector<bool> isSequence, int64_t length)
      : whole(std::move(whole)), isSequence(std::move(isSequence)), length(length) {}

  int64_t size() const override { return whole->size(); }
  bool canBatch() const override { return whole->canBatch(); }

  Expected<SmallVector<Tensor>> read(int64_t begin, int64_t end) override {
    auto batch = whole->read(begin, end);
    if (!batch)
      return batch;
    for (auto [tensor, cut] : llvm::zip_equal(*batch, isSequence)) {
      if (!cut || tensor.dim(1) <= length)
        continue;
      auto shorter = cutTo(tensor, length);
      if (!shorter)
        return shorter.takeError();
      tensor = std::move(*shorter);
    }
    return batch;
  }

private:
  std::unique_ptr<SampleSource> whole;
  SmallVector<bool> isSequence; ///< by input
  int64_t length;
};

} // namespace

Expected<std::unique_ptr<SampleSource>> qopt::cutSamples(std::unique_ptr<SampleSource> source, ArrayRef<ValueSpec> inputs,
                                                         int64_t length) {
  SmallVector<bool> isSequence;
  for (const ValueSpec &spec : inputs)
    isSequence.push_back(spec.shape.size() >= 2 && spec.shape[1] < 0 && spec.dtype != DType::String);
  if (llvm::none_of(isSequence, [](bool sequence) { return sequence; }))
    return makeError("max_length cuts samples along axis 1, but no input of the model has a dynamic dim there; leave it out of the recipe");
  return std::make_unique<CutSource>(std::move(source), std::move(isSequence), length);
}

Expected<std::unique_ptr<SampleSource>> qopt::openSamples(StringRef path, ArrayRef<ValueSpec> inputs, std::optional<int64_t> maxLength) {
  auto source = SampleSource::open(path, inputs);
  if (!source || !maxLength)
    return source;
  return cutSamples(std::move(*source), inputs, *maxLength);
}

int64_t qopt::batchFor(ArrayRef<ValueSpec> inputs, int64_t asked) {
  for (const ValueSpec &input : inputs)
    if (!input.shape.empty() && input.shape[0] > 0)
      return input.shape[0];
  return asked;
}

SampleRuns qopt::samplesToRun(const SampleSource &source, ArrayRef<ValueSpec> inputs, int64_t samples, int64_t batch) {
  int64_t fixed = source.canBatch() ? batchFor(inputs, 0) : 0, there = source.size(), total = std::min(samples, there);
  if (fixed && there >= fixed)
    return {std::min<int64_t>(alignTo(total, fixed), there - there % fixed), fixed};
  return {total, source.canBatch() ? std::max<int64_t>(batch, 1) : 1};
}
