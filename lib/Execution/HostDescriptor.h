// A qopt_artifact_desc made by the host, for code in memory.
#pragma once
#include "qopt/Codegen/CPU/Backend.h"
#include "qopt/Codegen/Common/Signature.h"
#include "qopt/Runtime/Artifact.h"
#include <deque>
#include <string>
#include <vector>

namespace qopt {

class HostDescriptor {
public:
  HostDescriptor(const Signature &signature, std::vector<std::string> kernels, const CPUTarget &target,
                 qopt_entry_fn entry);
  HostDescriptor(const HostDescriptor &) = delete;
  const qopt_artifact_desc *get() const { return &descriptor; }

private:
  void addValues(llvm::ArrayRef<ValueSpec> specs, std::vector<qopt_value_desc> &values);
  Signature signature;
  std::vector<std::string> kernels;
  std::string target;
  std::vector<qopt_value_desc> inputs, outputs;
  std::deque<std::vector<const char *>> dimNames;
  std::vector<const char *> kernelNames;
  qopt_artifact_desc descriptor = {};
};

} // namespace qopt
