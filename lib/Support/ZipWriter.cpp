#include "Zip.h"
#include <zlib.h>

using namespace llvm;

namespace qopt::zip {
namespace {

constexpr uint16_t versionPlain = 20, version64 = 45;
constexpr uint16_t dosDate = 0x21; // 1 January 1980
constexpr uint64_t full32 = 0xffffffff;

/// Little-endian fields into a string.
class Record {
public:
  Record &u16(uint64_t value) { return put(value, 2); }
  Record &u32(uint64_t value) { return put(value, 4); }
  Record &u64(uint64_t value) { return put(value, 8); }
  /// A 32-bit field that says "see zip64" when the value does not fit.
  Record &size32(uint64_t value) { return u32(std::min(value, full32)); }
  Record &text(StringRef value) {
    bytes += value;
    return *this;
  }
  ArrayRef<uint8_t> data() const { return {reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()}; }
  size_t size() const { return bytes.size(); }

private:
  Record &put(uint64_t value, int size) {
    for (int i = 0; i < size; ++i)
      bytes.push_back(static_cast<char>(value >> (8 * i)));
    return *this;
  }
  std::string bytes;
};

Expected<std::vector<uint8_t>> deflateAll(ArrayRef<ArrayRef<uint8_t>> parts) {
  z_stream state = {};
  if (deflateInit2(&state, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return makeError("not enough memory to compress an array");
  std::vector<uint8_t> packed;
  std::vector<uint8_t> buffer(1 << 18);
  auto feed = [&](ArrayRef<uint8_t> bytes, int flush) {
    state.next_in = const_cast<uint8_t *>(bytes.data());
    state.avail_in = static_cast<uInt>(bytes.size());
    do {
      state.next_out = buffer.data();
      state.avail_out = static_cast<uInt>(buffer.size());
      deflate(&state, flush);
      packed.insert(packed.end(), buffer.data(), state.next_out);
    } while (state.avail_out == 0);
  };
  for (ArrayRef<uint8_t> part : parts)
    for (; !part.empty(); part = part.drop_front(std::min<size_t>(part.size(), 1u << 30)))
      feed(part.take_front(1u << 30), Z_NO_FLUSH);
  feed({}, Z_FINISH);
  deflateEnd(&state);
  return packed;
}

} // namespace

void Writer::write(ArrayRef<uint8_t> bytes) {
  os.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  position += bytes.size();
}

Error Writer::add(StringRef name, ArrayRef<ArrayRef<uint8_t>> parts, bool deflate) {
  Member member = {name.str(), deflate, 0, 0, 0, position};
  for (ArrayRef<uint8_t> part : parts) {
    member.size += part.size();
    for (; !part.empty(); part = part.drop_front(std::min<size_t>(part.size(), 1u << 30)))
      member.crc = static_cast<uint32_t>(
          crc32(member.crc, part.data(), static_cast<uInt>(std::min<size_t>(part.size(), 1u << 30))));
  }
  std::vector<uint8_t> packed;
  if (deflate) {
    Expected<std::vector<uint8_t>> result = deflateAll(parts);
    if (!result)
      return result.takeError();
    packed = std::move(*result);
  }
  member.packedSize = deflate ? packed.size() : member.size;
  bool large = member.size >= full32 || member.packedSize >= full32;
  Record extra;
  if (large)
    extra.u16(1).u16(16).u64(member.size).u64(member.packedSize);
  Record header;
  header.u32(0x04034b50).u16(large ? version64 : versionPlain).u16(0).u16(deflate ? 8 : 0).u16(0).u16(dosDate);
  header.u32(member.crc).u32(large ? full32 : member.packedSize).u32(large ? full32 : member.size);
  header.u16(name.size()).u16(extra.size()).text(name);
  write(header.data());
  write(extra.data());
  if (deflate)
    write(packed);
  else
    for (ArrayRef<uint8_t> part : parts)
      write(part);
  members.push_back(std::move(member));
  return Error::success();
}

void Writer::finish() {
  uint64_t start = position;
  for (const Member &member : members) {
    Record extra;
    for (uint64_t value : {member.size, member.packedSize, member.offset})
      if (value >= full32)
        extra.u64(value);
    Record row;
    row.u32(0x02014b50).u16(version64).u16(extra.size() ? version64 : versionPlain).u16(0).u16(member.deflated ? 8 : 0);
    row.u16(0).u16(dosDate).u32(member.crc).size32(member.packedSize).size32(member.size);
    row.u16(member.name.size()).u16(extra.size() ? extra.size() + 4 : 0).u16(0).u16(0).u16(0).u32(0);
    row.size32(member.offset).text(member.name);
    write(row.data());
    if (extra.size()) {
      write(Record().u16(1).u16(extra.size()).data());
      write(extra.data());
    }
  }
  uint64_t size = position - start, count = members.size();
  if (start >= full32 || size >= full32 || count >= 0xffff) {
    uint64_t at = position;
    write(Record().u32(0x06064b50).u64(44).u16(version64).u16(version64).u32(0).u32(0).data());
    write(Record().u64(count).u64(count).u64(size).u64(start).data());
    write(Record().u32(0x07064b50).u32(0).u64(at).u32(1).data());
  }
  Record end;
  end.u32(0x06054b50).u16(0).u16(0).u16(std::min<uint64_t>(count, 0xffff)).u16(std::min<uint64_t>(count, 0xffff));
  end.size32(size).size32(start).u16(0);
  write(end.data());
}

} // namespace qopt::zip
