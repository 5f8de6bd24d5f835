// The part of the ZIP format that numpy's .npz uses (PKWARE APPNOTE 6.3.10): stored and deflated members, zip64.
#pragma once
#include "qopt/Support/MappedFile.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/raw_ostream.h"
#include <vector>

namespace qopt::zip {

struct Member {
  std::string name;
  bool deflated;
  uint32_t crc;
  uint64_t packedSize, size; // sizes as the archive declares them
  uint64_t offset;           // of the member's bytes in the file
};

/// The members of an archive, in its order. Errors: no archive, cut short, encrypted, another compression, one name
/// twice, members that lie outside the file or declare more than deflate can hold.
llvm::Expected<std::vector<Member>> readDirectory(const MappedFile &file);

/// Reads a member from front to back; memory does not depend on its size.
class Stream {
public:
  static llvm::Expected<std::unique_ptr<Stream>> open(std::shared_ptr<const MappedFile> file, const Member &member);
  ~Stream();

  /// Fills `out`. Errors: the member ends early or is damaged; at its end also a checksum that does not match, when all
  /// of it was read.
  llvm::Error read(llvm::MutableArrayRef<uint8_t> out);
  llvm::Error skip(uint64_t bytes);
  uint64_t position() const { return done; }

private:
  Stream() = default;
  llvm::Error readStored(llvm::MutableArrayRef<uint8_t> out);
  llvm::Error inflateInto(llvm::MutableArrayRef<uint8_t> out);
  llvm::Error damaged(const llvm::Twine &how) const;

  std::shared_ptr<const MappedFile> file;
  Member member;
  uint64_t done = 0, taken = 0; // bytes given out, and bytes of the file consumed
  uint32_t crc = 0;
  bool skipped = false;     // stored bytes were stepped over: no checksum
  void *inflater = nullptr; // z_stream
};

/// Writes an archive member after member. Nothing in it depends on the time.
class Writer {
public:
  explicit Writer(llvm::raw_ostream &os) : os(os) {}

  /// Adds a member whose bytes are `parts` one after another.
  llvm::Error add(llvm::StringRef name, llvm::ArrayRef<llvm::ArrayRef<uint8_t>> parts, bool deflate);
  /// Writes the directory: the archive is complete.
  void finish();

private:
  void write(llvm::ArrayRef<uint8_t> bytes);

  llvm::raw_ostream &os;
  uint64_t position = 0;
  std::vector<Member> members; // offset: of the local header
};

} // namespace qopt::zip
