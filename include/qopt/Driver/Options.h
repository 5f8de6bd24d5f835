// The command line of one command: what it takes, and what was given.
#pragma once
#include "qopt/Support/Error.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <optional>
#include <string>
#include <vector>

namespace qopt {

/// The command line is at fault (exit status 2), not the input.
class UsageError : public llvm::ErrorInfo<UsageError> {
public:
  static char ID;
  explicit UsageError(const llvm::Twine &sentence) : sentence(sentence.str()) {}
  void log(llvm::raw_ostream &os) const override { os << sentence; }
  std::error_code convertToErrorCode() const override { return std::make_error_code(std::errc::invalid_argument); }

private:
  std::string sentence;
};

inline llvm::Error usageError(const llvm::Twine &sentence) { return llvm::make_error<UsageError>(sentence); }

struct Option {
  /// "--threads"; `-o` is the one short name.
  llvm::StringRef name;
  /// "N", "FILE"; empty for a flag.
  llvm::StringRef value;
  llvm::StringRef help;
};

/// What was given: every value of every option, in order, and the words that belong to no option.
class Arguments {
public:
  /// Errors: an unknown option (with the nearest known one), a missing value, a value for a flag.
  static llvm::Expected<Arguments> parse(llvm::ArrayRef<Option> options, llvm::ArrayRef<llvm::StringRef> words);

  bool has(llvm::StringRef name) const { return given.count(name); }
  /// As if the flag had been given.
  void setFlag(llvm::StringRef name) { given[name].push_back(""); }
  /// The last value given; nothing when there is none.
  std::optional<llvm::StringRef> get(llvm::StringRef name) const;
  llvm::StringRef get(llvm::StringRef name, llvm::StringRef otherwise) const { return get(name).value_or(otherwise); }
  llvm::ArrayRef<std::string> all(llvm::StringRef name) const;
  /// A whole number of at least `least`. Errors: it is none.
  llvm::Expected<int64_t> integer(llvm::StringRef name, int64_t otherwise, int64_t least) const;
  llvm::ArrayRef<std::string> positional() const { return words; }

private:
  llvm::StringMap<std::vector<std::string>> given;
  std::vector<std::string> words;
};

/// One line an option, for --help.
void printOptions(llvm::raw_ostream &os, llvm::ArrayRef<Option> options);

} // namespace qopt
