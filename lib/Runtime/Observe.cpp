#include "Context.h"
#include <cstring>

namespace qopt::rt {

int64_t elementSize(int32_t dtype) {
  switch (dtype) {
  case QOPT_FLOAT64:
  case QOPT_INT64:
  case QOPT_UINT64:
    return 8;
  case QOPT_FLOAT32:
  case QOPT_INT32:
  case QOPT_UINT32:
    return 4;
  case QOPT_FLOAT16:
  case QOPT_BFLOAT16:
  case QOPT_INT16:
  case QOPT_UINT16:
    return 2;
  case QOPT_INT8:
  case QOPT_UINT8:
  case QOPT_BOOL:
    return 1;
  default:
    return dtype >= QOPT_FLOAT8E4M3FN && dtype <= QOPT_INT2 ? 1 : 0;
  }
}

} // namespace qopt::rt

using namespace qopt::rt;

extern "C" {

void qopt_rt_set_observer(qopt_rt_context *ctx, qopt_observe_fn observe, void *user) {
  ctx->observe = observe;
  ctx->observer = user;
}

void qopt_rt_observe(qopt_rt_context *ctx, int32_t site, const void *data, int32_t dtype, int32_t rank,
                     const int64_t *shape, const int64_t *strides) {
  if (!ctx->observe)
    return;
  int64_t size = elementSize(dtype);
  if (rank < 0 || rank > QOPT_MAX_RANK || size == 0) {
    int64_t values[] = {site, dtype, rank};
    qopt_rt_raise(ctx, "site {0} cannot be observed: element type {1}, rank {2}", values, 3);
  }
  qopt_tensor value = {const_cast<void *>(data), dtype, rank, {}};
  int64_t dense[QOPT_MAX_RANK], count = 1;
  bool isDense = true;
  for (int32_t axis = rank; axis-- > 0;) {
    value.shape[axis] = shape[axis];
    dense[axis] = count;
    isDense &= !strides || strides[axis] == count || shape[axis] == 1;
    count *= shape[axis];
  }
  void *copy = nullptr;
  if (!isDense && count != 0) {
    value.data = copy = qopt_rt_alloc(ctx, count * size, 0);
    copyStrided(static_cast<char *>(copy), dense, static_cast<const char *>(data), strides, shape, rank, size);
  }
  ctx->observe(ctx->observer, site, &value);
  qopt_rt_free(ctx, copy);
}

} // extern "C"
