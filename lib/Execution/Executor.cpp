#include "qopt/Execution/Executor.h"

using namespace llvm;

namespace qopt {

static SmallVector<ValueSpec> readSpecs(const qopt_value_desc *values, uint32_t count) {
  SmallVector<ValueSpec> specs;
  for (const qopt_value_desc &value : ArrayRef(values, count)) {
    ValueSpec &spec = specs.emplace_back();
    spec.name = value.name;
    spec.dtype = static_cast<DType>(value.dtype);
    for (int32_t dim = 0; dim < value.rank; ++dim) {
      spec.shape.push_back(value.shape[dim]);
      if (value.dim_names)
        spec.dimNames.push_back(value.dim_names[dim] ? value.dim_names[dim] : "");
    }
  }
  return specs;
}

Expected<std::unique_ptr<Executor>> Executor::create(const qopt_artifact_desc *descriptor, int32_t threads,
                                                     std::shared_ptr<const void> keepAlive) {
  char sentence[512] = "";
  qopt_artifact *artifact = descriptor->api->load(descriptor, threads, sentence, sizeof(sentence));
  if (!artifact)
    return makeError(sentence);
  std::unique_ptr<Executor> executor(new Executor);
  executor->descriptor = descriptor;
  executor->artifact = artifact;
  executor->keepAlive = std::move(keepAlive);
  executor->inputSpecs = readSpecs(descriptor->inputs, descriptor->num_inputs);
  executor->outputSpecs = readSpecs(descriptor->outputs, descriptor->num_outputs);
  return executor;
}

Executor::~Executor() {
  if (artifact)
    descriptor->api->free(artifact);
}

int32_t Executor::threads() const { return qopt_rt_threads(descriptor->api->context(artifact)); }

static Expected<qopt_tensor> toRuntime(const Tensor &tensor, const ValueSpec &spec) {
  if (tensor.rank() > QOPT_MAX_RANK)
    return makeError("input '" + spec.name + "' has " + Twine(tensor.rank()) + " dims; " + Twine(QOPT_MAX_RANK) +
                     " are the most");
  qopt_tensor result = {};
  // A pointer that is not null for tensors without elements as well.
  static char none;
  result.data = tensor.data() ? const_cast<void *>(tensor.data()) : &none;
  result.dtype = static_cast<int32_t>(tensor.dtype());
  result.rank = static_cast<int32_t>(tensor.rank());
  llvm::copy(tensor.shape(), result.shape);
  return result;
}

/// A tensor over an output's memory; `owner` gives it back.
static Expected<Tensor> fromRuntime(const qopt_tensor &result, std::shared_ptr<const void> owner) {
  auto dtype = static_cast<DType>(result.dtype);
  ArrayRef<int64_t> shape(result.shape, result.rank);
  auto bytes = countBytes(dtype, shape);
  if (!bytes)
    return bytes.takeError();
  return Tensor::borrow(dtype, shape, {static_cast<const uint8_t *>(result.data), size_t(*bytes)}, std::move(owner));
}

Expected<SmallVector<Tensor>> Executor::run(ArrayRef<Tensor> inputs) {
  if (inputs.size() != inputSpecs.size())
    return makeError("the program takes " + Twine(inputSpecs.size()) + " inputs, but " + Twine(inputs.size()) +
                     " were given");
  SmallVector<qopt_tensor> arguments, results(outputSpecs.size());
  for (auto [tensor, spec] : zip(inputs, inputSpecs)) {
    auto argument = toRuntime(tensor, spec);
    if (!argument)
      return argument.takeError();
    arguments.push_back(*argument);
  }
  if (descriptor->api->run(artifact, arguments.data(), results.data()) != 0)
    return makeError(descriptor->api->error(artifact));
  // The blocks go back to the library that gave them, which has to be there still.
  auto release = [api = descriptor->api, alive = keepAlive](const void *data) {
    api->release(const_cast<void *>(data));
  };
  SmallVector<std::shared_ptr<const void>> owners;
  for (const qopt_tensor &result : results)
    owners.emplace_back(result.data, release);
  SmallVector<Tensor> outputs;
  for (auto [result, owner] : zip(results, owners)) {
    auto tensor = fromRuntime(result, owner);
    if (!tensor)
      return tensor.takeError();
    outputs.push_back(std::move(*tensor));
  }
  return outputs;
}

void Executor::setObserver(ObserveFn observe) {
  observer = std::move(observe);
  auto call = [](void *user, int32_t site, const qopt_tensor *value) {
    static_cast<Executor *>(user)->observer(site, *value);
  };
  descriptor->api->set_observer(descriptor->api->context(artifact), observer ? +call : nullptr, this);
}

Error Executor::enableProfile() {
  if (descriptor->api->profile_enable(descriptor->api->context(artifact), int32_t(descriptor->num_kernels)) != 0)
    return makeError("there is no memory for the profile");
  return Error::success();
}

std::vector<KernelTime> Executor::profile() const {
  std::vector<KernelTime> times;
  for (uint32_t kernel = 0; kernel < descriptor->num_kernels; ++kernel) {
    qopt_rt_kernel_time time = {};
    descriptor->api->profile_read(descriptor->api->context(artifact), int32_t(kernel), &time);
    times.push_back({descriptor->kernel_names[kernel], time.calls, time.total_ns, time.min_ns, time.max_ns});
  }
  return times;
}

qopt_rt_memory Executor::memory() const {
  qopt_rt_memory memory = {};
  descriptor->api->memory_read(descriptor->api->context(artifact), &memory);
  return memory;
}

} // namespace qopt
