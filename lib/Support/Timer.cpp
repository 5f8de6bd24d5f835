#include "qopt/Support/Timer.h"
#include <cstdio>
#include <cstring>

namespace qopt {
namespace {

/// A "Name:   123 kB" line of /proc/self/status, in bytes.
int64_t readStatus(const char *field) {
  std::FILE *file = std::fopen("/proc/self/status", "r");
  if (!file)
    return 0;
  char line[256];
  long long kilobytes = 0;
  size_t length = std::strlen(field);
  while (std::fgets(line, sizeof line, file))
    if (std::strncmp(line, field, length) == 0 && std::sscanf(line + length, ": %lld", &kilobytes) == 1)
      break;
  std::fclose(file);
  return kilobytes * 1024;
}

} // namespace

int64_t peakResidentBytes() { return readStatus("VmHWM"); }
int64_t residentBytes() { return readStatus("VmRSS"); }

void resetPeakResident() {
  if (std::FILE *file = std::fopen("/proc/self/clear_refs", "w")) {
    std::fputs("5", file);
    std::fclose(file);
  }
}

} // namespace qopt
