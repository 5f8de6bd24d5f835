#include "qopt/Calibration/Columns.h"

#include "llvm/ADT/SmallVector.h"

using namespace llvm;
using namespace qopt;

namespace {

/// Positions that are laid out at once.
constexpr int64_t kPiece = 4096;

int64_t product(ArrayRef<int64_t> dims) {
  int64_t p = 1;
  for (int64_t dim : dims)
    p *= dim;
  return p;
}

/// [outer, channels, inner] → [outer * inner, channels], a piece at a time.
void products(ArrayRef<float> values, int64_t channels, int64_t inner, function_ref<void(ArrayRef<float>)> take) {
  if (inner == 1)
    return take(values);
  std::vector<float> rows;
  int64_t outer = static_cast<int64_t>(values.size()) / (channels * inner);
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t begin = 0; begin < inner; begin += kPiece) {
      int64_t count = std::min(kPiece, inner - begin);
      rows.resize(count * channels);
      for (int64_t c = 0; c < channels; ++c) {
        const float *from = values.data() + (o * channels + c) * inner + begin;
        for (int64_t i = 0; i < count; ++i)
          rows[i * channels + c] = from[i];
      }
      take(rows);
    }
}

/// Walks a box of indices in row-major order.
bool next(SmallVectorImpl<int64_t> &index, ArrayRef<int64_t> dims) {
  for (size_t d = dims.size(); d-- > 0;) {
    if (++index[d] < dims[d])
      return true;
    index[d] = 0;
  }
  return false;
}

class Windows {
public:
  Windows(const InputColumns &columns, ArrayRef<float> values, ArrayRef<int64_t> shape)
      : c(columns.window), values(values), samples(shape[0]), channels(c.channelsLast ? shape.back() : shape[1]),
        first(columns.firstChannel), taken(columns.channels ? columns.channels : channels),
        spatial(c.channelsLast ? shape.slice(1, shape.size() - 2) : shape.drop_front(2)) {
    for (size_t d = 0; d < spatial.size(); ++d) {
      int64_t reach = c.dilations[d] * (c.kernel[d] - 1) + 1;
      out.push_back((spatial[d] + c.pads[d] + c.pads[spatial.size() + d] - reach) / c.strides[d] + 1);
    }
  }

  bool valid() const {
    return all_of(out, [](int64_t dim) { return dim > 0; });
  }

  void run(function_ref<void(ArrayRef<float>)> take) {
    int64_t window = product(c.kernel), width = taken * window;
    std::vector<float> rows;
    for (int64_t n = 0; n < samples; ++n) {
      SmallVector<int64_t> position(out.size(), 0);
      do {
        rows.resize(rows.size() + width);
        fill(n, position, rows.data() + rows.size() - width, window);
        if (static_cast<int64_t>(rows.size()) >= kPiece * width) {
          take(rows);
          rows.clear();
        }
      } while (next(position, out));
    }
    if (!rows.empty())
      take(rows);
  }

private:
  void fill(int64_t n, ArrayRef<int64_t> position, float *row, int64_t window) {
    SmallVector<int64_t> tap(out.size(), 0);
    int64_t plane = product(spatial), t = 0;
    do {
      int64_t at = offset(position, tap);
      for (int64_t channel = 0; channel < taken; ++channel) {
        float &to = row[c.channelsLast ? t * taken + channel : channel * window + t];
        int64_t from = c.channelsLast ? (n * plane + at) * channels + first + channel : (n * channels + first + channel) * plane + at;
        to = at < 0 ? 0.0f : values[from];
      }
      ++t;
    } while (next(tap, c.kernel));
  }

  /// Where a tap of a window lies in a plane; -1 in the padding.
  int64_t offset(ArrayRef<int64_t> position, ArrayRef<int64_t> tap) const {
    int64_t at = 0;
    for (size_t d = 0; d < spatial.size(); ++d) {
      int64_t i = position[d] * c.strides[d] + tap[d] * c.dilations[d] - c.pads[d];
      if (i < 0 || i >= spatial[d])
        return -1;
      at = at * spatial[d] + i;
    }
    return at;
  }

  const InputWindow &c;
  ArrayRef<float> values;
  int64_t samples, channels, first, taken; ///< `taken` of the channels, from `first` on
  ArrayRef<int64_t> spatial;
  SmallVector<int64_t> out;
};

} // namespace

int64_t qopt::columnCount(const InputColumns &columns, ArrayRef<int64_t> shape) {
  if (columns.channelAxis < 0 || columns.channelAxis >= static_cast<int64_t>(shape.size()))
    return 0;
  if (!columns.window.kernel.empty() && shape.size() != columns.window.kernel.size() + 2)
    return 0;
  if (columns.firstChannel + columns.channels > shape[columns.channelAxis])
    return 0;
  return (columns.channels ? columns.channels : shape[columns.channelAxis]) * product(columns.window.kernel);
}

bool qopt::forEachColumns(const InputColumns &columns, ArrayRef<float> values, ArrayRef<int64_t> shape,
                          function_ref<void(ArrayRef<float>)> take) {
  if (values.empty() || columnCount(columns, shape) == 0)
    return false;
  if (columns.key() == columns.site) { // No window, or one of a single element.
    products(values, shape[columns.channelAxis], product(shape.drop_front(columns.channelAxis + 1)), take);
    return true;
  }
  Windows windows(columns, values, shape);
  if (!windows.valid())
    return false;
  windows.run(take);
  return true;
}
