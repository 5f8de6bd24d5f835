#include "BlockTraining.h"

#include "qopt/Dialect/NN/IR/Constants.h"
#include "qopt/Support/Progress.h"

#include "llvm/Support/Parallel.h"

#include <numeric>

using namespace llvm;
using namespace qopt;

/// Times in training that the loss is measured on samples held out.
static constexpr int64_t kMeasurements = 10;
/// Codes that a position moves in the course of the steps where its gradient always points one way, the rate falling to zero.
static constexpr double kReach = 1;

Expected<Tensors> BlockStep::run(Tensors inputs) const {
  append_range(inputs, constants);
  return program->run(inputs);
}

Error BlockTraining::take(const TrainableWeight &weight) {
  auto original = nn::tensorOf(weight.original);
  if (!original)
    return original.takeError();
  auto now = Tensor::allocate(DType::Float32, original->shape());
  if (!now)
    return now.takeError();
  ArrayRef<float> values = original->values<float>();
  weights.emplace_back(std::span(values.data(), values.size()), codesOf(weight));
  tensors.push_back(std::move(*now));
  return Error::success();
}

Error BlockTraining::run(Progress &progress) {
  refresh();
  keep(); // Also where no loss is a number.
  if (Error failed = measure())
    return failed;
  before = least;
  for (int64_t done = 0; done < options.steps; ++done) {
    if (Error failed = advance(done))
      return failed;
    progress.advance(1);
    bool isTime = (done + 1) * kMeasurements / options.steps > done * kMeasurements / options.steps;
    if (Error failed = isTime ? measure() : Error::success())
      return failed;
  }
  for (auto [weight, state] : zip(weights, best))
    weight.restore(state);
  refresh();
  return Error::success();
}

Error BlockTraining::passOn() {
  for (BorderBatch &batch : border.batches) {
    auto results = runOn(batch);
    if (!results)
      return results.takeError();
    batch.own.assign(results->begin() + 1, results->begin() + 1 + static_cast<int64_t>(batch.wanted.size()));
    batch.exact = std::move(batch.wanted);
  }
  return Error::success();
}

Expected<Tensors> BlockTraining::runOn(const BorderBatch &batch) {
  auto inputs = border.source.read(batch.begin, batch.end);
  if (!inputs)
    return inputs.takeError();
  append_range(*inputs, batch.own);
  append_range(*inputs, batch.wanted);
  append_range(*inputs, tensors);
  return step.run(std::move(*inputs));
}

/// One step down the gradients of one batch.
Error BlockTraining::advance(int64_t done) {
  auto results = runOn(border.batches[nextBatch()]);
  if (!results)
    return results.takeError();
  auto steps = static_cast<double>(options.steps);
  double left = 1 - static_cast<double>(done) / steps, rate = options.rate.value_or(2 * kReach / steps);
  ArrayRef<Tensor> gradients = ArrayRef(*results).take_back(weights.size());
  parallelFor(0, weights.size(), [&](size_t i) {
    ArrayRef<float> slopes = gradients[i].values<float>();
    weights[i].step({slopes.data(), slopes.size()}, rate * left, options.scales ? options.scaleRate * left : 0);
  });
  refresh();
  return Error::success();
}

Error BlockTraining::measure() {
  double sum = 0, samples = 0;
  for (const BorderBatch &batch : ArrayRef(border.batches).drop_front(border.taught)) {
    auto results = runOn(batch);
    if (!results)
      return results.takeError();
    sum += static_cast<double>(results->front().values<float>()[0]) * batch.samples();
    samples += batch.samples();
  }
  if (sum / samples < least)
    least = sum / samples, keep();
  return Error::success();
}

void BlockTraining::keep() {
  best.clear();
  for (const RoundingTraining &weight : weights)
    best.push_back(weight.state());
}

/// Each batch once, in random order, then again.
int64_t BlockTraining::nextBatch() {
  if (order.empty()) {
    order.resize(border.taught);
    std::iota(order.begin(), order.end(), 0);
    shuffle(order, random);
  }
  int64_t next = order.back();
  order.pop_back();
  return next;
}

void BlockTraining::refresh() {
  parallelFor(0, weights.size(), [&](size_t i) {
    MutableArrayRef<float> values = tensors[i].mutableValues<float>();
    weights[i].values({values.data(), values.size()});
  });
}
