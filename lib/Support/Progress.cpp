#include "qopt/Support/Progress.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace qopt {
namespace {

constexpr double secondsBetweenDrawings = 0.1;
constexpr int barWidth = 28;

} // namespace

ProgressMode chooseProgressMode(raw_ostream &os, bool quiet) {
  if (quiet)
    return ProgressMode::Quiet;
  return os.is_displayed() ? ProgressMode::Bar : ProgressMode::Lines;
}

void Progress::stage(StringRef newName, int64_t newTotal) {
  std::lock_guard<std::mutex> lock(mutex);
  endStage();
  name = newName.str();
  total = newTotal;
  done = 0;
  active = true;
  watch.restart();
  lastDrawn = 0;
  if (mode == ProgressMode::Bar)
    draw();
}

void Progress::advance(int64_t steps) {
  std::lock_guard<std::mutex> lock(mutex);
  done += steps;
  if (mode != ProgressMode::Bar || !active || watch.seconds() - lastDrawn < secondsBetweenDrawings)
    return;
  lastDrawn = watch.seconds();
  draw();
}

void Progress::finish() {
  std::lock_guard<std::mutex> lock(mutex);
  endStage();
}

/// Draws over the last drawing: "name [=====>    ] 12/40, 3 s left".
void Progress::draw() {
  std::string line = name;
  if (total > 0) {
    int filled = static_cast<int>(std::min(done, total) * barWidth / total);
    line += " [" + std::string(filled, '=') + std::string(barWidth - filled, ' ') + "] " + std::to_string(done) + "/" +
            std::to_string(total);
    if (done > 0 && done < total)
      line += ", " + formatSeconds(watch.seconds() / done * (total - done)) + " left";
  }
  size_t width = line.size();
  os << '\r' << line << std::string(drawnWidth > width ? drawnWidth - width : 0, ' ');
  os.flush();
  drawnWidth = width;
}

void Progress::endStage() {
  if (!active)
    return;
  active = false;
  if (mode == ProgressMode::Quiet)
    return;
  std::string line = name + ": " + formatSeconds(watch.seconds());
  if (mode == ProgressMode::Bar)
    os << '\r' << line << std::string(drawnWidth > line.size() ? drawnWidth - line.size() : 0, ' ') << '\n';
  else
    os << line << '\n';
  os.flush();
  drawnWidth = 0;
}

std::string formatSeconds(double seconds) {
  if (seconds < 9.95)
    return formatv("{0:F1} s", seconds).str();
  int64_t whole = static_cast<int64_t>(seconds + 0.5);
  if (whole < 60)
    return formatv("{0} s", whole).str();
  if (whole < 3600)
    return formatv("{0} min {1,0+2} s", whole / 60, whole % 60).str();
  return formatv("{0} h {1,0+2} min", whole / 3600, whole % 3600 / 60).str();
}

std::string formatBytes(int64_t bytes) {
  static constexpr const char *units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double size = static_cast<double>(bytes);
  int unit = 0;
  for (; size >= 1024 && unit < 5; ++unit)
    size /= 1024;
  if (unit == 0)
    return formatv("{0} B", bytes).str();
  return formatv(size < 10 ? "{0:F2} {1}" : size < 100 ? "{0:F1} {1}" : "{0:F0} {1}", size, units[unit]).str();
}

} // namespace qopt
