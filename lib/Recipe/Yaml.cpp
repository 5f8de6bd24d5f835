#include "Yaml.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/YAMLParser.h"

using namespace llvm;

namespace qopt::yaml {
namespace {

constexpr size_t maxBytes = 1 << 20;
constexpr unsigned maxDepth = 32;

/// Whether brackets nest deeper than the parser's recursion should go.
bool nestsTooDeep(StringRef text) {
  int depth = 0;
  for (char c : text) {
    depth = std::max(0, depth + (c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0));
    if (depth > static_cast<int>(maxDepth))
      return true;
  }
  return false;
}

class TreeBuilder {
public:
  TreeBuilder(StringRef text, StringRef file) : problems(file), stream(text, sources) {
    sources.setDiagHandler(
        [](const SMDiagnostic &diagnostic, void *self) {
          static_cast<TreeBuilder *>(self)->problems.add(diagnostic.getLineNo(), diagnostic.getMessage());
        },
        this);
  }

  Expected<Node> run() {
    auto document = stream.begin();
    if (document == stream.end())
      return takeError("it is empty");
    llvm::yaml::Node *root = document->getRoot();
    Node tree = root ? convert(root, 0) : Node();
    if (problems.any() || stream.failed())
      return takeError("it is no YAML");
    if (++document != stream.end())
      return takeError("it holds more than one document");
    return tree;
  }

private:
  Error takeError(const Twine &otherwise) {
    if (!problems.any())
      problems.add(1, otherwise);
    return problems.take();
  }

  /// What the parser makes up after a mistake lies nowhere.
  unsigned lineOf(llvm::yaml::Node *node) {
    SMLoc start = node->getSourceRange().Start;
    unsigned buffer = start.isValid() ? sources.FindBufferContainingLoc(start) : 0;
    return buffer ? sources.getLineAndColumn(start, buffer).first : 1;
  }

  Node convert(llvm::yaml::Node *from, unsigned depth) {
    Node node;
    if (!from || problems.any())
      return node;
    node.line = lineOf(from);
    if (depth > maxDepth) {
      problems.add(node.line, "it is nested too deep");
    } else if (auto *scalar = dyn_cast<llvm::yaml::ScalarNode>(from)) {
      SmallString<64> storage;
      node.text = scalar->getValue(storage).str();
      node.quoted = scalar->getRawValue().starts_with("\"") || scalar->getRawValue().starts_with("'");
      bool isNull = !node.quoted && (node.text.empty() || node.text == "null" || node.text == "~");
      node.kind = isNull ? Node::Null : Node::Scalar;
    } else if (auto *block = dyn_cast<llvm::yaml::BlockScalarNode>(from)) {
      node.kind = Node::Scalar;
      node.quoted = true;
      node.text = block->getValue().str();
    } else if (auto *list = dyn_cast<llvm::yaml::SequenceNode>(from)) {
      node.kind = Node::List;
      for (llvm::yaml::Node &item : *list)
        node.items.push_back(convert(&item, depth + 1));
    } else if (auto *map = dyn_cast<llvm::yaml::MappingNode>(from)) {
      node.kind = Node::Map;
      for (llvm::yaml::KeyValueNode &field : *map)
        addField(node, field, depth);
    } else if (!isa<llvm::yaml::NullNode>(from)) {
      problems.add(node.line, "anchors and aliases are not known here");
    }
    return node;
  }

  void addField(Node &map, llvm::yaml::KeyValueNode &field, unsigned depth) {
    auto *key = dyn_cast_or_null<llvm::yaml::ScalarNode>(field.getKey());
    if (!key)
      return problems.add(map.line, "a key is no plain word");
    SmallString<64> storage;
    std::string name = key->getValue(storage).str();
    unsigned line = lineOf(key);
    if (map.find(name))
      return problems.add(line, "'" + name + "' stands here twice");
    Node value = convert(field.getValue(), depth + 1);
    value.line = line; // where the key stands is where the reader looks
    map.fields.push_back({std::move(name), std::move(value)});
  }

  Problems problems;
  SourceMgr sources;
  llvm::yaml::Stream stream;
};

} // namespace

const Node *Node::find(StringRef key) const {
  for (const auto &[name, value] : fields)
    if (name == key)
      return &value;
  return nullptr;
}

Expected<Node> parse(StringRef text, StringRef file) {
  if (text.size() > maxBytes)
    return makeError(file + " is too large for a recipe (" + Twine(text.size()) + " bytes)");
  if (text.contains('\0'))
    return makeError(file + " is no text");
  if (nestsTooDeep(text))
    return makeError(file + " is nested too deep");
  return TreeBuilder(text, file).run();
}

void Problems::add(unsigned line, const Twine &what) {
  if (first.empty())
    first = line ? (file + ":" + Twine(line) + ": " + what).str() : what.str();
}

MapReader::MapReader(const Node &node, const Twine &what, Problems &problems)
    : problems(problems), source(node), label(what.str()) {
  if (node.kind != Node::Map && node.kind != Node::Null)
    problems.add(node.line, label + " should be a map of keys and values");
}

MapReader::~MapReader() {
  SmallVector<StringRef> names(known.begin(), known.end());
  llvm::sort(names);
  for (const auto &[name, value] : source.fields)
    if (!is_contained(known, name))
      problems.add(value.line, "unknown key '" + name + "' in " + label + suggestion(name, names) + "; known are " +
                                   join(names, ", "));
}

const Node *MapReader::take(StringRef key) {
  known.push_back(key.str());
  return source.find(key);
}

const Node *MapReader::scalar(StringRef key, StringRef wanted) {
  const Node *node = take(key);
  if (!node || node->kind == Node::Null)
    return nullptr;
  if (node->kind == Node::Scalar)
    return node;
  problems.add(node->line, key + " of " + label + " should be " + wanted);
  return nullptr;
}

void MapReader::take(StringRef key, bool &out) {
  const Node *node = scalar(key, "true or false");
  if (!node)
    return;
  std::string text = StringRef(node->text).lower();
  if (text == "true" || text == "yes" || text == "on")
    out = true;
  else if (text == "false" || text == "no" || text == "off")
    out = false;
  else
    problems.add(node->line, key + " of " + label + " should be true or false, not '" + node->text + "'");
}

void MapReader::take(StringRef key, std::string &out) {
  if (const Node *node = scalar(key, "a word"))
    out = node->text;
}

void MapReader::take(StringRef key, int64_t &out, int64_t least, int64_t most) {
  const Node *node = scalar(key, "a whole number");
  if (!node)
    return;
  if (StringRef(node->text).getAsInteger(10, out) || out < least || out > most)
    problems.add(node->line, key + " of " + label + " should be a whole number from " + Twine(least) + " to " +
                                 Twine(most) + ", not '" + node->text + "'");
}

void MapReader::take(StringRef key, double &out, double least, double most, bool open) {
  const Node *node = scalar(key, "a number");
  if (!node)
    return;
  if (StringRef(node->text).getAsDouble(out) || !(out >= least && out <= most) || (open && out == least))
    problems.add(node->line, key + " of " + label + " should be a number " + (open ? "above " : "from ") +
                                 formatv("{0} to {1}", least, most).str() + ", not '" + node->text + "'");
}

void MapReader::take(StringRef key, std::vector<std::string> &out, std::vector<unsigned> *lines) {
  const Node *node = take(key);
  if (!node || node->kind == Node::Null)
    return;
  std::vector<Node> single = {*node};
  const std::vector<Node> &items = node->kind == Node::List ? node->items : single;
  for (const Node &item : items) {
    if (item.kind != Node::Scalar)
      return problems.add(item.line, key + " of " + label + " should be a word or a list of words");
    out.push_back(item.text);
    if (lines)
      lines->push_back(item.line);
  }
}

void MapReader::takeChoice(StringRef key, int &out, ArrayRef<StringRef> choices) {
  const Node *node = scalar(key, "a word");
  if (!node)
    return;
  auto found = llvm::find(choices, node->text);
  if (found != choices.end())
    out = static_cast<int>(found - choices.begin());
  else
    problems.add(node->line, key + " of " + label + " is '" + node->text + "'" + suggestion(node->text, choices) +
                                 "; known are " + join(choices, ", "));
}

std::string suggestion(StringRef word, ArrayRef<StringRef> candidates) {
  StringRef best;
  unsigned least = 3; // further away is no misspelling
  for (StringRef candidate : candidates)
    if (unsigned distance = word.edit_distance_insensitive(candidate, true, least); distance < least) {
      least = distance;
      best = candidate;
    }
  return best.empty() ? "" : " (did you mean " + best.str() + "?)";
}

} // namespace qopt::yaml
