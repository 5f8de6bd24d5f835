// Errors that a user meets: one sentence that names the file, the node or tensor, what is wrong, and what to do.
#pragma once
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

namespace qopt {

/// An error that carries one sentence.
inline llvm::Error makeError(const llvm::Twine &sentence) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), sentence);
}

/// `error` with "`place`: " before its sentence (the file or tensor in which it arose).
inline llvm::Error inContext(const llvm::Twine &place, llvm::Error error) {
  return makeError(place + ": " + llvm::toString(std::move(error)));
}

} // namespace qopt
