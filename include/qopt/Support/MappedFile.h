// Read-only mappings of files, and confined opening of files that a model names.
#pragma once
#include "qopt/Support/Error.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <memory>
#include <string>

namespace qopt {

/// The bytes of a regular file, mapped read-only for the life of the object.
class MappedFile {
public:
  /// Maps `path`, which the user has named. Errors: not there, not readable, not a regular file.
  static llvm::Expected<std::shared_ptr<const MappedFile>> open(llvm::StringRef path);

  /// Maps `location`, which a model has named, below `folder`. Refused, whatever stands there: an empty or absolute
  /// location, one with a NUL or a `..` component, a symbolic link in any component, a file with several hard links,
  /// and what is not a regular file. The check is made on the opened file: nothing can be swapped in between.
  static llvm::Expected<std::shared_ptr<const MappedFile>> openBeneath(llvm::StringRef folder,
                                                                       llvm::StringRef location);

  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  llvm::ArrayRef<uint8_t> bytes() const { return {data, size}; }
  llvm::StringRef text() const { return {reinterpret_cast<const char *>(data), size}; }
  const std::string &path() const { return name; }

  /// Bytes [offset, offset + length), or a sentence when they do not lie within the file.
  llvm::Expected<llvm::ArrayRef<uint8_t>> range(uint64_t offset, uint64_t length) const;

private:
  MappedFile() = default;
  static llvm::Expected<std::shared_ptr<const MappedFile>> map(int descriptor, std::string path);

  const uint8_t *data = nullptr;
  size_t size = 0;
  std::string name;
};

/// Tells the system that `bytes` will not be read soon: whole pages of them leave memory and come back from the file when they
/// are read again. Does nothing to bytes that lie in no MappedFile.
void releasePages(llvm::ArrayRef<uint8_t> bytes);

namespace detail {
/// Opens `location` below `folder` for reading, component by component: for kernels without openat2. -1 and errno.
int openBeneathByComponent(const char *folder, llvm::StringRef location);
} // namespace detail

} // namespace qopt
