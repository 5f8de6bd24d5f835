#include "qopt/Support/AtomicFile.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;

namespace qopt {
namespace {

std::string folderOf(StringRef path) {
  StringRef parent = sys::path::parent_path(path);
  return parent.empty() ? "." : parent.str();
}

/// "FOLDER/.NAME.qopt-%%%%%%%%", for createUnique….
std::string hiddenModel(StringRef path) {
  SmallString<128> model(folderOf(path));
  sys::path::append(model, "." + sys::path::filename(path) + ".qopt-%%%%%%%%");
  return model.str().str();
}

/// The file that `path` names once links are followed; `path` itself when there is none yet.
std::string resolve(StringRef path) {
  SmallString<128> real;
  return sys::fs::real_path(path, real) ? path.str() : real.str().str();
}

Error checkTarget(StringRef path) {
  if (path.empty() || path.contains('\0'))
    return makeError("the output's name is empty or holds a NUL");
  std::string folder = folderOf(path);
  if (!sys::fs::is_directory(folder))
    return makeError("cannot write " + path + ": the folder " + folder + " does not exist");
  if (access(folder.c_str(), W_OK) != 0)
    return makeError("cannot write " + path + ": the folder " + folder + " is not writable");
  return Error::success();
}

void syncFolder(StringRef path) {
  int folder = ::open(folderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0)
    return;
  fsync(folder); // some file systems cannot; the rename is done all the same
  ::close(folder);
}

} // namespace

Error checkNotSameFile(StringRef output, StringRef input) {
  bool same = false;
  if (!sys::fs::equivalent(output, input, same) && same)
    return makeError("the output " + output + " is the input " + input + "; write to another name");
  return Error::success();
}

Error AtomicFile::failure(const Twine &what, int error) const {
  return makeError("cannot " + what + " " + shown + ": " + std::strerror(error) + "; nothing was changed");
}

Expected<std::unique_ptr<AtomicFile>> AtomicFile::create(StringRef path, ArrayRef<std::string> inputs, unsigned mode) {
  for (const std::string &input : inputs)
    if (Error error = checkNotSameFile(path, input))
      return error;
  std::unique_ptr<AtomicFile> file(new AtomicFile);
  file->shown = path.str();
  file->target = resolve(path);
  struct stat status;
  if (!path.contains('\0') && stat(file->target.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode))
      return makeError("cannot write " + path + ": it is a folder");
    file->direct = !S_ISREG(status.st_mode);
  }
  if (!file->direct)
    if (Error error = checkTarget(file->target))
      return error;
  if (Error error = file->open(mode))
    return error;
  file->stream = std::make_unique<raw_fd_ostream>(file->descriptor, /*shouldClose=*/true);
  return file;
}

/// A file without a name where the file system has them: a killed process then leaves nothing behind.
Error AtomicFile::open(unsigned mode) {
  if (direct) {
    descriptor = ::open(target.c_str(), O_WRONLY | O_CLOEXEC);
    return descriptor < 0 ? failure("write", errno) : Error::success();
  }
#ifdef O_TMPFILE
  descriptor = ::open(folderOf(target).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
  if (descriptor >= 0)
    return Error::success();
#endif
  SmallString<128> name;
  if (std::error_code error = sys::fs::createUniqueFile(hiddenModel(target), descriptor, name, sys::fs::OF_None, mode))
    return failure("write", error.value());
  temporary = name.str().str();
  return Error::success();
}

/// Links the nameless file under a hidden name; rename then replaces the target in one step.
Error AtomicFile::giveName() {
  if (!temporary.empty())
    return Error::success();
  std::string self = "/proc/self/fd/" + std::to_string(descriptor);
  for (int attempt = 0; attempt < 100; ++attempt) {
    SmallString<128> name;
    sys::fs::createUniquePath(hiddenModel(target), name, /*MakeAbsolute=*/false);
    if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      temporary = name.str().str();
      return Error::success();
    }
    if (errno != EEXIST)
      break;
  }
  return failure("write", errno);
}

Error AtomicFile::commit() {
  stream->flush();
  if (std::error_code error = stream->error()) {
    stream->clear_error();
    return failure("write", error.value());
  }
  if (direct)
    return Error::success();
  if (fsync(descriptor) != 0)
    return failure("write", errno);
  if (Error error = giveName())
    return error;
  if (rename(temporary.c_str(), target.c_str()) != 0)
    return failure("write", errno);
  temporary.clear();
  stream->close();
  stream->clear_error();
  stream.reset();
  syncFolder(target);
  return Error::success();
}

AtomicFile::~AtomicFile() {
  if (stream) {
    // An unreported error would end the process.
    stream->flush();
    stream->clear_error();
    stream->close();
    stream->clear_error();
  }
  if (!temporary.empty())
    unlink(temporary.c_str());
}

Expected<std::unique_ptr<AtomicFolder>> AtomicFolder::create(StringRef path) {
  StringRef trimmed = path.rtrim('/');
  if (Error error = checkTarget(trimmed))
    return error;
  std::error_code error;
  bool isEmptyFolder =
      sys::fs::is_directory(trimmed) && sys::fs::directory_iterator(trimmed, error) == sys::fs::directory_iterator();
  if (sys::fs::exists(trimmed) && !isEmptyFolder)
    return makeError("the output " + path + " exists already; remove it or write to another name");
  std::unique_ptr<AtomicFolder> folder(new AtomicFolder);
  folder->target = trimmed.str();
  for (int attempt = 0; attempt < 100; ++attempt) {
    SmallString<128> name;
    sys::fs::createUniquePath(hiddenModel(trimmed), name, /*MakeAbsolute=*/false);
    if (mkdir(name.c_str(), 0777) == 0) {
      folder->temporary = name.str().str();
      return folder;
    }
    if (errno != EEXIST)
      break;
  }
  return makeError("cannot write " + path + ": " + std::strerror(errno));
}

Error AtomicFolder::commit() {
  // rename replaces an empty folder.
  if (rename(temporary.c_str(), target.c_str()) != 0)
    return makeError("cannot write " + target + ": " + std::strerror(errno) + "; nothing was changed");
  temporary.clear();
  syncFolder(target);
  return Error::success();
}

AtomicFolder::~AtomicFolder() {
  if (!temporary.empty())
    sys::fs::remove_directories(temporary, /*IgnoreErrors=*/true);
}

} // namespace qopt
