// How much room constants take, by number format.
#pragma once
#include "llvm/Support/JSON.h"

#include <map>
#include <string>

namespace qopt {

struct FormatSize {
  int64_t tensors = 0, elements = 0;
  int64_t bytes = 0; ///< as files store it: two 4-bit elements a byte
};
/// Constants by element type: "float32", "int4".
using SizeByFormat = std::map<std::string, FormatSize>;

int64_t totalBytes(const SizeByFormat &sizes);
/// "1.50 MiB"; "0 B" for a format that does not occur.
std::string bytesText(const SizeByFormat &sizes, const std::string &format);
llvm::json::Object toJson(const SizeByFormat &sizes);

} // namespace qopt
