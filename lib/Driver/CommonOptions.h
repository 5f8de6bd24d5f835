// The options that every command takes.
#pragma once
#include "qopt/Driver/Driver.h"

namespace qopt {

llvm::ArrayRef<Option> commonOptions();

/// Colours by --color among the words, which are not parsed yet: what is wrong with them is reported in colour too.
void chooseColors(llvm::ArrayRef<llvm::StringRef> words, Session &session);

/// Log level `error` is --quiet; `debug` adds a line for each pass. Errors: a value that there is none of.
llvm::Error applyCommonOptions(Arguments &arguments, Session &session);

} // namespace qopt
