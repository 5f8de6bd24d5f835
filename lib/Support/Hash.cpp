#include "qopt/Support/Hash.h"
#include "qopt/Support/MappedFile.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace qopt {

/// Of a file that is in memory at once: models have gigabytes.
static constexpr size_t kPiece = size_t(16) << 20;

std::string Hasher::hex() { return toHex(state.result(), /*LowerCase=*/true); }
std::string sha256(ArrayRef<uint8_t> bytes) { return Hasher().add(bytes).hex(); }
std::string sha256(StringRef text) { return Hasher().add(text).hex(); }

Expected<std::string> sha256OfFile(StringRef path) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  Hasher hasher;
  ArrayRef<uint8_t> bytes = (*file)->bytes();
  for (size_t begin = 0; begin < bytes.size(); begin += kPiece) {
    ArrayRef<uint8_t> piece = bytes.slice(begin, std::min(kPiece, bytes.size() - begin));
    hasher.add(piece);
    releasePages(piece);
  }
  return hasher.hex();
}

} // namespace qopt
