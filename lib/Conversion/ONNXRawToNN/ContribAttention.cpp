// com.microsoft's attention, embedding and rotary ops.
#include "Node.h"

#include <cmath>

using namespace mlir;
using namespace qopt;

namespace {
Value add(Node &n, Value a, Value b) { return b ? n.make<nn::AddOp>(n.elem(a), {a, b}) : a; }

/// B×S×(H·D) to B×H×S×D.
Value splitHeads(Node &n, Value x, int64_t heads) {
  return n.transpose(n.reshape(x, {0, 0, heads, -1}), {0, 2, 1, 3});
}

Value joinHeads(Node &n, Value x) { return n.reshape(n.transpose(x, {0, 2, 1, 3}), {0, 0, -1}); }

/// 0 where `keep` (boolean) holds, `filter` elsewhere.
Value additive(Node &n, Value keep, Type element, double filter) {
  return n.make<nn::WhereOp>(element, {keep, n.scalar(element, 0), n.scalar(element, filter)});
}

/// An additive mask over B×H×S×T from one of the forms that ONNX Runtime takes: lengths (B), keys (B×T), or pairs (B×S×T).
Value attentionMask(Node &n, Value mask, Value keys, Type element, double filter) {
  switch (n.rank(mask)) {
  case 1: {
    Value count = n.make<nn::GatherOp>(n.i64(), {n.shapeOf(keys), n.scalar(n.i64(), 1)}, n.attrs().i("axis", 0));
    Value positions = n.make<nn::RangeOp>(n.i64(), {n.scalar(n.i64(), 0), count, n.scalar(n.i64(), 1)});
    Value lengths = n.unsqueeze(n.cast(mask, n.i64()), {1, 2, 3});
    return additive(n, n.make<nn::LessOp>(n.i1(), {positions, lengths}), element, filter);
  }
  case 2:
    return additive(n, n.unsqueeze(n.cast(mask, n.i1()), {1, 2}), element, filter);
  case 3:
    return additive(n, n.unsqueeze(n.cast(mask, n.i1()), {1}), element, filter);
  default:
    return (void)n.unsupported("its mask has rank " + Twine(n.rank(mask))), mask;
  }
}

Value core(Node &n, Value q, Value k, Value v, Value mask, int64_t heads, bool causal) {
  int64_t width = n.dims(q).back();
  double scale = n.f("scale", 0);
  if (scale == 0) {
    if (ShapedType::isDynamic(width))
      return (void)n.unsupported("its head size is not static"), q;
    scale = 1 / std::sqrt(static_cast<double>(width) / heads);
  }
  Value y = n.make<nn::AttentionOp>(n.elem(q), {splitHeads(n, q, heads), splitHeads(n, k, heads), splitHeads(n, v, heads), mask},
                                    n.attrs().f("scale", scale).b("is_causal", causal));
  return joinHeads(n, y);
}

std::optional<int64_t> readHeads(Node &n, std::initializer_list<Value> operands) {
  int64_t heads = n.i("num_heads", 0);
  if (heads < 1)
    return (void)n.fail("has num_heads " + Twine(heads)), std::nullopt;
  for (Value operand : operands) {
    if (n.rank(operand) != 3)
      return (void)n.unsupported("an operand has rank " + Twine(n.rank(operand))), std::nullopt;
    int64_t width = n.dims(operand).back();
    if (!ShapedType::isDynamic(width) && width % heads != 0)
      return (void)n.fail("has a width of " + Twine(width) + " for " + Twine(heads) + " heads"), std::nullopt;
  }
  return heads;
}

LogicalResult attention(Node &n) {
  if (n.has(4) || n.isUsed(1))
    return n.unsupported("it keeps past keys and values");
  if (n.flag("do_rotary", false))
    return n.unsupported("it rotates its operands (do_rotary)");
  auto heads = readHeads(n, {n.in(0)});
  if (!heads)
    return failure();
  Value all = add(n, n.make<nn::MatMulOp>(n.elem(n.in(0)), {n.in(0), n.in(1)}), n.optional(2));
  Attrs attrs = n.attrs();
  attrs.i("axis", 2);
  if (auto sizes = n.ints("qkv_hidden_sizes"))
    attrs.ints("split", *sizes);
  if (n.failed() || n.rank(all) != 3)
    return n.failed() ? failure() : n.fail("has a weight that is no matrix");
  SmallVector<Type> types(3, n.elem(all));
  auto qkv = n.makeMany<nn::SplitOp>(types, {all}, attrs);
  Value mask = n.has(3) ? attentionMask(n, n.in(3), qkv[1], n.elem(all), n.f("mask_filter_value", -10000)) : Value();
  if (n.has(5))
    mask = mask ? add(n, mask, n.in(5)) : n.in(5);
  if (n.failed() || !readHeads(n, {qkv[0], qkv[1], qkv[2]}))
    return failure();
  return n.one(core(n, qkv[0], qkv[1], qkv[2], mask, *heads, n.flag("unidirectional", false)));
}

LogicalResult multiHeadAttention(Node &n) {
  if (n.has(6) || n.has(7) || n.isUsed(1) || n.isUsed(2))
    return n.unsupported("it keeps past keys and values");
  if (!n.has(1) || !n.has(2))
    return n.unsupported("its keys and values are packed with its queries");
  auto heads = readHeads(n, {n.in(0), n.in(1), n.in(2)});
  if (!heads)
    return failure();
  Value q = n.in(0), k = n.in(1), v = n.in(2);
  if (n.has(3)) {
    SmallVector<Type> types(3, n.elem(n.in(3)));
    Dims sizes = {n.dims(q).back(), n.dims(k).back(), n.dims(v).back()};
    if (llvm::any_of(sizes, ShapedType::isDynamic))
      return n.unsupported("its widths are not static");
    auto bias = n.makeMany<nn::SplitOp>(types, {n.in(3)}, n.attrs().i("axis", 0).ints("split", sizes));
    q = add(n, q, bias[0]), k = add(n, k, bias[1]), v = add(n, v, bias[2]);
  }
  Value mask = n.has(4) ? attentionMask(n, n.in(4), k, n.elem(q), n.f("mask_filter_value", -10000)) : Value();
  if (n.has(5))
    mask = mask ? add(n, mask, n.in(5)) : n.in(5);
  if (n.failed())
    return failure();
  return n.one(core(n, q, k, v, mask, *heads, n.flag("unidirectional", false)));
}

/// The length of dim `axis` of x as a scalar.
Value length(Node &n, Value x, int64_t axis) {
  return n.make<nn::GatherOp>(n.i64(), {n.shapeOf(x), n.scalar(n.i64(), static_cast<double>(axis))}, n.attrs().i("axis", 0));
}

Value gatherRows(Node &n, Value table, Value ids) {
  return n.make<nn::GatherOp>(n.elem(table), {table, ids}, n.attrs().i("axis", 0));
}

LogicalResult embedLayerNorm(Node &n) {
  Value ids = n.in(0);
  if (n.rank(ids) != 2)
    return n.fail("has input ids of rank " + Twine(n.rank(ids)) + "; it needs batch and sequence");
  Value positions = n.optional(8);
  if (!positions)
    positions = n.make<nn::RangeOp>(n.i64(), {n.scalar(n.i64(), 0), length(n, ids, 1), n.scalar(n.i64(), 1)});
  Value sum = add(n, gatherRows(n, n.in(2), ids), gatherRows(n, n.in(3), positions));
  if (n.has(1) && n.has(4))
    sum = add(n, sum, gatherRows(n, n.in(4), n.in(1)));
  if (n.isUsed(1)) {
    if (!n.has(7))
      return n.unsupported("its mask index is used without a mask");
    n.set(1, n.make<nn::ReduceSumOp>(n.elem(n.in(7)), {n.in(7)}, n.attrs().ints("axes", {1}).b("keepdims", false)));
  }
  n.set(2, sum);
  return n.one(n.make<nn::LayerNormalizationOp>(n.elem(sum), {sum, n.in(5), n.in(6)},
                                                n.attrs().i("axis", n.axis(-1, n.rank(sum))).f("epsilon", n.f("epsilon", 1e-12f))));
}

Value slice(Node &n, Value x, int64_t axis, int64_t from, int64_t to, int64_t step = 1) {
  return n.make<nn::SliceOp>(n.elem(x), {x, n.constantInts({from}), n.constantInts({to})},
                             n.attrs().ints("axes", {axis}).ints("steps", {step}));
}

/// x is B×H×S×D; cos and sin are B×1×S×D/2 (or 1×1×S×D/2).
Value rotate(Node &n, Value x, Value cos, Value sin, bool interleaved) {
  Type element = n.elem(x);
  int64_t width = n.dims(x)[3], half = width / 2;
  Value first = interleaved ? slice(n, x, 3, 0, width, 2) : slice(n, x, 3, 0, half);
  Value second = interleaved ? slice(n, x, 3, 1, width, 2) : slice(n, x, 3, half, width);
  auto mul = [&](Value a, Value b) { return n.make<nn::MulOp>(element, {a, b}); };
  Value real = n.make<nn::SubOp>(element, {mul(first, cos), mul(second, sin)});
  Value imaginary = n.make<nn::AddOp>(element, {mul(second, cos), mul(first, sin)});
  if (!interleaved)
    return n.make<nn::ConcatOp>(element, {real, imaginary}, n.attrs().i("axis", 3));
  Value pairs = n.make<nn::ConcatOp>(element, {n.unsqueeze(real, {4}), n.unsqueeze(imaginary, {4})}, n.attrs().i("axis", 4));
  return n.reshape(pairs, {0, 0, 0, width});
}

LogicalResult rotaryEmbedding(Node &n) {
  Value x = n.in(0), ids = n.in(1), cosCache = n.in(2), sinCache = n.in(3);
  bool flat = n.rank(x) == 3;
  if (n.rank(cosCache) != 2 || n.rank(sinCache) != 2 || (!flat && n.rank(x) != 4))
    return n.fail("needs an input of rank 3 or 4 and caches that are matrices");
  int64_t half = n.dims(cosCache)[1], width = flat ? n.dims(x)[2] : n.dims(x)[3];
  int64_t heads = n.i("num_heads", 0), rotary = n.i("rotary_embedding_dim", 0);
  if (ShapedType::isDynamic(half) || ShapedType::isDynamic(width) || half < 1)
    return n.unsupported("its head size is not static");
  if (rotary == 0 && flat)
    heads = width / (2 * half);
  int64_t head = flat ? (heads > 0 ? width / heads : 0) : width;
  if (head < 1 || (flat && heads * head != width) || 2 * half > head)
    return n.fail("has a width of " + Twine(width) + " that its heads and caches do not fit");
  Value split = flat ? splitHeads(n, x, heads) : x;
  if (n.rank(ids) == 1) { // an offset
    Value positions = n.make<nn::RangeOp>(n.i64(), {n.scalar(n.i64(), 0), length(n, split, 2), n.scalar(n.i64(), 1)});
    ids = n.unsqueeze(n.make<nn::AddOp>(n.i64(), {positions, n.cast(ids, n.i64())}), {0});
  }
  Value cos = n.unsqueeze(gatherRows(n, cosCache, ids), {1}), sin = n.unsqueeze(gatherRows(n, sinCache, ids), {1});
  bool interleaved = n.flag("interleaved", false);
  Value turned;
  if (2 * half == head) {
    turned = rotate(n, split, cos, sin, interleaved);
  } else {
    Value part = rotate(n, slice(n, split, 3, 0, 2 * half), cos, sin, interleaved);
    turned = n.make<nn::ConcatOp>(n.elem(x), {part, slice(n, split, 3, 2 * half, head)}, n.attrs().i("axis", 3));
  }
  return n.one(flat ? joinHeads(n, turned) : turned);
}
} // namespace

void qopt::addContribAttention(Handlers &t) {
  auto add = [&](StringRef op, Handler handler) { t[("com.microsoft/" + op).str()] = handler; };
  add("Attention", attention), add("MultiHeadAttention", multiHeadAttention), add("EmbedLayerNormalization", embedLayerNorm);
  add("RotaryEmbedding", rotaryEmbedding);
}
