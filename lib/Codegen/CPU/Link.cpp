#include "RuntimeArchive.h"
#include "qopt/Codegen/CPU/Artifact.h"
#include "qopt/Support/Error.h"

#include "lld/Common/CommonLinkerContext.h"
#include "lld/Common/Driver.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/raw_ostream.h"

LLD_HAS_DRIVER(elf)

using namespace llvm;

namespace qopt {

static Error writeFile(StringRef path, StringRef bytes) {
  std::error_code failed;
  raw_fd_ostream os(path, failed);
  if (!failed)
    os << bytes;
  os.close();
  if (failed || os.has_error()) {
    os.clear_error();
    return makeError("'" + path + "' cannot be written: " + (failed ? failed : os.error()).message());
  }
  return Error::success();
}

/// libc and libm, so that the object says what it needs.
static void addSystemLibraries(std::vector<std::string> &words) {
  for (const char *name : {"libc.so.6", "libm.so.6"})
    for (const char *folder : {"/lib/x86_64-linux-gnu/", "/lib64/", "/usr/lib64/", "/usr/lib/"})
      if (std::string path = std::string(folder) + name; sys::fs::exists(path)) {
        words.push_back(path);
        break;
      }
}

/// Only the descriptor and the functions of the header are seen from outside.
static std::string versionScript(StringRef prefix) {
  std::string text = "{ global: qopt_artifact_descriptor;";
  for (const char *name : {"load", "run", "shape", "error", "release", "free"})
    text += (" " + prefix + "_" + name + ";").str();
  return text + " local: *; };\n";
}

static Error runLinker(ArrayRef<std::string> words) {
  std::vector<const char *> arguments;
  for (const std::string &word : words)
    arguments.push_back(word.c_str());
  std::string said;
  raw_string_ostream os(said);
  const lld::DriverDef drivers[] = {{lld::Gnu, &lld::elf::link}};
  lld::Result result = lld::lldMain(arguments, os, os, drivers);
  lld::CommonLinkerContext::destroy();
  if (result.retCode == 0)
    return Error::success();
  return makeError("the linker failed: " + StringRef(said).trim().split('\n').first);
}

Error linkArtifact(ArrayRef<std::string> objects, StringRef output, StringRef prefix, bool relocatable) {
  std::vector<std::string> words = {"ld.lld", "-o", output.str(), "--build-id=none"};
  words.insert(words.end(), objects.begin(), objects.end());
  if (relocatable) {
    words.push_back("-r");
    return runLinker(words);
  }
  SmallString<128> archive, script;
  if (std::error_code failed = sys::fs::createTemporaryFile("qopt-runtime", "a", archive))
    return makeError("no temporary file can be made: " + failed.message());
  FileRemover removeArchive(archive);
  if (std::error_code failed = sys::fs::createTemporaryFile("qopt-exports", "ver", script))
    return makeError("no temporary file can be made: " + failed.message());
  FileRemover removeScript(script);
  if (Error error = writeFile(archive, runtimeArchive()))
    return error;
  if (Error error = writeFile(script, versionScript(prefix)))
    return error;
  for (StringRef word : {"-shared", "-z", "noexecstack", "-z", "relro", "-z", "now", "--gc-sections", "--strip-debug"})
    words.push_back(word.str());
  words.push_back(("--version-script=" + script).str());
  words.push_back(archive.str().str());
  addSystemLibraries(words);
  return runLinker(words);
}

} // namespace qopt
