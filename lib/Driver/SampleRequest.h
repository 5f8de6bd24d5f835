// Which calibration samples a program is run on.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace qopt {

struct SampleRequest {
  std::string dataPath;
  int64_t samples = -1; ///< -1: all
  std::optional<int64_t> maxLength = {}; ///< they are cut to it along axis 1
  int32_t threads = 0; ///< of the program
};

} // namespace qopt
