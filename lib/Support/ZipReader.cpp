#include "Zip.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Endian.h"
#include <sys/mman.h>
#include <zlib.h>

using namespace llvm;

namespace qopt::zip {
namespace {

constexpr uint32_t localSignature = 0x04034b50, centralSignature = 0x02014b50, endSignature = 0x06054b50;
constexpr uint32_t end64Signature = 0x06064b50, locatorSignature = 0x07064b50;
constexpr uint64_t localSize = 30, centralSize = 46, endSize = 22, end64Size = 56, locatorSize = 20;
constexpr uint32_t full32 = 0xffffffff;
// The most that a deflated byte can become (zlib's technical notes), and room for tiny members.
constexpr uint64_t maxRatio = 1032, ratioSlack = 1024;

uint16_t get16(const uint8_t *at) { return support::endian::read16le(at); }
uint32_t get32(const uint8_t *at) { return support::endian::read32le(at); }
uint64_t get64(const uint8_t *at) { return support::endian::read64le(at); }

struct Directory {
  uint64_t count, size, offset;
};

class Parser {
public:
  explicit Parser(const MappedFile &file) : file(file), bytes(file.bytes()) {}

  Expected<std::vector<Member>> run() {
    Expected<Directory> directory = findDirectory();
    if (!directory)
      return directory.takeError();
    if (directory->offset > bytes.size() || directory->size > bytes.size() - directory->offset ||
        directory->count > directory->size / centralSize)
      return broken("its directory lies outside the file");
    ArrayRef<uint8_t> rest = bytes.slice(directory->offset, directory->size);
    std::vector<Member> members;
    StringSet<> names;
    for (uint64_t i = 0; i < directory->count; ++i) {
      Expected<Member> member = entry(rest);
      if (!member)
        return member.takeError();
      if (!names.insert(member->name).second)
        return broken("it holds '" + member->name + "' twice");
      members.push_back(std::move(*member));
    }
    return members;
  }

private:
  Error broken(const Twine &how) const { return makeError(file.path() + " is not a usable archive: " + how); }

  Expected<Directory> findDirectory() const {
    if (bytes.size() < endSize)
      return broken("it is too short");
    // The end record is followed by a comment of up to 64 KiB.
    uint64_t last = bytes.size() - endSize, first = last > 0xffff ? last - 0xffff : 0;
    for (uint64_t at = last + 1; at-- > first;) {
      const uint8_t *end = bytes.data() + at;
      if (get32(end) != endSignature || get16(end + 20) != last - at)
        continue;
      Directory directory = {get16(end + 10), get32(end + 12), get32(end + 16)};
      if (directory.count == 0xffff || directory.size == full32 || directory.offset == full32)
        return findDirectory64(at);
      return directory;
    }
    return broken("it has no directory (cut short, or no zip file)");
  }

  Expected<Directory> findDirectory64(uint64_t endAt) const {
    if (endAt < locatorSize || get32(bytes.data() + endAt - locatorSize) != locatorSignature)
      return broken("its zip64 directory is missing");
    uint64_t at = get64(bytes.data() + endAt - locatorSize + 8);
    if (at > bytes.size() || bytes.size() - at < end64Size || get32(bytes.data() + at) != end64Signature)
      return broken("its zip64 directory is damaged");
    const uint8_t *end = bytes.data() + at;
    return Directory{get64(end + 32), get64(end + 40), get64(end + 48)};
  }

  /// Reads the entry at the front of `rest` and steps over it.
  Expected<Member> entry(ArrayRef<uint8_t> &rest) const {
    if (rest.size() < centralSize || get32(rest.data()) != centralSignature)
      return broken("its directory is damaged");
    const uint8_t *row = rest.data();
    uint64_t nameSize = get16(row + 28), extraSize = get16(row + 30), commentSize = get16(row + 32);
    uint64_t whole = centralSize + nameSize + extraSize + commentSize;
    if (rest.size() < whole)
      return broken("its directory is damaged");
    Member member;
    member.name.assign(reinterpret_cast<const char *>(row + centralSize), nameSize);
    uint16_t flags = get16(row + 8), method = get16(row + 10);
    if (flags & 1)
      return broken("'" + member.name + "' is encrypted");
    if (method != 0 && method != 8)
      return broken("'" + member.name + "' is compressed by method " + Twine(method) +
                    ", but only stored and deflated members can be read");
    member.deflated = method == 8;
    member.crc = get32(row + 16);
    member.packedSize = get32(row + 20);
    member.size = get32(row + 24);
    member.offset = get32(row + 42);
    if (!applyZip64(rest.slice(centralSize + nameSize, extraSize), member))
      return broken("the zip64 sizes of '" + member.name + "' are damaged");
    rest = rest.drop_front(whole);
    if (Error error = locate(member))
      return error;
    return member;
  }

  /// Takes the sizes that do not fit in 32 bits from extra field 1.
  static bool applyZip64(ArrayRef<uint8_t> extra, Member &member) {
    SmallVector<uint64_t *, 3> wanted;
    for (uint64_t *field : {&member.size, &member.packedSize, &member.offset})
      if (*field == full32)
        wanted.push_back(field);
    while (!wanted.empty()) {
      if (extra.size() < 4 || extra.size() - 4 < get16(extra.data() + 2))
        return false;
      uint64_t size = get16(extra.data() + 2);
      if (get16(extra.data()) == 1) {
        for (size_t i = 0; i < wanted.size(); ++i) {
          if (size < 8 * (i + 1))
            return false;
          *wanted[i] = get64(extra.data() + 4 + 8 * i);
        }
        return true;
      }
      extra = extra.drop_front(4 + size);
    }
    return true;
  }

  /// From the local header to the bytes behind it.
  Error locate(Member &member) const {
    uint64_t at = member.offset;
    if (at > bytes.size() || bytes.size() - at < localSize || get32(bytes.data() + at) != localSignature)
      return broken("'" + member.name + "' lies outside the file");
    uint64_t header = localSize + get16(bytes.data() + at + 26) + get16(bytes.data() + at + 28);
    if (bytes.size() - at < header || bytes.size() - at - header < member.packedSize)
      return broken("'" + member.name + "' is cut short");
    member.offset = at + header;
    if (!member.deflated && member.size != member.packedSize)
      return broken("'" + member.name + "' is stored, but its two sizes differ");
    if (member.deflated && member.size > ratioSlack && (member.size - ratioSlack) / maxRatio > member.packedSize)
      return broken("'" + member.name + "' declares " + Twine(member.size) + " bytes, more than its " +
                    Twine(member.packedSize) + " compressed ones can hold");
    return Error::success();
  }

  const MappedFile &file;
  ArrayRef<uint8_t> bytes;
};

z_stream &zlib(void *inflater) { return *static_cast<z_stream *>(inflater); }

/// Lets go of the pages of a mapped file that have been read: they must not count as this process's memory.
void forgetPages(ArrayRef<uint8_t> bytes) {
  constexpr uintptr_t page = 4096;
  uintptr_t begin = (reinterpret_cast<uintptr_t>(bytes.data()) + page - 1) / page * page;
  uintptr_t end = reinterpret_cast<uintptr_t>(bytes.data() + bytes.size()) / page * page;
  if (end > begin)
    madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
}

} // namespace

Expected<std::vector<Member>> readDirectory(const MappedFile &file) { return Parser(file).run(); }

Expected<std::unique_ptr<Stream>> Stream::open(std::shared_ptr<const MappedFile> file, const Member &member) {
  std::unique_ptr<Stream> stream(new Stream);
  stream->file = std::move(file);
  stream->member = member;
  if (!member.deflated)
    return stream;
  auto state = std::make_unique<z_stream>();
  if (inflateInit2(state.get(), -MAX_WBITS) != Z_OK) // raw deflate
    return makeError("not enough memory to unpack '" + member.name + "'");
  stream->inflater = state.release();
  return stream;
}

Stream::~Stream() {
  if (!inflater)
    return;
  inflateEnd(&zlib(inflater));
  delete &zlib(inflater);
}

Error Stream::damaged(const Twine &how) const {
  return makeError("'" + member.name + "' in " + file->path() + " " + how);
}

Error Stream::read(MutableArrayRef<uint8_t> out) {
  if (out.size() > member.size - done)
    return damaged("ends after " + Twine(member.size) + " bytes, but " + Twine(done + out.size()) + " are needed");
  if (Error error = member.deflated ? inflateInto(out) : readStored(out))
    return error;
  // zlib's lengths have 32 bits.
  for (ArrayRef<uint8_t> rest = out; !rest.empty();) {
    size_t step = std::min<size_t>(rest.size(), 1u << 30);
    crc = static_cast<uint32_t>(crc32(crc, rest.data(), static_cast<uInt>(step)));
    rest = rest.drop_front(step);
  }
  done += out.size();
  if (done == member.size && !skipped && crc != member.crc)
    return damaged("is damaged: its checksum does not match");
  return Error::success();
}

Error Stream::readStored(MutableArrayRef<uint8_t> out) {
  ArrayRef<uint8_t> source = file->bytes().slice(member.offset + done, out.size());
  llvm::copy(source, out.begin());
  forgetPages(source);
  return Error::success();
}

Error Stream::inflateInto(MutableArrayRef<uint8_t> out) {
  constexpr size_t step = 1 << 20;
  z_stream &state = zlib(inflater);
  while (!out.empty()) {
    ArrayRef<uint8_t> source =
        file->bytes().slice(member.offset + taken, std::min<size_t>(step, member.packedSize - taken));
    size_t wanted = std::min<size_t>(step, out.size());
    state.next_in = const_cast<uint8_t *>(source.data());
    state.avail_in = static_cast<uInt>(source.size());
    state.next_out = out.data();
    state.avail_out = static_cast<uInt>(wanted);
    int status = inflate(&state, Z_NO_FLUSH);
    size_t used = source.size() - state.avail_in, made = wanted - state.avail_out;
    forgetPages(source.take_front(used));
    taken += used;
    out = out.drop_front(made);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
      return damaged(Twine("is damaged: ") + (state.msg ? state.msg : "it cannot be unpacked"));
    if (!out.empty() && (status == Z_STREAM_END || (used == 0 && made == 0)))
      return damaged("is damaged: it holds less than it declares");
  }
  return Error::success();
}

Error Stream::skip(uint64_t bytes) {
  if (bytes > member.size - done)
    return damaged("ends after " + Twine(member.size) + " bytes");
  if (!member.deflated) {
    skipped |= bytes != 0;
    done += bytes;
    return Error::success();
  }
  std::vector<uint8_t> waste(std::min<uint64_t>(bytes, 1 << 16));
  for (; bytes != 0; bytes -= waste.size()) {
    if (waste.size() > bytes)
      waste.resize(bytes);
    if (Error error = read(waste))
      return error;
  }
  return Error::success();
}

} // namespace qopt::zip
