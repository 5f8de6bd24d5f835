// com.microsoft.MatMulNBits: a weight of N rows in blocks along K, packed low bits first, becomes a K×N integer constant and a
// blocked dequantize.
#include "NBits.h"

#include "Quantize.h"

#include "qopt/Dialect/NN/IR/HostValues.h"

using namespace mlir;
using namespace qopt;

namespace {
struct Layout {
  int64_t k, n, bits, block, blocks; // blocks along K; the last may be partial
  int64_t rowBytes() const { return blocks * block * bits / 8; }      // of the weight; blocks are stored whole
  int64_t zeroRowBytes() const { return (blocks * bits + 7) / 8; }
};

uint8_t code(ArrayRef<uint8_t> row, int64_t index, int64_t bits) {
  int64_t bit = index * bits;
  return (row[bit / 8] >> (bit % 8)) & ((1u << bits) - 1);
}

std::optional<Layout> readLayout(Node &n) {
  Layout l{n.i("K", 0), n.i("N", 0), n.i("bits", 4), n.i("block_size", 0), 0};
  if (l.bits != 2 && l.bits != 4 && l.bits != 8)
    return (void)n.unsupported("its weights have " + Twine(l.bits) + " bits"), std::nullopt;
  constexpr int64_t kMost = int64_t(1) << 31;
  if (l.k < 1 || l.n < 1 || l.k > kMost || l.n > kMost)
    return (void)n.fail("has K " + Twine(l.k) + " and N " + Twine(l.n) + "; they must be positive sizes"), std::nullopt;
  if (l.block < 16 || l.block > (1 << 20) || (l.block & (l.block - 1)))
    return (void)n.fail("has the block_size " + Twine(l.block) + "; it must be a power of two of at least 16"), std::nullopt;
  l.blocks = (l.k + l.block - 1) / l.block;
  return l;
}

std::optional<Tensor> constantOperand(Node &n, size_t i, StringRef role, int64_t bytes) {
  ElementsAttr elements = nn::constantValue(n.in(i));
  if (!elements)
    return (void)n.unsupported("its " + role + " are not constant"), std::nullopt;
  auto tensor = nn::tensorOf(elements);
  if (!tensor)
    return (void)n.fail("has " + role + " that cannot be read: " + llvm::toString(tensor.takeError())), std::nullopt;
  if (bytes >= 0 && tensor->numBytes() != bytes)
    return (void)n.fail("has " + Twine(tensor->numBytes()) + " bytes of " + role + ", but its K, N, bits and block_size need " +
                        Twine(bytes)),
           std::nullopt;
  return *tensor;
}

DType codeType(const Layout &l, bool isSigned) {
  switch (l.bits) {
  case 2:
    return isSigned ? DType::Int2 : DType::UInt2;
  case 4:
    return isSigned ? DType::Int4 : DType::UInt4;
  default:
    return isSigned ? DType::Int8 : DType::UInt8;
  }
}

/// columns×rows from packed rows; `middle` is taken off each code.
std::optional<Tensor> unpackTransposed(Node &n, const Layout &l, const Tensor &packed, int64_t columns, int64_t rowBytes,
                                       DType type, int middle) {
  auto out = Tensor::allocate(type, {columns, l.n});
  if (!out)
    return (void)n.fail(llvm::toString(out.takeError())), std::nullopt;
  MutableArrayRef<uint8_t> to = out->mutableBytes();
  for (int64_t row = 0; row < l.n; ++row) {
    ArrayRef<uint8_t> from = packed.bytes().slice(row * rowBytes, rowBytes);
    for (int64_t i = 0; i < columns; ++i)
      to[i * l.n + row] = static_cast<uint8_t>(code(from, i, l.bits) - middle);
  }
  return *out;
}

/// Floats of blocks (scales, zero points) come as N×blocks, whatever their shape says.
Value blockFloats(Node &n, const Layout &l, size_t operand, StringRef role) {
  Value given = n.in(operand);
  if (!n.isFloat(given) || !n.type(given).hasStaticShape() || n.type(given).getNumElements() != l.n * l.blocks) {
    (void)n.fail("has " + role + " that are not the " + Twine(l.n * l.blocks) + " floats that its N, K and block_size need");
    return given;
  }
  ElementsAttr elements = nn::constantValue(given);
  auto tensor = elements ? nn::tensorOf(elements) : llvm::Expected<Tensor>(makeError("not constant"));
  auto values = tensor ? nn::tensorFloats(*tensor) : std::nullopt;
  if (!values) {
    llvm::consumeError(tensor.takeError());
    (void)n.unsupported("its " + role + " are not constant");
    return given;
  }
  SmallVector<double> turned(values->size());
  for (int64_t row = 0; row < l.n; ++row)
    for (int64_t block = 0; block < l.blocks; ++block)
      turned[block * l.n + row] = (*values)[row * l.blocks + block];
  auto out = nn::tensorFromFloats(tensor->dtype(), {l.blocks, l.n}, turned);
  return out ? n.constant(*out) : (llvm::consumeError(out.takeError()), given);
}
} // namespace

LogicalResult qopt::convertMatMulNBits(Node &n) {
  Value a = n.in(0);
  auto layout = readLayout(n);
  if (!layout)
    return failure();
  const Layout &l = *layout;
  if (n.rank(a) < 1 || (!ShapedType::isDynamic(n.dims(a).back()) && n.dims(a).back() != l.k))
    return n.fail("has K " + Twine(l.k) + " and an input of shape " + shapeToString(n.dims(a)));
  if (n.has(4))
    return n.unsupported("its groups are reordered (g_idx)");
  auto packed = constantOperand(n, 1, "weights", l.n * l.rowBytes());
  if (!packed)
    return failure();
  std::optional<Tensor> zeros;
  bool floatZeros = n.has(3) && n.isFloat(n.in(3));
  if (n.has(3) && !floatZeros) {
    auto packedZeros = constantOperand(n, 3, "zero points", l.n * l.zeroRowBytes());
    zeros = packedZeros ? unpackTransposed(n, l, *packedZeros, l.blocks, l.zeroRowBytes(), codeType(l, false), 0) : std::nullopt;
    if (!zeros)
      return failure();
  }
  // Without zero points codes are offset by half their range: taking it off makes them signed.
  bool isSigned = !zeros && !floatZeros;
  auto weight = unpackTransposed(n, l, *packed, l.k, l.rowBytes(), codeType(l, isSigned), isSigned ? 1 << (l.bits - 1) : 0);
  if (!weight)
    return failure();
  QuantParams params{blockFloats(n, l, 2, "scales"), zeros ? n.constant(*zeros) : Value(), 0, l.block};
  if (floatZeros)
    params.zeroPoint = blockFloats(n, l, 3, "zero points");
  if (n.failed())
    return failure();
  Value w = dequantize(n, n.constant(*weight), params, n.elem(a));
  Value y = n.make<nn::MatMulOp>(n.elem(a), {a, w});
  if (n.has(5))
    y = n.make<nn::AddOp>(n.elem(y), {y, n.cast(n.in(5), n.elem(y))});
  return n.one(y);
}
