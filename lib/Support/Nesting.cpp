#include "qopt/Support/Nesting.h"

using namespace llvm;

namespace qopt {
namespace {

/// What follows a string's opening quote and the string itself.
StringRef afterString(StringRef text) {
  for (size_t at = 0; at < text.size() && text[at] != '\n'; ++at) {
    if (text[at] == '"')
      return text.drop_front(at + 1);
    at += text[at] == '\\';
  }
  return text;
}

} // namespace

bool nestsDeeper(StringRef text, unsigned most, StringRef lineComment) {
  unsigned depth = 0;
  while (!text.empty()) {
    if (!lineComment.empty() && text.starts_with(lineComment)) {
      text = text.drop_until([](char c) { return c == '\n'; });
      continue;
    }
    if (text.consume_front("->"))
      continue;
    char c = text.front();
    text = text.drop_front();
    if (c == '"')
      text = afterString(text);
    else if (StringRef("([{<").contains(c) && ++depth > most)
      return true;
    else if (StringRef(")]}>").contains(c) && depth > 0)
      --depth;
  }
  return false;
}

} // namespace qopt
