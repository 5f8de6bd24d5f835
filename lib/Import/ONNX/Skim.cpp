#include "Skim.h"

using namespace qopt;

namespace {
// Field numbers of onnx.proto.
enum : uint64_t { kModelGraph = 7, kGraphNode = 1, kGraphInitializer = 5, kNodeAttribute = 5, kAttributeTensor = 5, kTensorRawData = 9 };
enum : unsigned { kVarint = 0, kFixed64 = 1, kBytes = 2, kGroupStart = 3, kGroupEnd = 4, kFixed32 = 5 };

/// Reads protobuf's wire format, one field at a time.
struct Reader {
  Span in;
  size_t at = 0;
  bool bad = false;

  bool varint(uint64_t &value) {
    value = 0;
    for (unsigned shift = 0; shift < 64 && at < in.size(); shift += 7) {
      uint8_t byte = in[at++];
      value |= uint64_t(byte & 0x7f) << shift;
      if (!(byte & 0x80))
        return true;
    }
    bad = true;
    return false;
  }

  struct Field {
    uint64_t number;
    unsigned wire;
    Span whole;   // with its tag
    Span content; // of a length-delimited field
  };

  bool skip(uint64_t count) {
    if (count > in.size() - at) {
      bad = true;
      return false;
    }
    at += count;
    return true;
  }

  bool next(Field &field) {
    size_t start = at;
    uint64_t tag, length = 0;
    if (at == in.size() || !varint(tag))
      return false;
    field.number = tag >> 3;
    field.wire = tag & 7;
    field.content = {};
    switch (field.wire) {
    case kVarint:
      if (!varint(length))
        return false;
      break;
    case kFixed64:
      if (!skip(8))
        return false;
      break;
    case kFixed32:
      if (!skip(4))
        return false;
      break;
    case kBytes:
      if (!varint(length) || !skip(length))
        return false;
      field.content = in.slice(at - length, length);
      break;
    default: // groups do not occur in onnx.proto
      bad = true;
      return false;
    }
    field.whole = in.slice(start, at - start);
    return true;
  }
};

void append(std::string &out, Span bytes) { out.append(reinterpret_cast<const char *>(bytes.data()), bytes.size()); }

void appendVarint(std::string &out, uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void appendMessage(std::string &out, uint64_t number, const std::string &message) {
  appendVarint(out, number << 3 | kBytes);
  appendVarint(out, message.size());
  out += message;
}

class Skimmer {
public:
  Skimmer(SkimmedModel &model, size_t threshold) : model(model), threshold(threshold) {}

  bool run(Span file) {
    return rewrite(file, model.skeleton, [&](const Reader::Field &field, std::string &out) {
      return field.number == kModelGraph ? nested(field, out, [&](Span in, std::string &to) { return graph(in, to); }) : 0;
    });
  }

private:
  SkimmedModel &model;
  size_t threshold;
  size_t initializer = 0, node = 0;

  // A rewriter returns 1 when it wrote the field, 0 to have it copied, -1 for a malformed message.
  template <typename Rewriter> static bool rewrite(Span in, std::string &out, Rewriter field) {
    Reader reader{in};
    Reader::Field next;
    while (reader.next(next)) {
      int outcome = next.wire == kBytes ? field(next, out) : 0;
      if (outcome < 0)
        return false;
      if (outcome == 0)
        append(out, next.whole);
    }
    return !reader.bad;
  }

  template <typename Message> static int nested(const Reader::Field &field, std::string &out, Message message) {
    std::string inner;
    if (!message(field.content, inner))
      return -1;
    appendMessage(out, field.number, inner);
    return 1;
  }

  bool graph(Span in, std::string &out) {
    return rewrite(in, out, [&](const Reader::Field &field, std::string &to) {
      if (field.number == kGraphInitializer) {
        size_t index = initializer++;
        return nested(field, to, [&](Span tensor, std::string &into) {
          return cut(tensor, into, [&](Span raw) { model.initializers[index] = raw; });
        });
      }
      if (field.number == kGraphNode) {
        size_t index = node++;
        return nested(field, to, [&](Span inner, std::string &into) { return nodeMessage(inner, into, index); });
      }
      return 0;
    });
  }

  bool nodeMessage(Span in, std::string &out, size_t index) {
    size_t attribute = 0;
    return rewrite(in, out, [&](const Reader::Field &field, std::string &to) {
      if (field.number != kNodeAttribute)
        return 0;
      std::pair<size_t, size_t> key(index, attribute++);
      return nested(field, to, [&](Span inner, std::string &into) {
        return rewrite(inner, into, [&](const Reader::Field &part, std::string &partOut) {
          if (part.number != kAttributeTensor)
            return 0;
          return nested(part, partOut, [&](Span tensor, std::string &tensorOut) {
            return cut(tensor, tensorOut, [&](Span raw) { model.attributes[key] = raw; });
          });
        });
      });
    });
  }

  /// A TensorProto; of several raw_data fields the last one counts, as in any protobuf parser.
  template <typename Note> bool cut(Span in, std::string &out, Note note) {
    Span last;
    bool seen = false;
    Span lastWhole;
    bool good = rewrite(in, out, [&](const Reader::Field &field, std::string &) {
      if (field.number != kTensorRawData)
        return 0;
      seen = true;
      last = field.content;
      lastWhole = field.whole;
      return 1;
    });
    if (seen && last.size() >= threshold)
      note(last);
    else if (seen)
      append(out, lastWhole);
    return good;
  }
};
} // namespace

llvm::Expected<SkimmedModel> qopt::skim(Span file, size_t threshold) {
  SkimmedModel model;
  if (!Skimmer(model, threshold).run(file))
    return makeError("it is cut off or is not an ONNX model; export it again");
  return model;
}
