// The machines that code is compiled for: one row each. Nothing asks for a CPU by name elsewhere.
#pragma once
#include "qopt/Support/Error.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace qopt {

struct Target {
  llvm::StringLiteral name; ///< of --target
  llvm::StringLiteral summary;
  /// What the code may use, as LLVM spells it, separated by commas. Empty: any x86-64.
  llvm::StringLiteral features;
  unsigned vectorBits; ///< of the widest registers used
};

/// All targets; each stands behind those whose features it has as well.
llvm::ArrayRef<Target> targets();

/// The target of that name; "host" is the richest one that this machine runs. Errors: no such target (the nearest is
/// named).
llvm::Expected<const Target *> findTarget(llvm::StringRef name);

/// The richest target that this machine runs.
const Target &hostTarget();

/// Whether this machine has all of the target's features.
bool runsHere(const Target &target);

/// The target's features one by one.
llvm::SmallVector<llvm::StringRef> featureList(const Target &target);
bool hasFeature(const Target &target, llvm::StringRef feature);

} // namespace qopt
