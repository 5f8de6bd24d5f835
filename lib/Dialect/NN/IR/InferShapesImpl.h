// The rules of shape inference for one op, by theme.
#pragma once
#include "qopt/Dialect/NN/IR/InferShapes.h"
#include "qopt/Dialect/NN/IR/NN.h"

#include "llvm/ADT/SmallBitVector.h"
#include "llvm/ADT/Twine.h"

namespace qopt::nn {

inline bool isUnknown(int64_t dim) { return mlir::ShapedType::isDynamic(dim); }

class ShapeRules {
public:
  ShapeRules(mlir::Operation *op, std::string &error) : op(op), error(error) {}

  /// Fills `shapes`; false (with `error`) when the operands contradict.
  bool run();

  llvm::SmallVector<std::optional<Dims>> shapes;

private:
  mlir::Operation *op;
  std::string &error;

  // Each returns whether it knows the op, and stores the outcome in `done`.
  bool linearRules(bool &done);
  bool moveRules(bool &done);
  bool indexRules(bool &done);
  bool qoptRules(bool &done);
  bool dynamicScale();

  std::optional<llvm::ArrayRef<int64_t>> dims(mlir::Value value) const;
  bool fail(const llvm::Twine &sentence);
  bool checkAxis(int64_t axis, int64_t rank);
  bool set(unsigned result, Dims dims) {
    shapes[result] = std::move(dims);
    return true;
  }

  bool elementwise(mlir::ValueRange operands);
  bool reduction(mlir::Value x, llvm::ArrayRef<int64_t> axes, bool keepdims, unsigned results = 1);
  bool sameAsFirst();
  bool matmul(mlir::Value a, mlir::Value b);
  bool gemm(GemmOp op);
  bool einsum(EinsumOp op);
  bool convTranspose(ConvTransposeOp op);
  /// Windows of `kernel` over the spatial dims of x, which start at `first`.
  struct Windows {
    llvm::ArrayRef<int64_t> kernel, strides, dilations, pads;
    bool ceilMode = false;
    llvm::StringRef autoPad = "NOTSET";
  };
  bool slide(llvm::ArrayRef<int64_t> x, unsigned first, const Windows &windows, Dims &out);
  template <typename Pool> bool pool(Pool op, llvm::StringRef layout, llvm::StringRef autoPad, unsigned results);
  template <typename Conv> bool conv(Conv op);

  bool reshape(ReshapeOp op);
  bool shapeDimsMatch(mlir::Value shape, mlir::Value data, int inferred);
  bool concat(ConcatOp op);
  bool split(SplitOp op);
  bool slice(SliceOp op);
  bool pad(PadOp op);
  bool resize(ResizeOp op);
  bool tile(TileOp op);
  bool expand(ExpandOp op);
  bool range(RangeOp op);
  bool squeeze(SqueezeOp op);
  bool unsqueeze(UnsqueezeOp op);
  bool gather(GatherOp op);
  bool gatherND(GatherNDOp op);
  bool topK(TopKOp op);
  bool oneHot(OneHotOp op);
};

/// Of nn.conv and qopt.integer_conv.
template <typename Conv> bool ShapeRules::conv(Conv conv) {
  auto x = dims(conv.getX()), w = dims(conv.getW());
  if (!x || !w)
    return true;
  size_t rank = x->size();
  if (rank < 3 || w->size() != rank)
    return fail("a convolution needs an input and a weight of one rank of at least 3, not " + llvm::Twine(rank) + " and " + llvm::Twine(w->size()));
  bool last = conv.getLayout() == "NXC";
  int64_t group = conv.getGroup(), channels = (*x)[last ? rank - 1 : 1], inner = (*w)[last ? rank - 2 : 1];
  int64_t features = (*w)[last ? rank - 1 : 0];
  if (group < 1)
    return fail("group is " + llvm::Twine(group) + "; it must be at least 1");
  if (!isUnknown(channels) && !isUnknown(inner) && channels != inner * group)
    return fail("the input has " + llvm::Twine(channels) + " channels, but the weight wants " + llvm::Twine(inner) + " in each of " +
                llvm::Twine(group) + " groups");
  if (!isUnknown(features) && features % group != 0)
    return fail(llvm::Twine(features) + " output channels do not divide into " + llvm::Twine(group) + " groups");
  Dims out = {(*x)[0]};
  if (!last)
    out.push_back(features);
  llvm::ArrayRef<int64_t> kernel = last ? w->drop_back(2) : w->drop_front(2);
  if (!slide(*x, last ? 1 : 2, {kernel, conv.getStrides(), conv.getDilations(), conv.getPads(), false, conv.getAutoPad()}, out))
    return false;
  if (last)
    out.push_back(features);
  return set(0, out);
}

} // namespace qopt::nn
