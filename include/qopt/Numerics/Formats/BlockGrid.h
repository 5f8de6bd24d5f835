//===- BlockGrid.h - Which elements share a scale ----------------*- C++ -*-===//
//
// Every granularity is one idea: a box of the tensor's rank, laid over the tensor from its origin; the elements of a box
// share a scale. Boxes at the far edge may be partial. Per tensor, the box is the tensor; per axis, it is the tensor with
// 1 on that axis; per group, 1 everywhere but on the axis; 2-D blocks are boxes too. The scales form a row-major tensor
// of shape ceil(shape / block), as ONNX's blocked QuantizeLinear has it.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_FORMATS_BLOCKGRID_H
#define QOPT_NUMERICS_FORMATS_BLOCKGRID_H

#include <cstdint>
#include <span>
#include <vector>

namespace qopt {

class BlockGrid {
public:
  using Dims = std::vector<int64_t>;

  /// `block` has the rank of `shape` and entries of at least 1; larger entries than the dim are clipped to it.
  BlockGrid(Dims shape, Dims block);

  static BlockGrid perTensor(Dims shape);
  static BlockGrid perAxis(Dims shape, int axis);
  /// Groups of `size` along `axis`, one scale each; the last may be partial. Per token: axis = last, size = its length.
  static BlockGrid perGroup(Dims shape, int axis, int64_t size);
  /// Boxes over the last two dims.
  static BlockGrid perBlock2D(Dims shape, int64_t rows, int64_t cols);

  const Dims &shape() const { return dims; }
  const Dims &block() const { return box; }
  const Dims &scaleShape() const { return scales; }
  int64_t elementCount() const { return elements; }
  int64_t scaleCount() const { return scaleElements; }

  /// A row-major contiguous piece of the tensor: element `begin + i` has scale `scale + i * scaleStride` (stride 0 or 1).
  struct Run {
    int64_t begin, count, scale;
    int scaleStride;
  };

  /// Calls body(Run) over the whole tensor in element order.
  template <typename Body> void forEachRun(Body &&body) const;

private:
  void foldDims();

  Dims dims, box, scales;
  int64_t elements = 1, scaleElements = 1;
  // The same grid with neighbouring dims merged where one index can stand for both, so that runs are long.
  Dims foldedDims, foldedBox, foldedScaleStrides;
};

template <typename Body> void BlockGrid::forEachRun(Body &&body) const {
  if (elements == 0)
    return;
  size_t outerRank = foldedDims.size() - 1;
  int64_t rowLength = foldedDims.back(), rowBox = foldedBox.back();
  Dims index(outerRank, 0);
  for (int64_t begin = 0; begin < elements; begin += rowLength) {
    int64_t scale = 0;
    for (size_t d = 0; d < outerRank; ++d)
      scale += index[d] / foldedBox[d] * foldedScaleStrides[d];
    if (rowBox == 1)
      body(Run{begin, rowLength, scale, 1});
    else
      for (int64_t offset = 0; offset < rowLength; offset += rowBox)
        body(Run{begin + offset, rowBox < rowLength - offset ? rowBox : rowLength - offset, scale++, 0});
    for (size_t d = outerRank; d-- > 0;) {
      if (++index[d] < foldedDims[d])
        break;
      index[d] = 0;
    }
  }
}

} // namespace qopt

#endif // QOPT_NUMERICS_FORMATS_BLOCKGRID_H
