#include "FactorMaps.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Matchers.h"

#include <functional>
#include <numeric>

using namespace mlir;
using namespace qopt;

FactorRoute qopt::routeTo(OpOperand &operand, ChannelMap map) { return {{&operand, std::move(map)}}; }

std::optional<ChannelMap> qopt::broadcastMap(const ChannelMap &onResult, Value operand) {
  auto type = cast<RankedTensorType>(operand.getType());
  if (matchPattern(operand, m_Constant())) {
    ChannelMap map = onResult;
    while (static_cast<int64_t>(map.shape.size()) > type.getRank() && map.shape.front() == 1)
      map.shape.erase(map.shape.begin());
    return map;
  }
  int64_t skipped = static_cast<int64_t>(onResult.shape.size()) - type.getRank();
  for (auto [dim, size] : llvm::enumerate(onResult.shape)) {
    int64_t own = static_cast<int64_t>(dim) - skipped;
    if (size != 1 && (own < 0 || type.getDimSize(own) != size))
      return std::nullopt;
  }
  return ChannelMap{SmallVector<int64_t>(ArrayRef(onResult.shape).drop_front(skipped)), onResult.channels};
}

ChannelMap qopt::transposedMap(const ChannelMap &onResult, ArrayRef<int64_t> perm) {
  size_t rank = perm.size();
  ChannelMap map{SmallVector<int64_t>(rank, 1), std::vector<int64_t>(onResult.channels.size())};
  for (size_t dim = 0; dim < rank; ++dim)
    map.shape[perm[dim]] = onResult.shape[dim];
  SmallVector<int64_t> strides(rank, 1), index(rank, 0);
  for (size_t dim = rank; dim-- > 1;)
    strides[dim - 1] = strides[dim] * map.shape[dim];
  for (int64_t channel : onResult.channels) {
    int64_t at = 0;
    for (size_t dim = 0; dim < rank; ++dim)
      at += index[dim] * strides[perm[dim]];
    map.channels[at] = channel;
    for (size_t dim = rank; dim-- > 0 && ++index[dim] == onResult.shape[dim];)
      index[dim] = 0;
  }
  return map;
}

/// The number of dims at the end whose sizes multiply to `count`; -1 where none do.
static int64_t dimsOf(ArrayRef<int64_t> shape, int64_t count) {
  int64_t product = 1, dims = 0;
  for (int64_t size : llvm::reverse(shape)) {
    if (product == count)
      break;
    if (ShapedType::isDynamic(size))
      return -1;
    product *= size;
    ++dims;
  }
  return product == count ? dims : -1;
}

std::optional<ChannelMap> qopt::reshapedMap(const ChannelMap &onResult, ArrayRef<int64_t> result, ArrayRef<int64_t> operand) {
  size_t rank = result.size(), first = 0;
  while (first < rank && !onResult.varies(first))
    ++first;
  ChannelMap map{SmallVector<int64_t>(operand.size(), 1), {}};
  if (first == rank) {
    map.channels = onResult.channels;
    return map;
  }
  // Every element of the result's last dims, and its channel.
  ArrayRef<int64_t> tail = result.drop_front(first);
  if (llvm::any_of(tail, ShapedType::isDynamic))
    return std::nullopt;
  int64_t count = std::accumulate(tail.begin(), tail.end(), int64_t(1), std::multiplies<>());
  int64_t dims = dimsOf(operand, count);
  if (dims < 0)
    return std::nullopt;
  std::copy(operand.end() - dims, operand.end(), map.shape.end() - dims);
  SmallVector<int64_t> index(tail.size(), 0);
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = 0;
    for (auto [dim, size] : llvm::enumerate(ArrayRef(onResult.shape).drop_front(first)))
      at = at * size + (size == 1 ? 0 : index[dim]);
    map.channels.push_back(onResult.channels[at]);
    for (size_t dim = tail.size(); dim-- > 0 && ++index[dim] == tail[dim];)
      index[dim] = 0;
  }
  return map;
}

ChannelMap qopt::movedMap(const ChannelMap &onResult, int64_t rank, int64_t axis) {
  ChannelMap map{SmallVector<int64_t>(rank, 1), onResult.channels};
  map.shape[axis] = static_cast<int64_t>(onResult.channels.size());
  return map;
}
