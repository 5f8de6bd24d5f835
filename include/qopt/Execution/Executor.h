// A program that is ready to run. Knows nothing of how it was made.
#pragma once
#include "qopt/Runtime/Artifact.h"
#include "qopt/Support/Tensor.h"
#include "qopt/Support/ValueSpec.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace qopt {

struct KernelTime {
  std::string name;
  int64_t calls = 0, totalNs = 0, minNs = 0, maxNs = 0;
};

class Executor {
public:
  /// Runs the program that `descriptor` describes; `keepAlive` holds its code and constants. `threads` 0: one a core.
  /// Errors: the machine lacks what the program was built for.
  static llvm::Expected<std::unique_ptr<Executor>> create(const qopt_artifact_desc *descriptor, int32_t threads,
                                                          std::shared_ptr<const void> keepAlive);
  ~Executor();
  Executor(const Executor &) = delete;

  llvm::ArrayRef<ValueSpec> inputs() const { return inputSpecs; }
  llvm::ArrayRef<ValueSpec> outputs() const { return outputSpecs; }
  int32_t threads() const;
  llvm::StringRef target() const { return descriptor->target; }

  /// One run; inputs in the order of inputs(). Errors: number, type or shape of an input, or what the program raises.
  llvm::Expected<llvm::SmallVector<Tensor>> run(llvm::ArrayRef<Tensor> inputs);

  /// Calls `observe(site, value)` at each observed site of a run, in program order; null turns it off. The value's data
  /// is valid during the call only.
  using ObserveFn = std::function<void(int32_t site, const qopt_tensor &value)>;
  void setObserver(ObserveFn observe);

  /// Counts the time in kernels from now on. Errors: no memory.
  llvm::Error enableProfile();
  std::vector<KernelTime> profile() const;

  qopt_rt_memory memory() const;

private:
  Executor() = default;
  const qopt_artifact_desc *descriptor = nullptr;
  qopt_artifact *artifact = nullptr;
  std::shared_ptr<const void> keepAlive;
  llvm::SmallVector<ValueSpec> inputSpecs, outputSpecs;
  ObserveFn observer;
};

} // namespace qopt
