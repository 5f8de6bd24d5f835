// The statistics file: "QOPTSTAT", u32 version, u64 length of the index, the index (JSON), then the arrays that it points at.
#include "qopt/Calibration/Statistics.h"
#include "qopt/Support/AtomicFile.h"
#include "qopt/Support/Json.h"
#include "qopt/Support/MappedFile.h"

#include "llvm/Support/Endian.h"

#include <functional>

using namespace llvm;
using namespace qopt;

namespace {

constexpr StringLiteral kMagic = "QOPTSTAT";
constexpr uint32_t kVersion = 1;
constexpr size_t kHeader = kMagic.size() + sizeof(uint32_t) + sizeof(uint64_t);

/// Arrays one after another; each entry of the index is [offset, length]. Gram matrices are large: each array is made once for its length
/// and once to be written, so that only one is in memory.
class ArrayPool {
public:
  template <typename T> json::Value add(const T &value) {
    auto length = static_cast<int64_t>(value.serialize().size());
    json::Array entry{size, length};
    size += length;
    arrays.push_back([&value] { return value.serialize(); });
    return entry;
  }
  void write(raw_ostream &os) const {
    for (const auto &array : arrays) {
      std::vector<uint8_t> bytes = array();
      os << StringRef(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    }
  }

private:
  int64_t size = 0;
  std::vector<std::function<std::vector<uint8_t>()>> arrays;
};

json::Object indexOf(const Statistics &statistics, ArrayPool &pool) {
  json::Array sites;
  for (const SiteStatistics &site : statistics.sites) {
    json::Object entry{{"name", site.info().name}, {"channel_axis", site.info().channelAxis}};
    if (site.reached()) {
      entry["histogram"] = pool.add(site.histogram);
      entry["moving_range"] = pool.add(site.movingRange);
      if (site.ranges.channels() > 0) {
        entry["ranges"] = pool.add(site.ranges);
        entry["moments"] = pool.add(site.moments);
      }
    }
    sites.push_back(std::move(entry));
  }
  json::Array inputs;
  for (const auto &[key, input] : statistics.inputs)
    inputs.push_back(json::Object{
        {"key", key}, {"gram", pool.add(input.gram)}, {"moments", pool.add(input.moments)}});
  return json::Object{{"model", statistics.modelHash},
                      {"tool", statistics.tool},
                      {"data", statistics.dataHash.hex()},
                      {"samples", statistics.samples},
                      {"sites", std::move(sites)},
                      {"inputs", std::move(inputs)}};
}

class Reader {
public:
  Reader(StringRef path, ArrayRef<uint8_t> file) : path(path), file(file) {}

  Expected<Statistics> read() {
    if (file.size() < kHeader || StringRef(reinterpret_cast<const char *>(file.data()), kMagic.size()) != kMagic)
      return damaged("it is no statistics file of qopt");
    if (uint32_t version = support::endian::read32le(file.data() + kMagic.size()); version != kVersion)
      return damaged("it has format version " + Twine(version) + ", this qopt reads " + Twine(kVersion));
    uint64_t length = support::endian::read64le(file.data() + kMagic.size() + sizeof(uint32_t));
    if (length > file.size() - kHeader)
      return damaged("it ends within its index");
    auto index = parseJson(StringRef(reinterpret_cast<const char *>(file.data()) + kHeader, length));
    if (!index)
      return damaged("its index is no JSON: " + toString(index.takeError()));
    arrays = file.drop_front(kHeader + length);
    const json::Object *top = index->getAsObject();
    const json::Array *sites = top ? top->getArray("sites") : nullptr;
    auto hash = top ? DataHash::parse(top->getString("data").value_or("")) : std::nullopt;
    if (!sites || !hash)
      return damaged("its index lacks a key");
    Statistics statistics;
    statistics.modelHash = top->getString("model").value_or("").str();
    statistics.tool = top->getString("tool").value_or("").str();
    statistics.dataHash = *hash;
    statistics.samples = top->getInteger("samples").value_or(0);
    for (const json::Value &entry : *sites)
      if (Error error = readSite(entry.getAsObject(), statistics))
        return std::move(error);
    if (const json::Array *inputs = top->getArray("inputs"))
      for (const json::Value &entry : *inputs)
        if (Error error = readInput(entry.getAsObject(), statistics))
          return std::move(error);
    return statistics;
  }

private:
  Error damaged(const Twine &what) const { return makeError(path + ": " + what + "; calibrate again"); }

  Error readSite(const json::Object *entry, Statistics &statistics) {
    auto name = entry ? entry->getString("name") : std::nullopt;
    if (!name)
      return damaged("a site of its index has no name");
    SiteStatistics site({name->str(), entry->getInteger("channel_axis").value_or(-1)});
    if (Error error = load(*entry, "histogram", site.histogram))
      return error;
    if (Error error = load(*entry, "moving_range", site.movingRange))
      return error;
    if (Error error = load(*entry, "ranges", site.ranges))
      return error;
    if (Error error = load(*entry, "moments", site.moments))
      return error;
    statistics.sites.push_back(std::move(site));
    return Error::success();
  }

  Error readInput(const json::Object *entry, Statistics &statistics) {
    auto key = entry ? entry->getString("key") : std::nullopt;
    if (!key)
      return damaged("an input of its index has no key");
    InputStats input;
    if (Error error = load(*entry, "gram", input.gram))
      return error;
    if (Error error = load(*entry, "moments", input.moments))
      return error;
    statistics.inputs.try_emplace(key->str(), std::move(input));
    return Error::success();
  }

  template <typename T> Error load(const json::Object &entry, StringRef key, T &out) {
    const json::Array *place = entry.getArray(key);
    if (!place)
      return Error::success();
    auto offset = place->size() == 2 ? (*place)[0].getAsUINT64() : std::nullopt;
    auto length = place->size() == 2 ? (*place)[1].getAsUINT64() : std::nullopt;
    if (!offset || !length || *offset > arrays.size() || *length > arrays.size() - *offset)
      return damaged("array '" + key + "' lies outside of the file");
    if (*offset != end)
      return damaged("array '" + key + "' does not begin where the one before it ends");
    end += *length;
    auto value = T::deserialize({arrays.data() + *offset, static_cast<size_t>(*length)});
    if (!value)
      return makeError(path + ": array '" + key + "': " + value.error());
    out = std::move(*value);
    return Error::success();
  }

  StringRef path;
  ArrayRef<uint8_t> file, arrays;
  uint64_t end = 0; // of the arrays read so far: one that a thousand sites share would take a thousand times its bytes
};

} // namespace

Error qopt::writeStatistics(StringRef path, const Statistics &statistics) {
  ArrayPool pool;
  std::string index;
  raw_string_ostream(index) << json::Value(indexOf(statistics, pool));
  auto file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  raw_ostream &os = (*file)->os();
  char numbers[sizeof(uint32_t) + sizeof(uint64_t)];
  support::endian::write32le(numbers, kVersion);
  support::endian::write64le(numbers + sizeof(uint32_t), index.size());
  os << kMagic << StringRef(numbers, sizeof(numbers)) << index;
  pool.write(os);
  return (*file)->commit();
}

Expected<Statistics> qopt::readStatistics(StringRef path) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  return Reader(path, (*file)->bytes()).read();
}
