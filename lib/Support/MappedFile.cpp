#include "qopt/Support/MappedFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/openat2.h>
#include <map>
#include <mutex>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace llvm;

namespace qopt {
namespace {

// Non-blocking, so that a FIFO without a writer does not hang us; regular files do not mind.
constexpr int readFlags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

/// openat2 that stays beneath `folder` and follows no link; -1 and errno.
int openConfined(int folder, const char *location) {
#ifdef SYS_openat2
  open_how how = {};
  how.flags = readFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(syscall(SYS_openat2, folder, location, &how, sizeof how));
#else
  errno = ENOSYS;
  return -1;
#endif
}

int openBeneathFolder(const char *folder, StringRef location) {
  int top = ::open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (top < 0)
    return -1;
  int file = openConfined(top, location.str().c_str());
  int error = errno;
  ::close(top);
  errno = error;
  // A container's filter may refuse the call itself.
  if (file < 0 && (error == ENOSYS || error == EPERM || error == EINVAL))
    return detail::openBeneathByComponent(folder, location);
  return file;
}

/// Why `location` may not even be looked up; empty when it may.
StringRef refuseLocation(StringRef location) {
  if (location.empty())
    return "is empty";
  if (location.contains('\0'))
    return "holds a NUL";
  if (location.starts_with("/"))
    return "is absolute";
  if (is_contained(split(location, '/'), ".."))
    return "leaves the folder by '..'";
  return "";
}

std::string reasonOf(int error) {
  if (error == ELOOP || error == EXDEV)
    return "is or passes through a symbolic link; put the file itself there";
  return std::string("cannot be opened: ") + std::strerror(error);
}

/// What is mapped, by first byte: only these pages may be given back, as heap pages would lose what they hold.
class Mappings {
public:
  static Mappings &get() {
    static Mappings mappings;
    return mappings;
  }
  void add(const uint8_t *data, size_t size) {
    std::lock_guard guard(mutex);
    sizes[data] = size;
  }
  void remove(const uint8_t *data) {
    std::lock_guard guard(mutex);
    sizes.erase(data);
  }
  void release(ArrayRef<uint8_t> bytes) {
    std::lock_guard guard(mutex);
    auto after = sizes.upper_bound(bytes.data());
    if (after == sizes.begin())
      return;
    auto [data, size] = *std::prev(after);
    if (bytes.end() > data + size)
      return;
    auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    auto begin = alignTo(reinterpret_cast<uintptr_t>(bytes.begin()), page);
    auto end = alignDown(reinterpret_cast<uintptr_t>(bytes.end()), page);
    if (begin < end)
      madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
  }

private:
  std::mutex mutex;
  std::map<const uint8_t *, size_t> sizes;
};

} // namespace

int detail::openBeneathByComponent(const char *folder, StringRef location) {
  int current = ::open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  SmallVector<StringRef> components;
  location.split(components, '/', -1, /*KeepEmpty=*/false);
  for (size_t i = 0; i < components.size() && current >= 0; ++i) {
    bool last = i + 1 == components.size();
    int flags = last ? readFlags | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int next = ::openat(current, components[i].str().c_str(), flags);
    int error = errno;
    ::close(current);
    current = next;
    // For O_PATH a link is "not a directory"; the sentence should be the same as openat2's.
    errno = !last && error == ENOTDIR ? ELOOP : error;
  }
  return current;
}

Expected<std::shared_ptr<const MappedFile>> MappedFile::map(int descriptor, std::string path) {
  struct stat status;
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    return makeError(path + " is not a regular file");
  }
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->name = std::move(path);
  file->size = static_cast<size_t>(status.st_size);
  void *data = nullptr;
  if (file->size != 0)
    data = mmap(nullptr, file->size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  int error = errno;
  ::close(descriptor);
  if (data == MAP_FAILED) {
    file->size = 0;
    return makeError(file->name + " cannot be mapped: " + std::strerror(error));
  }
  file->data = static_cast<const uint8_t *>(data);
  if (file->size != 0)
    Mappings::get().add(file->data, file->size);
  return std::shared_ptr<const MappedFile>(std::move(file));
}

Expected<std::shared_ptr<const MappedFile>> MappedFile::open(StringRef path) {
  if (path.empty() || path.contains('\0'))
    return makeError("a file name is empty or holds a NUL");
  int descriptor = ::open(path.str().c_str(), readFlags);
  if (descriptor < 0)
    return makeError(path + " cannot be opened: " + std::strerror(errno));
  return map(descriptor, path.str());
}

Expected<std::shared_ptr<const MappedFile>> MappedFile::openBeneath(StringRef folder, StringRef location) {
  StringRef where = folder.empty() ? "." : folder;
  // A NUL would end the message early for whoever prints it.
  std::string shown = "external file '" + location.take_until([](char c) { return c == '\0'; }).str() + "' ";
  if (StringRef reason = refuseLocation(location); !reason.empty())
    return makeError(shown + reason + "; data must lie in the model's folder, " + where + ", under a relative name");
  int descriptor = openBeneathFolder(where.str().c_str(), location);
  if (descriptor < 0)
    return makeError(shown + reasonOf(errno) + " (looked for in " + where + ")");
  struct stat status;
  if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink > 1) {
    ::close(descriptor);
    return makeError(shown + "has further hard links, perhaps outside the folder; replace it with a copy (in " + where +
                     ")");
  }
  SmallString<128> path(where);
  sys::path::append(path, location);
  return map(descriptor, path.str().str());
}

MappedFile::~MappedFile() {
  if (size == 0)
    return;
  Mappings::get().remove(data);
  munmap(const_cast<uint8_t *>(data), size);
}

void releasePages(ArrayRef<uint8_t> bytes) { Mappings::get().release(bytes); }

Expected<ArrayRef<uint8_t>> MappedFile::range(uint64_t offset, uint64_t length) const {
  if (offset > size || length > size - offset)
    return makeError("bytes " + Twine(offset) + " to " + Twine(offset) + "+" + Twine(length) + " lie outside " + name +
                     ", which has " + Twine(size));
  return bytes().slice(offset, length);
}

} // namespace qopt
