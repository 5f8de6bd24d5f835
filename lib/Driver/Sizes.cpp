#include "Sizes.h"

#include "qopt/Support/Progress.h"

using namespace llvm;
using namespace qopt;

int64_t qopt::totalBytes(const SizeByFormat &sizes) {
  int64_t total = 0;
  for (const auto &[format, size] : sizes)
    total += size.bytes;
  return total;
}

std::string qopt::bytesText(const SizeByFormat &sizes, const std::string &format) {
  auto found = sizes.find(format);
  return formatBytes(found == sizes.end() ? 0 : found->second.bytes);
}

json::Object qopt::toJson(const SizeByFormat &sizes) {
  json::Object all;
  for (const auto &[format, size] : sizes)
    all[format] = json::Object{{"tensors", size.tensors}, {"elements", size.elements}, {"bytes", size.bytes}};
  return all;
}
