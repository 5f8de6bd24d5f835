// How long work is told: a bar with the time left on a terminal, a plain line for each stage elsewhere, nothing when
// quiet.
#pragma once
#include "qopt/Support/Timer.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdint>
#include <mutex>
#include <string>

namespace qopt {

enum class ProgressMode { Bar, Lines, Quiet };

/// Bar when `os` is a terminal, else Lines; Quiet when asked for.
ProgressMode chooseProgressMode(llvm::raw_ostream &os, bool quiet);

/// Stages one after another. Any thread may call advance.
class Progress {
public:
  Progress(llvm::raw_ostream &os, ProgressMode mode) : os(os), mode(mode) {}
  ~Progress() { finish(); }
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// Ends the last stage and begins one of `total` steps; 0 when the number is not known.
  void stage(llvm::StringRef name, int64_t total = 0);
  void advance(int64_t steps = 1);
  /// Ends the last stage.
  void finish();

private:
  void draw();
  void endStage();

  llvm::raw_ostream &os;
  ProgressMode mode;
  std::mutex mutex;
  std::string name;
  int64_t total = 0, done = 0;
  size_t drawnWidth = 0;
  bool active = false;
  Stopwatch watch;
  double lastDrawn = 0;
};

/// "0.4 s", "12 s", "3 min 05 s", "2 h 10 min".
std::string formatSeconds(double seconds);
/// "17 B", "3.2 KiB", "1.50 GiB".
std::string formatBytes(int64_t bytes);

} // namespace qopt
