#include "qopt/Driver/Options.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace qopt {

char UsageError::ID = 0;

static const Option *find(ArrayRef<Option> options, StringRef name) {
  const Option *found = llvm::find_if(options, [&](const Option &option) { return option.name == name; });
  return found == options.end() ? nullptr : found;
}

static Error unknown(ArrayRef<Option> options, StringRef name) {
  const Option *nearest = nullptr;
  unsigned distance = 4;
  for (const Option &option : options)
    if (unsigned edits = name.edit_distance(option.name, true, distance); edits < distance)
      nearest = &option, distance = edits;
  return usageError("there is no option '" + name + "'" +
                    (nearest ? "; did you mean '" + nearest->name + "'?" : Twine("; see --help")));
}

Expected<Arguments> Arguments::parse(ArrayRef<Option> options, ArrayRef<StringRef> input) {
  Arguments arguments;
  for (size_t i = 0; i < input.size(); ++i) {
    StringRef word = input[i];
    if (word == "-" || !word.starts_with("-")) {
      arguments.words.push_back(word.str());
      continue;
    }
    auto [name, value] = word.split('=');
    bool attached = word.contains('=');
    const Option *option = find(options, name);
    if (!option)
      return unknown(options, name);
    std::vector<std::string> &values = arguments.given[name];
    if (option->value.empty()) {
      if (attached)
        return usageError("'" + name + "' takes no value");
      values.push_back("");
    } else if (attached) {
      values.push_back(value.str());
    } else if (++i < input.size()) {
      values.push_back(input[i].str());
    } else {
      return usageError("'" + name + "' needs a value: " + name + " " + option->value);
    }
  }
  return arguments;
}

std::optional<StringRef> Arguments::get(StringRef name) const {
  auto found = given.find(name);
  if (found == given.end())
    return std::nullopt;
  return StringRef(found->second.back());
}

ArrayRef<std::string> Arguments::all(StringRef name) const {
  auto found = given.find(name);
  return found == given.end() ? ArrayRef<std::string>() : ArrayRef<std::string>(found->second);
}

Expected<int64_t> Arguments::integer(StringRef name, int64_t otherwise, int64_t least) const {
  auto text = get(name);
  if (!text)
    return otherwise;
  int64_t value;
  if (text->getAsInteger(10, value) || value < least)
    return usageError("'" + name + "' takes a whole number of at least " + Twine(least) + ", not '" + *text + "'");
  return value;
}

void printOptions(raw_ostream &os, ArrayRef<Option> options) {
  for (const Option &option : options) {
    std::string left = "  " + option.name.str() + (option.value.empty() ? "" : " " + option.value.str());
    os << left_justify(left, 32) << ' ' << option.help << '\n';
  }
}

} // namespace qopt
