// What `qopt quantize --work-dir DIR` keeps, so that a run that was killed goes on where it was.
//
//   run.json                what the work belongs to: hashes of model, weights, data, recipe and options, the tool's version
//   calibration.stats       the first calibration
//   <hash of site>.safetensors   codes, scales and notes of one rounded weight
//
// Every file is written beside its name and renamed. Whatever is read back is checked first: the folder may hold anything.
#pragma once
#include "qopt/Calibration/Statistics.h"
#include "qopt/Dialect/Qopt/Transforms/RoundingJournal.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringSet.h"

#include <map>
#include <memory>

namespace qopt {

/// What partial work belongs to, by what each part is called in messages: {"model", SHA-256}, …
using WorkIdentity = std::map<std::string, std::string>;

class WorkFolder : public RoundingJournal {
public:
  /// Makes the folder, or takes up what is in it. Errors: it is another run's work (names what differs), another process uses it, it holds
  /// files of somebody else, a damaged file.
  static llvm::Expected<std::shared_ptr<WorkFolder>> open(llvm::StringRef path, const WorkIdentity &identity);
  ~WorkFolder() override;

  /// The statistics that are kept; else those that `gather` makes, which are kept from now on.
  llvm::Expected<std::optional<Statistics>> statisticsOr(llvm::function_ref<llvm::Expected<std::optional<Statistics>>()> gather);

  bool has(llvm::StringRef site) const;
  llvm::Expected<std::optional<RoundedWeight>> find(llvm::StringRef site) override;
  llvm::Error add(const RoundedWeight &weight) override;

  /// Whether an earlier call has left anything, how many weights, and how many of them were asked for.
  bool isResumed() const { return resumed; }
  int64_t held() const;
  int64_t takenUp() const { return taken; }

  /// The work is done: removes all that is kept, and the folder.
  llvm::Error remove();

private:
  WorkFolder(llvm::StringRef path, const WorkIdentity &identity);
  llvm::Error lock();
  llvm::Error readListing();
  llvm::Error checkIdentity();
  llvm::Error damaged(const llvm::Twine &file, const llvm::Twine &what) const;
  std::string pathOf(const llvm::Twine &file) const;
  llvm::Expected<RoundedWeight> read(llvm::StringRef file) const;

  std::string folder, identityText, run; ///< `run`: hash of the identity, which every file has
  const WorkIdentity identity;
  llvm::StringSet<> files;
  bool resumed = false;
  int64_t taken = 0;
  int descriptor = -1; ///< of the lock
};

} // namespace qopt
