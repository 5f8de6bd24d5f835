// Strided copies: for observers of views, and memrefCopy, which MLIR calls for copies between layouts.
#include "Context.h"
#include <cstring>

namespace qopt::rt {

void copyStrided(char *target, const int64_t *targetStrides, const char *source, const int64_t *sourceStrides,
                 const int64_t *shape, int32_t rank, int64_t size) {
  if (rank == 0) {
    std::memcpy(target, source, size);
    return;
  }
  if (rank == 1 && targetStrides[0] == 1 && sourceStrides[0] == 1) {
    std::memcpy(target, source, shape[0] * size);
    return;
  }
  for (int64_t i = 0; i < shape[0]; ++i)
    copyStrided(target + i * targetStrides[0] * size, targetStrides + 1, source + i * sourceStrides[0] * size,
                sourceStrides + 1, shape + 1, rank - 1, size);
}

} // namespace qopt::rt

namespace {

/// MLIR's ABI of an unranked memref: the rank, and a pointer to {allocated, aligned, offset, sizes…, strides…}.
struct UnrankedMemRef {
  int64_t rank;
  void *descriptor;
};

struct View {
  char *data;
  const int64_t *sizes, *strides;

  View(const UnrankedMemRef &memref, int64_t size) {
    auto *words = static_cast<const int64_t *>(memref.descriptor);
    data = reinterpret_cast<char *>(words[1]) + words[2] * size;
    sizes = words + 3;
    strides = sizes + memref.rank;
  }
};

} // namespace

extern "C" void memrefCopy(int64_t elementSize, UnrankedMemRef *source, UnrankedMemRef *target);
void memrefCopy(int64_t elementSize, UnrankedMemRef *source, UnrankedMemRef *target) {
  View from(*source, elementSize), to(*target, elementSize);
  for (int64_t axis = 0; axis < source->rank; ++axis)
    if (from.sizes[axis] == 0)
      return;
  qopt::rt::copyStrided(to.data, to.strides, from.data, from.strides, from.sizes, static_cast<int32_t>(source->rank),
                        elementSize);
}
