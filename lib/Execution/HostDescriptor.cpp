#include "HostDescriptor.h"

namespace qopt {

HostDescriptor::HostDescriptor(const Signature &given, std::vector<std::string> givenKernels, const CPUTarget &cpu,
                               qopt_entry_fn entry)
    : signature(given), kernels(std::move(givenKernels)), target(cpu.name) {
  addValues(signature.inputs, inputs);
  addValues(signature.outputs, outputs);
  for (const std::string &kernel : kernels)
    kernelNames.push_back(kernel.c_str());
  descriptor.abi_version = QOPT_ABI_VERSION;
  descriptor.num_inputs = inputs.size();
  descriptor.num_outputs = outputs.size();
  descriptor.num_kernels = kernelNames.size();
  descriptor.cpu_features = cpu.required;
  descriptor.model = "model";
  descriptor.target = target.c_str();
  descriptor.inputs = inputs.data();
  descriptor.outputs = outputs.data();
  descriptor.kernel_names = kernelNames.data();
  descriptor.entry = entry;
  descriptor.api = &qopt_rt_artifact_api;
}

void HostDescriptor::addValues(llvm::ArrayRef<ValueSpec> specs, std::vector<qopt_value_desc> &values) {
  for (const ValueSpec &spec : specs) {
    qopt_value_desc value = {};
    value.name = spec.name.c_str();
    value.dtype = static_cast<int32_t>(spec.dtype);
    value.rank = static_cast<int32_t>(spec.shape.size());
    value.shape = spec.shape.data();
    if (!spec.dimNames.empty()) {
      std::vector<const char *> &names = dimNames.emplace_back();
      for (const std::string &name : spec.dimNames)
        names.push_back(name.empty() ? nullptr : name.c_str());
      value.dim_names = names.data();
    }
    values.push_back(value);
  }
}

} // namespace qopt
