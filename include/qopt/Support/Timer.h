// Wall-clock time and memory of this process.
#pragma once
#include <chrono>
#include <cstdint>

namespace qopt {

class Stopwatch {
public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start).count(); }
  double milliseconds() const { return seconds() * 1e3; }
  void restart() { start = Clock::now(); }

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
};

/// The most memory that this process has had resident; 0 where the system does not say.
int64_t peakResidentBytes();
/// The memory that it has resident now.
int64_t residentBytes();
/// Sets the peak back to what is resident now, where the system can (Linux 4.0).
void resetPeakResident();

} // namespace qopt
