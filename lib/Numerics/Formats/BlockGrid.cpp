//===- BlockGrid.cpp - Which elements share a scale -----------------------===//

#include "qopt/Numerics/Formats/BlockGrid.h"

#include <algorithm>
#include <cassert>

namespace qopt {

BlockGrid::BlockGrid(Dims shape, Dims block) : dims(std::move(shape)), box(std::move(block)) {
  assert(dims.size() == box.size());
  scales.resize(dims.size());
  for (size_t d = 0; d < dims.size(); ++d) {
    assert(dims[d] >= 0 && box[d] >= 1);
    box[d] = std::clamp<int64_t>(box[d], 1, std::max<int64_t>(dims[d], 1));
    scales[d] = (dims[d] + box[d] - 1) / box[d];
    elements *= dims[d];
    scaleElements *= scales[d];
  }
  foldDims();
}

void BlockGrid::foldDims() {
  foldedDims = {1};
  foldedBox = {1};
  for (size_t d = 0; d < dims.size(); ++d) {
    int64_t &lastDim = foldedDims.back(), &lastBox = foldedBox.back();
    bool wholeDim = box[d] == dims[d]; // its index never changes the scale
    bool eachOwn = box[d] == 1 && lastBox == 1;
    if (wholeDim || eachOwn || lastDim == 1) {
      lastBox = lastDim == 1 ? box[d] : lastBox * box[d];
      lastDim *= dims[d];
    } else {
      foldedDims.push_back(dims[d]);
      foldedBox.push_back(box[d]);
    }
  }
  foldedScaleStrides.assign(foldedDims.size(), 1);
  for (size_t d = foldedDims.size() - 1; d > 0; --d)
    foldedScaleStrides[d - 1] = foldedScaleStrides[d] * ((foldedDims[d] + foldedBox[d] - 1) / foldedBox[d]);
}

BlockGrid BlockGrid::perTensor(Dims shape) {
  Dims block(shape.size());
  std::transform(shape.begin(), shape.end(), block.begin(), [](int64_t dim) { return std::max<int64_t>(dim, 1); });
  return {std::move(shape), std::move(block)};
}

BlockGrid BlockGrid::perAxis(Dims shape, int axis) {
  BlockGrid whole = perTensor(shape);
  Dims block = whole.box;
  block[axis] = 1;
  return {std::move(shape), std::move(block)};
}

BlockGrid BlockGrid::perGroup(Dims shape, int axis, int64_t size) {
  Dims block(shape.size(), 1);
  block[axis] = size;
  return {std::move(shape), std::move(block)};
}

BlockGrid BlockGrid::perBlock2D(Dims shape, int64_t rows, int64_t cols) {
  Dims block(shape.size(), 1);
  block[shape.size() - 2] = rows;
  block[shape.size() - 1] = cols;
  return {std::move(shape), std::move(block)};
}

} // namespace qopt
