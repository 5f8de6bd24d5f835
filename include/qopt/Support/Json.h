// JSON files: llvm::json with the same bytes for the same values, and errors that name the file.
#pragma once
#include "qopt/Support/Error.h"
#include "llvm/Support/JSON.h"

namespace qopt {

/// Writes `value` with keys in alphabetical order and the shortest digits that read back as the same number. NaN and
/// infinity, which JSON does not have, become null. `indent` 0 writes one line.
void writeJson(llvm::raw_ostream &os, const llvm::json::Value &value, unsigned indent = 2);
std::string toJson(const llvm::json::Value &value, unsigned indent = 2);

/// Writes a file, whole or not at all; "-" is the standard output.
llvm::Error writeJsonFile(llvm::StringRef path, const llvm::json::Value &value);

/// Errors name the line and the column: no JSON, or deeper nesting than a parser's stack is sure to hold.
llvm::Expected<llvm::json::Value> parseJson(llvm::StringRef text);
/// Errors name the file, too.
llvm::Expected<llvm::json::Value> readJsonFile(llvm::StringRef path);

} // namespace qopt
