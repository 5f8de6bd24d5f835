// The header of .npy: a Python dictionary literal of three known keys.
#include "NpyFormat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"

using namespace llvm;

namespace qopt {
namespace {

constexpr StringLiteral magic("\x93NUMPY");

/// Reads {'descr': …, 'fortran_order': …, 'shape': (…), }.
class DictParser {
public:
  explicit DictParser(StringRef text) : rest(text) {}

  /// False when the text is no such dictionary.
  bool run() {
    if (!eat("{"))
      return false;
    while (!eat("}")) {
      std::string key;
      if (!quoted(key) || !eat(":") || !value(key) || (!eat(",") && !rest.ltrim().starts_with("}")))
        return false;
    }
    return rest.trim().empty() && haveDescr && haveOrder && haveShape;
  }

  std::string descr; // empty for a structure
  bool fortranOrder = false;
  SmallVector<int64_t, 4> shape;

private:
  bool eat(StringRef token) {
    rest = rest.ltrim();
    return rest.consume_front(token);
  }

  bool quoted(std::string &out) {
    rest = rest.ltrim();
    if (rest.empty() || (rest[0] != '\'' && rest[0] != '"'))
      return false;
    size_t end = rest.find(rest[0], 1);
    if (end == StringRef::npos)
      return false;
    out = rest.slice(1, end).str();
    rest = rest.drop_front(end + 1);
    return true;
  }

  bool value(StringRef key) {
    if (key == "descr") {
      haveDescr = true;
      return quoted(descr) || structure();
    }
    if (key == "fortran_order") {
      haveOrder = true;
      fortranOrder = eat("True");
      return fortranOrder || eat("False");
    }
    if (key != "shape" || !eat("("))
      return false;
    haveShape = true;
    while (!eat(")")) {
      int64_t dim;
      rest = rest.ltrim();
      if (rest.consumeInteger(10, dim) || dim < 0)
        return false;
      rest.consume_front("L"); // Python 2 wrote 3L
      shape.push_back(dim);
      if (!eat(",") && !rest.ltrim().starts_with(")"))
        return false;
    }
    return true;
  }

  /// Steps over a list of fields; `descr` stays empty.
  bool structure() {
    if (!eat("["))
      return false;
    for (int depth = 1; depth > 0; rest = rest.drop_front()) {
      if (rest.empty())
        return false;
      depth += rest[0] == '[' ? 1 : rest[0] == ']' ? -1 : 0;
    }
    return true;
  }

  StringRef rest;
  bool haveDescr = false, haveOrder = false, haveShape = false;
};

/// Fills in the type from descr; a reason when it is refused.
std::string applyDescr(StringRef descr, std::optional<DType> hint, NpyInfo &info) {
  if (descr.empty())
    return "holds a structure of fields; save one array per field";
  info.bigEndian = descr.consume_front(">");
  if (!info.bigEndian && !descr.consume_front("<") && !descr.consume_front("|"))
    descr.consume_front("=");
  if (descr == "O")
    return "holds Python objects; save it with a numeric dtype";
  if (descr.starts_with("U") || descr.starts_with("S")) {
    int64_t width;
    if (descr.drop_front().getAsInteger(10, width) || width > (int64_t(1) << 30))
      return "has the unknown dtype '" + descr.str() + "'";
    info.type = DType::String;
    info.textIsUCS4 = descr.starts_with("U");
    info.textBytes = width * (info.textIsUCS4 ? 4 : 1);
    return "";
  }
  if (descr == "V1" || descr == "V2") {
    unsigned size = descr == "V1" ? 1 : 2;
    if (hint && storageBytes(*hint) == size)
      info.type = *hint;
    else if (size == 2)
      info.type = DType::BFloat16;
    else
      return "holds one-byte elements of a type that .npy cannot name ('V1'); view it as uint8 and save it again";
    return "";
  }
  auto type = StringSwitch<std::optional<DType>>(descr)
                  .Case("f4", DType::Float32)
                  .Case("f8", DType::Float64)
                  .Case("f2", DType::Float16)
                  .Case("f1", DType::Float8E5M2)
                  .Case("i1", DType::Int8)
                  .Case("i2", DType::Int16)
                  .Case("i4", DType::Int32)
                  .Case("i8", DType::Int64)
                  .Case("u1", DType::UInt8)
                  .Case("u2", DType::UInt16)
                  .Case("u4", DType::UInt32)
                  .Case("u8", DType::UInt64)
                  .Case("b1", DType::Bool)
                  .Default(dtypeByName(descr));
  if (!type || *type == DType::String)
    return "has the dtype '" + descr.str() + "', which cannot be used; convert it to a float, integer or bool type";
  info.type = *type;
  return "";
}

StringRef descrOf(DType type) {
  switch (type) {
  case DType::Float32:
    return "<f4";
  case DType::Float64:
    return "<f8";
  case DType::Float16:
    return "<f2";
  case DType::Float8E5M2:
    return "<f1";
  case DType::BFloat16:
    return "<V2";
  case DType::Int4:
  case DType::Int2:
  case DType::Int8:
    return "|i1";
  case DType::UInt4:
  case DType::UInt2:
  case DType::UInt8:
    return "|u1";
  case DType::Int16:
    return "<i2";
  case DType::UInt16:
    return "<u2";
  case DType::Int32:
    return "<i4";
  case DType::UInt32:
    return "<u4";
  case DType::Int64:
    return "<i8";
  case DType::UInt64:
    return "<u8";
  case DType::Bool:
    return "|b1";
  default:
    return "<V1";
  }
}

/// Code points of the longest string, at least 1.
size_t textWidth(const Tensor &tensor) {
  size_t width = 1;
  for (const std::string &text : tensor.strings())
    width = std::max<size_t>(width, count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
  return width;
}

} // namespace

Expected<NpyInfo> parseNpyHeader(ArrayRef<uint8_t> bytes, const Twine &what, std::optional<DType> hint) {
  StringRef text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  if (!text.starts_with(magic))
    return makeError(what + " is no numpy array");
  if (text.size() < 12)
    return makeError(what + " is cut short");
  unsigned version = bytes[6];
  if (version < 1 || version > 3)
    return makeError(what + " has version " + Twine(version) + " of the .npy format, but 1 to 3 can be read");
  size_t prefix = version == 1 ? 10 : 12;
  size_t length = version == 1 ? support::endian::read16le(&bytes[8]) : support::endian::read32le(&bytes[8]);
  if (text.size() - prefix < length)
    return makeError(what + " is cut short within its header");
  DictParser dict(text.substr(prefix, length));
  if (!dict.run())
    return makeError(what + " has a damaged header");
  NpyInfo info;
  info.headerBytes = static_cast<int64_t>(prefix + length);
  info.shape = dict.shape;
  info.fortranOrder = dict.fortranOrder && dict.shape.size() > 1;
  if (std::string reason = applyDescr(dict.descr, hint, info); !reason.empty())
    return makeError(what + " " + reason);
  Expected<int64_t> count = countElements(info.shape);
  if (!count)
    return inContext(what, count.takeError());
  int64_t size = info.type == DType::String ? info.textBytes : storageBytes(info.type);
  // Elements of no bytes cost the file nothing, but us.
  if (size == 0 && *count > (1 << 20))
    return makeError(what + " declares " + Twine(*count) + " empty strings");
  if (__builtin_mul_overflow(*count, size, &info.dataBytes))
    return makeError(what + " declares more bytes than 64 bits can count");
  return info;
}

std::string npy::makeHeader(const Tensor &tensor) {
  std::string descr =
      tensor.dtype() == DType::String ? "<U" + std::to_string(textWidth(tensor)) : descrOf(tensor.dtype()).str();
  std::string shape = join(map_range(tensor.shape(), [](int64_t dim) { return std::to_string(dim); }), ", ");
  std::string dict = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + shape +
                     (tensor.rank() == 1 ? ",)" : ")") + ", }";
  size_t unpadded = 10 + dict.size() + 1;
  dict.append((64 - unpadded % 64) % 64, ' ');
  dict += '\n';
  std::string header = magic.str() + std::string("\x01\x00", 2);
  header.push_back(static_cast<char>(dict.size() & 0xff));
  header.push_back(static_cast<char>(dict.size() >> 8)); // 64 KiB are never reached: ranks are small
  return header + dict;
}

} // namespace qopt
