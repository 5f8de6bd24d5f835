// A folder of a test's own, removed with it.
#pragma once
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <string>

class TestFolder {
public:
  TestFolder() { llvm::sys::fs::createUniqueDirectory("qopt-test", top); }
  ~TestFolder() { llvm::sys::fs::remove_directories(top); }

  std::string path(llvm::StringRef name) const { return (top + "/" + name).str(); }

  void makeFolder(llvm::StringRef name) { llvm::sys::fs::create_directories(path(name)); }

  void write(llvm::StringRef name, llvm::StringRef bytes) {
    std::error_code error;
    llvm::raw_fd_ostream(path(name), error) << bytes;
  }

  /// "<missing>" when the file is not there.
  std::string read(llvm::StringRef name) const {
    auto buffer = llvm::MemoryBuffer::getFile(path(name));
    return buffer ? (*buffer)->getBuffer().str() : "<missing>";
  }

  size_t countFiles(llvm::StringRef name = "") const {
    std::error_code error;
    size_t count = 0;
    for (llvm::sys::fs::directory_iterator it(path(name), error), end; !error && it != end; it.increment(error))
      ++count;
    return count;
  }

private:
  llvm::SmallString<128> top;
};
