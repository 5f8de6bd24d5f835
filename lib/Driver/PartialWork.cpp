#include "PartialWork.h"
#include "RecipeOptions.h"
#include "QuantizationReport.h"

#include "qopt/Recipe/Recipe.h"
#include "qopt/Support/Hash.h"
#include "qopt/Support/MappedFile.h"
#include "qopt/Support/Version.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/xxhash.h"

using namespace llvm;
using namespace qopt;

namespace {

/// The same bytes come out whatever these say.
bool isNeutral(StringRef option) {
  static const StringSet<> neutral = {"-o",       "--threads", "--quiet", "--report",        "--json",         "--work-dir", "--log-level",
                                      "--color", "--target",  "--noise-samples", "--evaluation-data", "--compile-to", "--calibration-data", "--dry-run"};
  return neutral.contains(option);
}

Expected<std::string> hashOfFolder(StringRef folder) {
  std::vector<std::string> paths;
  std::error_code code;
  for (sys::fs::recursive_directory_iterator entry(folder, code, /*follow_symlinks=*/false), end; entry != end && !code; entry.increment(code))
    if (entry->type() != sys::fs::file_type::directory_file)
      paths.push_back(entry->path());
  if (code)
    return makeError(folder + " cannot be read: " + code.message());
  llvm::sort(paths);
  Hasher hasher;
  for (const std::string &path : paths) {
    auto hash = sha256OfFile(path);
    if (!hash)
      return hash.takeError();
    hasher.add(StringRef(path).drop_front(folder.size())).add(StringRef(*hash));
  }
  return hasher.hex();
}

Expected<std::string> hashOfPath(StringRef path) { return sys::fs::is_directory(path) ? hashOfFolder(path) : sha256OfFile(path); }

/// Of all large constants: external data is no part of the model's file.
std::string hashOfConstants(mlir::ModuleOp module) {
  Hasher hasher;
  DenseSet<mlir::Attribute> seen;
  module.walk([&](mlir::Operation *op) {
    for (mlir::NamedAttribute attr : op->getAttrs()) {
      auto resource = dyn_cast<mlir::DenseResourceElementsAttr>(attr.getValue());
      mlir::AsmResourceBlob *blob = resource && seen.insert(resource).second ? resource.getRawHandle().getBlob() : nullptr;
      if (!blob)
        continue;
      ArrayRef bytes(reinterpret_cast<const uint8_t *>(blob->getData().data()), blob->getData().size());
      XXH128_hash_t hash = xxh3_128bits(bytes);
      hasher.add(StringRef(utohexstr(hash.high64) + ":" + utohexstr(hash.low64) + ";"));
      releasePages(bytes);
    }
  });
  return hasher.hex();
}

std::string optionsText(const Arguments &arguments, ArrayRef<Option> options) {
  std::string text;
  for (const Option &option : options)
    if (!isNeutral(option.name) && option.name != "--recipe" && option.name != "--stats" && arguments.has(option.name))
      text += (option.name + "=" + join(arguments.all(option.name), ",") + " ").str();
  return text;
}

} // namespace

Expected<std::shared_ptr<WorkFolder>> qopt::openWork(const Arguments &arguments, ArrayRef<Option> options, mlir::ModuleOp module) {
  auto folder = arguments.get("--work-dir");
  if (!folder)
    return std::shared_ptr<WorkFolder>();
  WorkIdentity identity = {{"tool", ("qopt " + version()).str()}, {"set of options", optionsText(arguments, options)}};
  auto enter = [&](StringRef what, Expected<std::string> hash) -> Error {
    if (!hash)
      return hash.takeError();
    identity[what.str()] = *hash;
    return Error::success();
  };
  if (Error error = enter("model", sha256OfFile(arguments.positional()[0])))
    return std::move(error);
  if (Error error = enter("recipe", recipeHash(arguments)))
    return std::move(error);
  identity["set of weights"] = hashOfConstants(module);
  for (auto [option, what] : {std::pair("--calibration-data", "set of samples"), {"--stats", "statistics file"}})
    if (auto path = arguments.get(option))
      if (Error error = enter(what, hashOfPath(*path)))
        return std::move(error);
  return WorkFolder::open(*folder, identity);
}

void qopt::reportWork(const WorkFolder *work, StringRef folder, QuantizationReport &report) {
  if (work && work->isResumed())
    report.remarks.push_back({folder.str(), "", "resumed", "WORK-RESUMED",
                              std::to_string(work->takenUp()) + " weights that an earlier call had rounded were taken up"});
}
