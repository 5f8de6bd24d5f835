// Recursive parsers of other libraries trust the depth of what they read; this is asked before them.
#pragma once
#include "llvm/ADT/StringRef.h"

namespace qopt {

/// Whether brackets of any kind, those in "strings" and behind `lineComment` aside, nest more than `most` deep. `->` closes nothing.
bool nestsDeeper(llvm::StringRef text, unsigned most, llvm::StringRef lineComment = "");

} // namespace qopt
