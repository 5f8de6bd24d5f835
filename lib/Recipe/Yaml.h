// YAML as a tree with line numbers, and a reader that turns maps into structs and complains about what it does not
// know.
#pragma once
#include "qopt/Support/Error.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace qopt::yaml {

struct Field;

struct Node {
  enum Kind { Null, Scalar, List, Map } kind = Null;
  unsigned line = 0;
  std::string text; // Scalar
  bool quoted = false;
  std::vector<Node> items;   // List
  std::vector<Field> fields; // Map; each key once

  const Node *find(llvm::StringRef key) const;
};

struct Field {
  std::string first;
  Node second;
};

/// One document. Errors name `file` and the line.
llvm::Expected<Node> parse(llvm::StringRef text, llvm::StringRef file);

/// Where errors go: the first one stands.
class Problems {
public:
  explicit Problems(llvm::StringRef file) : file(file) {}
  /// Line 0 stands in no file: a command line.
  void add(unsigned line, const llvm::Twine &what);
  bool any() const { return !first.empty(); }
  llvm::Error take() { return first.empty() ? llvm::Error::success() : makeError(first); }

private:
  std::string file, first;
};

/// Reads the fields of a map. What nobody asked for is a problem when the reader ends.
class MapReader {
public:
  /// `what` names the map in messages: "gptq".
  MapReader(const Node &node, const llvm::Twine &what, Problems &problems);
  ~MapReader();

  /// Null when the key is missing.
  const Node *take(llvm::StringRef key);
  /// Each leaves `out` alone when the key is missing or null.
  void take(llvm::StringRef key, bool &out);
  void take(llvm::StringRef key, std::string &out);
  void take(llvm::StringRef key, int64_t &out, int64_t least, int64_t most);
  /// `least` itself is out of range when `open`.
  void take(llvm::StringRef key, double &out, double least, double most, bool open = false);
  /// A scalar, or a list of scalars.
  void take(llvm::StringRef key, std::vector<std::string> &out, std::vector<unsigned> *lines = nullptr);
  /// One of `choices`; its index in `out`.
  void takeChoice(llvm::StringRef key, int &out, llvm::ArrayRef<llvm::StringRef> choices);

  template <typename T, typename... Rest> void takeOptional(llvm::StringRef key, std::optional<T> &out, Rest... rest) {
    const Node *node = source.find(key);
    if (!node || node->kind == Node::Null) {
      take(key);
      return;
    }
    T value{};
    take(key, value, rest...);
    out = value;
  }

  unsigned line() const { return source.line; }
  const std::string &what() const { return label; }
  Problems &problems;

private:
  const Node *scalar(llvm::StringRef key, llvm::StringRef wanted);

  const Node &source;
  std::string label;
  llvm::SmallVector<std::string> known;
};

/// " (did you mean X?)" for the nearest of `candidates`, or nothing.
std::string suggestion(llvm::StringRef word, llvm::ArrayRef<llvm::StringRef> candidates);

} // namespace qopt::yaml
