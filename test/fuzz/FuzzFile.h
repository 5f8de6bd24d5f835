// A file that is in memory, for readers that take a path.
#pragma once
#include "llvm/Support/Error.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

class FuzzFile {
public:
  FuzzFile(const uint8_t *data, size_t size) : descriptor(memfd_create("fuzz", MFD_CLOEXEC)) {
    if (descriptor < 0 || write(descriptor, data, size) != static_cast<ssize_t>(size))
      std::abort();
  }
  ~FuzzFile() { close(descriptor); }
  FuzzFile(const FuzzFile &) = delete;
  FuzzFile &operator=(const FuzzFile &) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor); }

private:
  int descriptor;
};

/// Reads the sentence of an error, so that it is formatted, too. Errors are one line each.
template <typename T> void dropSentence(llvm::Expected<T> &result) {
  if (!result && llvm::toString(result.takeError()).empty())
    std::abort();
}
