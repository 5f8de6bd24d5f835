//===- RoundingJournal.h - Rounded weights that outlive a run ---------------===//
//
// Choosing codes is what takes long. Passes that do it (qopt-gptq, qopt-rounding, qopt-hqq) can be given a journal: each weight that it
// holds is taken from there, each new one is entered as soon as it is done. A run that was killed then goes on where it was.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_DIALECT_QOPT_TRANSFORMS_ROUNDINGJOURNAL_H
#define QOPT_DIALECT_QOPT_TRANSFORMS_ROUNDINGJOURNAL_H

#include "qopt/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace qopt {

/// What a pass made of one op's weight.
struct RoundedWeight {
  /// A row of the record of decisions (Analysis/Decisions.h).
  struct Note {
    std::string code, text;
    bool isRemark = false;
  };

  std::string site; ///< name of the op
  std::string spec; ///< what was asked for, as `spell` writes it
  /// As the IR's constants have them, one byte an element; no codes: the op was left to others.
  std::vector<uint8_t> codes;
  std::vector<float> scales;
  std::vector<uint8_t> zeroPoints;
  std::vector<Note> notes;
};

class RoundingJournal {
public:
  virtual ~RoundingJournal() = default;
  /// Nothing where the site was not rounded yet. Errors: it cannot be read any more.
  virtual llvm::Expected<std::optional<RoundedWeight>> find(llvm::StringRef site) = 0;
  /// Errors: it cannot be kept.
  virtual llvm::Error add(const RoundedWeight &weight) = 0;
};

} // namespace qopt

#endif // QOPT_DIALECT_QOPT_TRANSFORMS_ROUNDINGJOURNAL_H
