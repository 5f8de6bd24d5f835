#include "WorkFolder.h"

#include "qopt/Support/AtomicFile.h"
#include "qopt/Support/Hash.h"
#include "qopt/Support/Json.h"
#include "qopt/Support/Safetensors.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/xxhash.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

using namespace llvm;
using namespace qopt;

namespace {

constexpr StringLiteral kLock = "lock", kRun = "run.json", kStatistics = "calibration.stats", kEnding = ".safetensors";
constexpr size_t kDigits = 32; ///< of the hash that a file is named by

std::string fileOf(StringRef site) { return sha256(site).substr(0, kDigits) + kEnding.str(); }

bool isWeightFile(StringRef name) {
  return name.consume_back(kEnding) && name.size() == kDigits && all_of(name, [](char c) { return isHexDigit(c); });
}

/// What AtomicFile has not yet given its name where a process was killed.
bool isLeftOver(StringRef name) { return name.starts_with(".") && name.contains(".qopt-"); }

bool isOurs(StringRef name) {
  return name == kLock || name == kRun || name == kStatistics || isWeightFile(name) || isLeftOver(name);
}

json::Object toJson(const WorkIdentity &identity) {
  json::Object object;
  for (const auto &[what, hash] : identity)
    object[what] = json::fixUTF8(hash);
  return object;
}

template <typename T> uint64_t hashOf(ArrayRef<T> values) {
  return xxh3_64bits(ArrayRef(reinterpret_cast<const uint8_t *>(values.data()), values.size() * sizeof(T)));
}

/// Of all that a file holds, so that what was cut short or changed is found out.
std::string checksum(const RoundedWeight &weight, StringRef notes) {
  return utohexstr(hashOf<uint8_t>(weight.codes)) + utohexstr(hashOf<float>(weight.scales)) + utohexstr(hashOf<uint8_t>(weight.zeroPoints)) +
         utohexstr(xxh3_64bits(notes));
}

std::string notesText(const RoundedWeight &weight) {
  json::Array rows;
  for (const RoundedWeight::Note &note : weight.notes)
    rows.push_back(json::Object{{"code", json::fixUTF8(note.code)}, {"text", json::fixUTF8(note.text)}, {"remark", note.isRemark}});
  return qopt::toJson(std::move(rows), 0);
}

bool readNotes(StringRef text, RoundedWeight &weight) {
  auto value = json::parse(text);
  if (!value) {
    consumeError(value.takeError());
    return false;
  }
  const json::Array *rows = value->getAsArray();
  for (const json::Value &row : rows ? *rows : json::Array()) {
    const json::Object *note = row.getAsObject();
    auto code = note ? note->getString("code") : std::nullopt, words = note ? note->getString("text") : std::nullopt;
    if (!code || !words)
      return false;
    weight.notes.push_back({code->str(), words->str(), note->getBoolean("remark").value_or(false)});
  }
  return rows != nullptr;
}

template <typename T> Error readArray(const SafetensorsReader &file, StringRef name, std::vector<T> &out) {
  if (!is_contained(file.names(), name))
    return Error::success();
  auto tensor = file.read(name);
  if (!tensor)
    return tensor.takeError();
  auto values = tensor->expectValues<T>("'" + name + "'");
  if (!values)
    return values.takeError();
  out = values->vec();
  return Error::success();
}

template <typename T> Error addArray(std::vector<NamedTensor> &tensors, StringRef name, const std::vector<T> &values) {
  if (values.empty())
    return Error::success();
  auto tensor = Tensor::of<T>(values, {static_cast<int64_t>(values.size())});
  if (!tensor)
    return tensor.takeError();
  tensors.push_back({name.str(), std::move(*tensor)});
  return Error::success();
}

} // namespace

WorkFolder::WorkFolder(StringRef path, const WorkIdentity &identity)
    : folder(path.str()), identityText(qopt::toJson(::toJson(identity)) + "\n"), run(sha256(identityText)), identity(identity) {}

WorkFolder::~WorkFolder() {
  if (descriptor >= 0)
    ::close(descriptor); // and with it the lock
}

std::string WorkFolder::pathOf(const Twine &file) const {
  SmallString<128> path(folder);
  sys::path::append(path, file);
  return path.str().str();
}

Error WorkFolder::damaged(const Twine &file, const Twine &what) const {
  return makeError(pathOf(file) + ": " + what + "; remove the folder " + folder + " to begin anew");
}

Expected<std::shared_ptr<WorkFolder>> WorkFolder::open(StringRef path, const WorkIdentity &identity) {
  std::shared_ptr<WorkFolder> work(new WorkFolder(path, identity));
  if (std::error_code code = sys::fs::create_directories(path))
    return makeError("the work folder " + path + " cannot be made: " + code.message());
  if (!sys::fs::is_directory(path))
    return makeError("the work folder " + path + " cannot be made: a file of that name is there");
  if (Error error = work->readListing())
    return std::move(error);
  if (Error error = work->lock())
    return std::move(error);
  if (Error error = work->checkIdentity())
    return std::move(error);
  for (const auto &file : work->files)
    if (isWeightFile(file.getKey()))
      if (auto weight = work->read(file.getKey()); !weight)
        return weight.takeError();
  return work;
}

Error WorkFolder::readListing() {
  std::error_code code;
  for (sys::fs::directory_iterator entry(folder, code, /*follow_symlinks=*/false), end; entry != end && !code; entry.increment(code)) {
    StringRef name = sys::path::filename(entry->path());
    if (!isOurs(name) || entry->type() != sys::fs::file_type::regular_file)
      return makeError("the work folder " + folder + " holds '" + name + "', which qopt did not put there; give --work-dir a new folder");
    files.insert(name);
  }
  return code ? makeError("the work folder " + folder + " cannot be read: " + code.message()) : Error::success();
}

Error WorkFolder::lock() {
  descriptor = ::open(pathOf(kLock).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor < 0)
    return makeError("the work folder " + folder + " cannot be written: " + std::strerror(errno));
  files.insert(kLock);
  return ::flock(descriptor, LOCK_EX | LOCK_NB) == 0
             ? Error::success()
             : makeError("another process works in the folder " + folder + "; wait for it, or give another --work-dir");
}

Error WorkFolder::checkIdentity() {
  resumed = files.contains(kStatistics) || any_of(files, [](const auto &file) { return isWeightFile(file.getKey()); });
  if (!files.contains(kRun)) {
    if (resumed)
      return damaged(kRun, "it is not there, so nobody knows what the other files belong to");
    files.insert(kRun);
    return writeJsonFile(pathOf(kRun), ::toJson(identity));
  }
  auto value = readJsonFile(pathOf(kRun));
  if (!value)
    return damaged(kRun, "it cannot be read (" + toString(value.takeError()) + ")");
  const json::Object *there = value->getAsObject();
  if (!there)
    return damaged(kRun, "it is no JSON object");
  json::Object wanted = ::toJson(identity);
  std::vector<std::string> others;
  for (const auto &[what, hash] : wanted)
    if (const json::Value *same = there->get(what); !same || *same != hash)
      others.push_back(StringRef(what).str());
  llvm::sort(others);
  if (!others.empty())
    return makeError("the work folder " + folder + " holds partial work with another " + join(others, " and another ") +
                     "; give another --work-dir, or remove the folder");
  return Error::success();
}

Expected<std::optional<Statistics>>
WorkFolder::statisticsOr(function_ref<Expected<std::optional<Statistics>>()> gather) {
  if (files.contains(kStatistics)) {
    auto kept = readStatistics(pathOf(kStatistics));
    if (!kept)
      return damaged(kStatistics, toString(kept.takeError()));
    return std::optional<Statistics>(std::move(*kept));
  }
  auto gathered = gather();
  if (!gathered || !*gathered)
    return gathered;
  files.insert(kStatistics);
  if (Error error = writeStatistics(pathOf(kStatistics), **gathered))
    return std::move(error);
  return gathered;
}

int64_t WorkFolder::held() const {
  return count_if(files, [](const auto &file) { return isWeightFile(file.getKey()); });
}

bool WorkFolder::has(StringRef site) const { return files.contains(fileOf(site)); }

Expected<RoundedWeight> WorkFolder::read(StringRef name) const {
  auto file = SafetensorsReader::open(pathOf(name));
  if (!file)
    return damaged(name, toString(file.takeError()));
  auto remark = [&](const char *key) {
    auto found = (*file)->metadata().find(key);
    return found == (*file)->metadata().end() ? std::string() : found->second;
  };
  RoundedWeight weight;
  weight.site = remark("site"), weight.spec = remark("spec");
  if (remark("run") != run)
    return damaged(name, "it belongs to another run");
  Error error = readArray(**file, "codes", weight.codes);
  if (!error)
    error = readArray(**file, "scales", weight.scales);
  if (!error)
    error = readArray(**file, "zero_points", weight.zeroPoints);
  if (error)
    return damaged(name, toString(std::move(error)));
  if (!readNotes(remark("notes"), weight) || remark("checksum") != checksum(weight, remark("notes")))
    return damaged(name, "it is not what was written");
  return weight;
}

Expected<std::optional<RoundedWeight>> WorkFolder::find(StringRef site) {
  if (!has(site))
    return std::optional<RoundedWeight>();
  auto weight = read(fileOf(site));
  if (!weight)
    return weight.takeError();
  if (weight->site != json::fixUTF8(site))
    return damaged(fileOf(site), "it is the work on '" + weight->site + "', not on '" + site + "'");
  weight->site = site.str();
  ++taken;
  return std::optional<RoundedWeight>(std::move(*weight));
}

Error WorkFolder::add(const RoundedWeight &weight) {
  std::vector<NamedTensor> tensors;
  Error error = addArray(tensors, "codes", weight.codes);
  if (!error)
    error = addArray(tensors, "scales", weight.scales);
  if (!error)
    error = addArray(tensors, "zero_points", weight.zeroPoints);
  if (error)
    return error;
  std::string notes = notesText(weight), name = fileOf(weight.site);
  files.insert(name);
  return writeSafetensors(pathOf(name), tensors,
                          {{"run", run}, {"site", json::fixUTF8(weight.site)}, {"spec", weight.spec}, {"notes", notes},
                           {"checksum", checksum(weight, notes)}});
}

Error WorkFolder::remove() {
  for (const auto &file : files)
    if (std::error_code code = sys::fs::remove(pathOf(file.getKey())))
      return makeError("the work folder " + folder + " cannot be removed: " + code.message());
  // What others have put there since stays, and the folder with it.
  if (std::error_code code = sys::fs::remove(folder); code && code != std::errc::directory_not_empty)
    return makeError("the work folder " + folder + " cannot be removed: " + code.message());
  return Error::success();
}
