#include "qopt/Execution/Library.h"

#include "qopt/Support/MappedFile.h"

#include "llvm/Object/ELFObjectFile.h"

#include <dlfcn.h>

using namespace llvm;

namespace qopt {

/// The loader maps what the file's headers promise and trusts it: a file that is cut short would end the process.
static Error checkWhole(StringRef path) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  auto elf = object::ELFFile<object::ELF64LE>::create((*file)->text());
  if (!elf)
    return makeError("'" + path + "' is no shared library: " + toString(elf.takeError()));
  auto segments = elf->program_headers();
  if (!segments)
    return makeError("'" + path + "' is a damaged library: " + toString(segments.takeError()));
  for (const auto &segment : *segments)
    if (segment.p_offset > (*file)->bytes().size() || segment.p_filesz > (*file)->bytes().size() - segment.p_offset)
      return makeError("'" + path + "' is a damaged library: it is cut short; compile the model again");
  return Error::success();
}

Expected<std::unique_ptr<Executor>> loadArtifact(StringRef path, int32_t threads) {
  if (Error error = checkWhole(path))
    return std::move(error);
  // Without a slash dlopen would search the system's folders.
  std::string file = path.contains('/') ? path.str() : "./" + path.str();
  void *handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *reason = dlerror();
    return makeError("'" + path + "' cannot be loaded: " + (reason ? reason : "no reason given"));
  }
  std::shared_ptr<const void> library(handle, [](const void *opened) { dlclose(const_cast<void *>(opened)); });
  auto *descriptor = static_cast<const qopt_artifact_desc *>(dlsym(handle, QOPT_DESCRIPTOR_SYMBOL));
  if (!descriptor)
    return makeError("'" + path + "' is not an artifact of `qopt compile`: it has no " QOPT_DESCRIPTOR_SYMBOL);
  if (descriptor->abi_version != QOPT_ABI_VERSION)
    return makeError("'" + path + "' was compiled for ABI version " + Twine(descriptor->abi_version) +
                     ", but this qopt has " + Twine(QOPT_ABI_VERSION) + "; compile the model again");
  auto executor = Executor::create(descriptor, threads, std::move(library));
  if (!executor)
    return inContext("'" + path + "'", executor.takeError());
  return executor;
}

} // namespace qopt
