// Output files that appear whole or not at all.
//
// Bytes go to a nameless or hidden file beside the target, which takes the target's name in commit(), after fsync.
// Until then an old target stays as it is; what is not committed leaves nothing behind.
#pragma once
#include "qopt/Support/Error.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>
#include <optional>
#include <string>

namespace qopt {

class AtomicFile {
public:
  /// Begins to write `path`. `mode` is the file's permission before the umask (0777 for programs). Errors: the folder
  /// is missing or not writable, `path` is a folder, or it is the same file as one of `inputs`.
  static llvm::Expected<std::unique_ptr<AtomicFile>>
  create(llvm::StringRef path, llvm::ArrayRef<std::string> inputs = {}, unsigned mode = 0666);

  ~AtomicFile();

  llvm::raw_pwrite_stream &os() { return *stream; }

  /// Gives the file its name. Errors: anything that went wrong since create (disk full, …); the target is then
  /// unchanged.
  llvm::Error commit();

private:
  AtomicFile() = default;
  llvm::Error open(unsigned mode);
  llvm::Error giveName();
  llvm::Error failure(const llvm::Twine &what, int error) const;

  std::string shown;     // the name as the user gave it
  std::string target;    // links resolved
  std::string temporary; // empty while the file has no name
  std::unique_ptr<llvm::raw_fd_ostream> stream;
  int descriptor = -1;
  bool direct = false; // a device or pipe: written to as it comes
};

/// A folder of outputs that appears whole or not at all.
class AtomicFolder {
public:
  /// Begins a folder for `path`, which must not exist or be an empty folder.
  static llvm::Expected<std::unique_ptr<AtomicFolder>> create(llvm::StringRef path);
  ~AtomicFolder();

  /// Where the files are to be written until commit().
  const std::string &path() const { return temporary; }
  llvm::Error commit();

private:
  AtomicFolder() = default;
  std::string target, temporary;
};

/// An error when `output` and `input` are one file, by whatever names.
llvm::Error checkNotSameFile(llvm::StringRef output, llvm::StringRef input);

} // namespace qopt
