#include "qopt/Recipe/Selector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace qopt {
namespace {

/// Python's spelling in LLVM's POSIX one. Errors: what POSIX cannot say.
Expected<std::string> toPosix(StringRef python) {
  std::string posix = "^(";
  bool inBrackets = false;
  for (size_t i = 0; i < python.size(); ++i) {
    StringRef rest = python.substr(i);
    if (inBrackets || rest[0] != '\\' || rest.size() < 2) {
      if (!inBrackets && (rest.starts_with("(?=") || rest.starts_with("(?!") || rest.starts_with("(?<") ||
                          rest.starts_with("(?P") || rest.starts_with("(?i")))
        return makeError("look-around, named groups and flags are not known");
      if (!inBrackets && (rest.starts_with("*?") || rest.starts_with("+?") || rest.starts_with("??")))
        return makeError("lazy repetition is not known");
      inBrackets = inBrackets ? rest[0] != ']' : rest[0] == '[';
      posix += rest[0];
      if (rest.starts_with("(?:"))
        i += 2; // a plain group does as well
      continue;
    }
    char escaped = rest[1];
    ++i;
    if (escaped == 'd')
      posix += "[0-9]";
    else if (escaped == 'w')
      posix += "[A-Za-z0-9_]";
    else if (escaped == 's')
      posix += "[ \t]";
    else if (escaped == 'b' || escaped == 'A' || escaped == 'Z' || isDigit(escaped))
      return makeError(Twine("\\") + Twine(escaped) + " is not known");
    else
      (posix += '\\') += escaped;
  }
  return posix + ")";
}

} // namespace

Expected<Selector> Selector::parse(StringRef text, unsigned line) {
  Selector selector;
  selector.source = text.str();
  selector.sourceLine = line;
  if (text.empty())
    return makeError("a selector is empty");
  if (!text.consume_front("re:")) {
    selector.optional = text.consume_back("?");
    selector.source = text.str();
    return selector;
  }
  Expected<std::string> posix = toPosix(text);
  if (!posix)
    return makeError("the regular expression '" + text + "' cannot be used: " + toString(posix.takeError()));
  auto regex = std::make_shared<Regex>(*posix);
  std::string reason;
  if (!regex->isValid(reason))
    return makeError("the regular expression '" + text + "' cannot be used: " + reason);
  selector.regex = std::move(regex);
  return selector;
}

bool Selector::matches(StringRef name, ArrayRef<std::string> kinds) const {
  std::string module = moduleName(name);
  if (regex)
    return regex->match(name) || regex->match(module);
  return source == "all" || source == name || source == module || is_contained(kinds, source);
}

std::string moduleName(StringRef node) {
  node.consume_front("/");
  size_t slash = node.rfind('/');
  // Only paths have a last component that is the op's type.
  StringRef path = slash == StringRef::npos ? node : node.take_front(slash);
  std::string module = path.str();
  llvm::replace(module, '/', '.');
  return module;
}

} // namespace qopt
