#include "qopt/Support/Hash.h"
#include "qopt/Support/MappedFile.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace qopt {

std::string Hasher::hex() { return toHex(state.result(), /*LowerCase=*/true); }
std::string sha256(ArrayRef<uint8_t> bytes) { return Hasher().add(bytes).hex(); }
std::string sha256(StringRef text) { return Hasher().add(text).hex(); }

Expected<std::string> sha256OfFile(StringRef path) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  return sha256((*file)->bytes());
}

} // namespace qopt
