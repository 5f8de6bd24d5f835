#include "Weights.h"

#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Numerics/Packing/Tiles.h"
#include "qopt/Support/MappedFile.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace qopt::qcpu;

std::optional<ConstantData> qopt::qcpu::constantData(Value value) {
  auto constant = value ? value.getDefiningOp<nn::ConstantOp>() : nn::ConstantOp();
  auto type = value ? dyn_cast<RankedTensorType>(value.getType()) : RankedTensorType();
  if (!constant || !type || type.getElementTypeBitWidth() == 1 || type.getElementTypeBitWidth() > 64)
    return std::nullopt;
  ConstantData data{type, {}, nullptr, nullptr};
  int64_t size = type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue())) {
    data.bytes = dense.getRawData();
    if (dense.isSplat()) {
      data.owned = std::make_shared<std::vector<char>>();
      for (int64_t i = 0; i < type.getNumElements(); ++i)
        data.owned->insert(data.owned->end(), dense.getRawData().begin(), dense.getRawData().end());
      data.bytes = *data.owned;
    }
  } else if (auto resource = dyn_cast<DenseResourceElementsAttr>(constant.getValue())) {
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      data.bytes = blob->getData();
    data.pages = std::shared_ptr<void>(nullptr, [bytes = data.bytes](void *) {
      qopt::releasePages({reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()});
    });
  }
  if (static_cast<int64_t>(data.bytes.size()) != size)
    return std::nullopt;
  return data;
}

template <typename T>
static std::vector<int32_t> widen(const ConstantData &data) {
  llvm::ArrayRef<T> values = data.as<T>();
  return std::vector<int32_t>(values.begin(), values.end());
}

std::vector<int32_t> ConstantData::asInt32() const {
  Type element = type.getElementType();
  bool isUnsigned = element.isUnsignedInteger();
  unsigned width = element.getIntOrFloatBitWidth();
  if (width < 8) { // the rest of the byte may hold anything
    std::vector<int32_t> values = widen<uint8_t>(*this);
    for (int32_t &value : values) {
      value &= (1 << width) - 1;
      value -= !isUnsigned && value >> (width - 1) ? 1 << width : 0;
    }
    return values;
  }
  switch (width) {
  case 8:
    return isUnsigned ? widen<uint8_t>(*this) : widen<int8_t>(*this);
  case 16:
    return isUnsigned ? widen<uint16_t>(*this) : widen<int16_t>(*this);
  default:
    return widen<int32_t>(*this);
  }
}

/// Constants of the same bytes are one: weights that several products read, or two programs side by side, are packed once.
static DenseResourceElementsHandle packedResource(MLIRContext *context, llvm::ArrayRef<char> bytes) {
  constexpr size_t cacheLine = 64;
  llvm::XXH128_hash_t hash = llvm::xxh3_128bits({reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()});
  std::string key = "qcpu_packed_" + llvm::utohexstr(hash.high64) + "_" + llvm::utohexstr(hash.low64);
  auto &manager = DenseResourceElementsHandle::getManagerInterface(context);
  auto *entry = manager.getBlobManager().lookup(key);
  if (entry && entry->getBlob() && entry->getBlob()->getData() == bytes)
    return {entry, cast<BuiltinDialect>(manager.getDialect())};
  AsmResourceBlob blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, cacheLine, /*dataIsMutable=*/false);
  bool isFree = entry && (!entry->getBlob() || entry->getBlob()->getData().empty()); // A program that was thrown away had it.
  if (!isFree)
    return manager.insert(key, std::move(blob));
  entry->setBlob(std::move(blob));
  return {entry, cast<BuiltinDialect>(manager.getDialect())};
}

Value qopt::qcpu::makeConstant(qopt::Emitter &e, RankedTensorType type, llvm::ArrayRef<char> bytes) {
  return arith::ConstantOp::create(e.b, DenseResourceElementsAttr::get(type, packedResource(e.b.getContext(), bytes)));
}

template <typename T>
static Type elementType(MLIRContext *context) {
  if constexpr (std::is_same_v<T, float>)
    return Float32Type::get(context);
  else
    return IntegerType::get(context, 8 * sizeof(T));
}

template <typename T>
Value qopt::qcpu::packPanels(qopt::Emitter &e, const KernelForm &form, const Matrix<T> &matrix) {
  TileLayout layout{matrix.k, matrix.n, form.kPack, form.nr};
  std::vector<T> packed(layout.packedSize());
  packTiles<T>(matrix.elements, MatrixOrder::KN, layout, packed);
  return makeConstant<T>(e, {layout.panels(), layout.steps(), form.nr * form.kPack}, elementType<T>(e.b.getContext()), packed);
}

Value qopt::qcpu::packNibblePanels(qopt::Emitter &e, const KernelForm &form, const Matrix<int8_t> &matrix) {
  TileLayout layout{matrix.k, matrix.n, form.kPack, form.nr};
  std::vector<int8_t> codes(layout.packedSize()), packed(layout.packedSize() / 2);
  packTiles<int8_t>(matrix.elements, MatrixOrder::KN, layout, codes);
  int64_t half = form.nr * form.kPack / 2;
  for (int64_t i = 0, size = packed.size(); i < size; ++i) {
    int64_t low = i / half * 2 * half + i % half;
    packed[i] = static_cast<int8_t>(codes[low] | codes[low + half] << 4);
  }
  return makeConstant<int8_t>(e, {layout.panels(), layout.steps(), half}, e.b.getI8Type(), packed);
}

template <typename T>
Value qopt::qcpu::padToPanels(qopt::Emitter &e, const KernelForm &form, std::vector<T> values) {
  values.resize(llvm::alignTo(values.size(), form.nr), T(0));
  return makeConstant<T>(e, {static_cast<int64_t>(values.size())}, elementType<T>(e.b.getContext()), values);
}

template Value qopt::qcpu::packPanels(qopt::Emitter &, const KernelForm &, const Matrix<float> &);
template Value qopt::qcpu::packPanels(qopt::Emitter &, const KernelForm &, const Matrix<int8_t> &);
template Value qopt::qcpu::padToPanels(qopt::Emitter &, const KernelForm &, std::vector<float>);
template Value qopt::qcpu::padToPanels(qopt::Emitter &, const KernelForm &, std::vector<int32_t>);

bool qopt::qcpu::pairsAreBounded(const Matrix<int8_t> &matrix) {
  for (int64_t row = 0; row < matrix.k; row += 2)
    for (int64_t column = 0; column < matrix.n; ++column) {
      int first = matrix.elements[row * matrix.n + column];
      int second = row + 1 < matrix.k ? matrix.elements[(row + 1) * matrix.n + column] : 0;
      if (std::abs(first) + std::abs(second) > 128)
        return false;
    }
  return true;
}
