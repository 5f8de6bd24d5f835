#include "qopt/Interfaces/ChannelFactors.h"

#include "llvm/ADT/STLExtras.h"

#include <numeric>

#include "qopt/Interfaces/ChannelFactors.cpp.inc"

using namespace qopt;

ChannelMap ChannelMap::along(int64_t rank, int64_t axis, int64_t size) {
  ChannelMap map{llvm::SmallVector<int64_t>(rank, 1), std::vector<int64_t>(size)};
  map.shape[axis] = size;
  std::iota(map.channels.begin(), map.channels.end(), 0);
  return map;
}

int64_t ChannelMap::onlyDim() const {
  if (llvm::count_if(shape, [](int64_t dim) { return dim != 1; }) != 1)
    return -1;
  return llvm::find_if(shape, [](int64_t dim) { return dim != 1; }) - shape.begin();
}
