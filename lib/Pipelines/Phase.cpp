#include "qopt/Pipelines/Phase.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace qopt;

constexpr StringLiteral names[] = {"imported", "calibrating", "transformed", "quantized", "legalized",
                                   "linalg",   "buffers",     "loops",       "lowered"};

StringRef qopt::phaseName(Phase phase) { return names[static_cast<size_t>(phase)]; }

std::optional<Phase> qopt::parsePhase(StringRef name) {
  const auto *found = find(names, name);
  return found == std::end(names) ? std::nullopt : std::optional(static_cast<Phase>(found - names));
}

std::string qopt::phaseNames(Phase first) { return join(ArrayRef(names).drop_front(static_cast<size_t>(first)), ", "); }
