// SHA-256, in hexadecimal, for provenance.
#pragma once
#include "qopt/Support/Error.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/SHA256.h"
#include <string>

namespace qopt {

/// Hashes what is added piece by piece.
class Hasher {
public:
  Hasher &add(llvm::ArrayRef<uint8_t> bytes) {
    state.update(bytes);
    return *this;
  }
  Hasher &add(llvm::StringRef text) {
    state.update(text);
    return *this;
  }
  /// 64 hexadecimal digits of all that was added so far.
  std::string hex();

private:
  llvm::SHA256 state;
};

std::string sha256(llvm::ArrayRef<uint8_t> bytes);
std::string sha256(llvm::StringRef text);
/// Errors: the file cannot be read.
llvm::Expected<std::string> sha256OfFile(llvm::StringRef path);

} // namespace qopt
