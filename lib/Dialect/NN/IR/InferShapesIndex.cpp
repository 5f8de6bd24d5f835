// Shapes of indexing ops, normalizations, and the qopt ops that stand among nn's.
#include "InferShapesImpl.h"

#include "qopt/Dialect/NN/IR/Constants.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace qopt::nn;

namespace {
constexpr int64_t kDynamic = ShapedType::kDynamic;
}

bool ShapeRules::gather(GatherOp gather) {
  auto data = dims(gather.getData()), indices = dims(gather.getIndices());
  if (!data || !indices)
    return true;
  int64_t axis = gather.getAxis();
  if (!checkAxis(axis, data->size()))
    return false;
  if (auto known = constantInts(gather.getIndices(), 64); known && !isUnknown((*data)[axis]))
    for (int64_t index : *known)
      if (index >= (*data)[axis] || index < -(*data)[axis])
        return fail("index " + Twine(index) + " is out of range for a dim of " + Twine((*data)[axis]));
  Dims out(data->take_front(axis));
  out.append(indices->begin(), indices->end());
  out.append(data->begin() + axis + 1, data->end());
  return set(0, out);
}

bool ShapeRules::gatherND(GatherNDOp gather) {
  auto data = dims(gather.getData()), indices = dims(gather.getIndices());
  if (!data || !indices)
    return true;
  int64_t batch = gather.getBatchDims();
  if (indices->empty() || batch < 0 || batch >= static_cast<int64_t>(indices->size()) || batch > static_cast<int64_t>(data->size()))
    return fail("batch_dims " + Twine(batch) + " does not fit the ranks of data and indices");
  int64_t tuple = indices->back();
  if (isUnknown(tuple))
    return true;
  if (tuple < 0 || batch + tuple > static_cast<int64_t>(data->size()))
    return fail("index tuples of " + Twine(tuple) + " are longer than the rank of data allows");
  Dims out(indices->drop_back());
  out.append(data->begin() + batch + tuple, data->end());
  return set(0, out);
}

bool ShapeRules::topK(TopKOp topK) {
  auto x = dims(topK.getX());
  if (!x)
    return true;
  int64_t axis = topK.getAxis();
  if (!checkAxis(axis, x->size()))
    return false;
  auto k = partialInts(topK.getK());
  Dims out(*x);
  out[axis] = k && k->size() == 1 ? k->front() : kDynamic;
  if (!isUnknown(out[axis]) && (out[axis] < 0 || (!isUnknown((*x)[axis]) && out[axis] > (*x)[axis])))
    return fail("asks for the " + Twine(out[axis]) + " largest of " + Twine((*x)[axis]));
  set(0, out);
  return set(1, out);
}

bool ShapeRules::oneHot(OneHotOp oneHot) {
  auto indices = dims(oneHot.getIndices());
  if (!indices)
    return true;
  int64_t axis = oneHot.getAxis();
  if (!checkAxis(axis, indices->size() + 1))
    return false;
  auto depth = constantScalar(oneHot.getDepth());
  if (depth && !(*depth >= 0 && *depth < 9e15))
    return fail("depth is not a valid size");
  Dims out(*indices);
  out.insert(out.begin() + axis, depth ? static_cast<int64_t>(*depth) : kDynamic);
  return set(0, out);
}

namespace {
/// The attributes that qopt.integer_conv shares with nn.conv.
struct ConvLike {
  Operation *op;
  Value getX() const { return op->getOperand(0); }
  Value getW() const { return op->getOperand(1); }
  ArrayRef<int64_t> ints(StringRef name) const {
    auto attr = op->getAttrOfType<DenseI64ArrayAttr>(name);
    return attr ? attr.asArrayRef() : ArrayRef<int64_t>();
  }
  StringRef text(StringRef name, StringRef otherwise) const {
    auto attr = op->getAttrOfType<StringAttr>(name);
    return attr ? attr.getValue() : otherwise;
  }
  ArrayRef<int64_t> getStrides() const { return ints("strides"); }
  ArrayRef<int64_t> getDilations() const { return ints("dilations"); }
  ArrayRef<int64_t> getPads() const { return ints("pads"); }
  int64_t getGroup() const {
    auto attr = op->getAttrOfType<IntegerAttr>("group");
    return attr ? attr.getInt() : 1;
  }
  StringRef getLayout() const { return text("layout", "NCX"); }
  StringRef getAutoPad() const { return text("auto_pad", "NOTSET"); }
};
} // namespace

/// One scale for each block along an axis, or one for the tensor.
bool ShapeRules::dynamicScale() {
  auto axis = op->getAttrOfType<IntegerAttr>("axis"), block = op->getAttrOfType<IntegerAttr>("block_size");
  auto x = dims(op->getOperand(0));
  if (!axis || !block)
    return set(0, {}), true;
  if (x && checkAxis(axis.getInt(), x->size()) && block.getInt() > 0) {
    Dims out(*x);
    int64_t &dim = out[axis.getInt()];
    dim = isUnknown(dim) ? dim : (dim + block.getInt() - 1) / block.getInt();
    set(0, out);
  }
  return true;
}

/// By name: this room knows no other dialect's classes.
bool ShapeRules::qoptRules(bool &done) {
  StringRef name = op->getName().getStringRef();
  if (!name.consume_front("qopt."))
    return false;
  if (name == "quantize" || name == "dequantize" || name == "lookup")
    return done = sameAsFirst(), true;
  if (name == "integer_matmul")
    return done = matmul(op->getOperand(0), op->getOperand(1)), true;
  if (name == "integer_conv")
    return done = conv(ConvLike{op}), true;
  if (name == "dynamic_scale")
    return done = dynamicScale(), true;
  if (name == "dynamic_params")
    return set(0, {}), set(1, {}), done = true, true;
  return false;
}

bool ShapeRules::indexRules(bool &done) {
  if (qoptRules(done))
    return true;
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](GatherOp g) { return done = gather(g), true; })
      .Case([&](GatherNDOp g) { return done = gatherND(g), true; })
      .Case([&](TopKOp t) { return done = topK(t), true; })
      .Case([&](OneHotOp o) { return done = oneHot(o), true; })
      .Case([&](GatherElementsOp g) {
        auto data = dims(g.getData()), indices = dims(g.getIndices());
        if (!data || !indices)
          return done = true, true;
        if (data->size() != indices->size())
          return done = fail("data and indices have ranks " + Twine(data->size()) + " and " + Twine(indices->size())), true;
        return done = checkAxis(g.getAxis(), data->size()) && set(0, Dims(*indices)), true;
      })
      .Case([&](ScatterElementsOp s) {
        auto data = dims(s.getData()), indices = dims(s.getIndices());
        if (data && indices && data->size() != indices->size())
          return done = fail("data and indices have ranks " + Twine(data->size()) + " and " + Twine(indices->size())), true;
        return done = (!data || checkAxis(s.getAxis(), data->size())) && sameAsFirst(), true;
      })
      .Case<ArgMaxOp, ArgMinOp>([&](auto a) { return done = reduction(a.getX(), {static_cast<int64_t>(a.getAxis())}, a.getKeepdims()), true; })
      .Case([&](NonZeroOp n) {
        if (auto x = dims(n.getX()))
          set(0, {static_cast<int64_t>(std::max<size_t>(x->size(), 1)), kDynamic});
        return done = true, true;
      })
      .Case([&](CompressOp c) {
        auto x = dims(c.getX());
        if (!x)
          return done = true, true;
        if (!c.getAxis())
          return done = set(0, {kDynamic}), true;
        if (!checkAxis(*c.getAxis(), x->size()))
          return done = false, true;
        Dims out(*x);
        out[*c.getAxis()] = kDynamic;
        return done = set(0, out), true;
      })
      .Case<SoftmaxOp, LogSoftmaxOp, HardmaxOp, CumSumOp, LpNormalizationOp>([&](auto s) {
        auto x = dims(s.getX());
        return done = (!x || checkAxis(s.getAxis(), x->size())) && sameAsFirst(), true;
      })
      .Case<LayerNormalizationOp, RMSNormalizationOp>([&](auto n) {
        auto x = dims(n.getX());
        return done = (!x || checkAxis(n.getAxis(), x->size())) && sameAsFirst(), true;
      })
      .Case<BatchNormalizationOp, InstanceNormalizationOp, LRNOp, EyeLikeOp, TriluOp, ScatterNDOp, ReverseSequenceOp>(
          [&](Operation *) { return done = sameAsFirst(), true; })
      .Default([](Operation *) { return false; });
}
