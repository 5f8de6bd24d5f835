#include "Kernels.h"
#include "qopt/Codegen/CPU/Kernels/Passes.h"
#include "qopt/Codegen/CPU/Kernels/QCPU.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace qopt::qcpu {
#define GEN_PASS_DEF_QCPULOWERTOCALLS
#include "qopt/Codegen/CPU/Kernels/Passes.h.inc"
} // namespace qopt::qcpu

using namespace mlir;
using namespace qopt::qcpu;

namespace {

/// A buffer's address, sizes and strides as values; strides in elements.
struct Buffer {
  MemRefType type;
  Value address;
  SmallVector<Value> sizes, strides;
  SmallVector<int64_t> staticStrides;

  int64_t rank() const { return type.getRank(); }
  /// Elements of dim and dim + 1 are evenly spaced, so the two can be one.
  bool continues(int64_t dim) const {
    if (type.getLayout().isIdentity())
      return true;
    int64_t outer = staticStrides[dim], inner = staticStrides[dim + 1], size = type.getDimSize(dim + 1);
    return !ShapedType::isDynamic(outer) && !ShapedType::isDynamic(inner) && !ShapedType::isDynamic(size) &&
           outer == inner * size;
  }
};

/// Builds the calls of one op.
struct CallBuilder {
  Emitter e;
  ModuleOp module;

  Value toI64(Value index) { return arith::IndexCastOp::create(e.builder, e.loc, e.i64(), index); }

  /// Kernels want unit strides along the last dim; what has others (a view of a transpose) is copied.
  Value withUnitStride(Value memref) {
    auto type = cast<MemRefType>(memref.getType());
    if (type.getRank() == 0 || type.isLastDimUnitStride())
      return memref;
    SmallVector<Value> sizes;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (type.isDynamicDim(dim))
        sizes.push_back(memref::DimOp::create(e.builder, e.loc, memref, dim));
    auto dense = MemRefType::get(type.getShape(), type.getElementType());
    Value copy = memref::AllocOp::create(e.builder, e.loc, dense, sizes);
    memref::CopyOp::create(e.builder, e.loc, memref, copy);
    return copy;
  }

  Buffer buffer(Value memref) {
    Buffer result;
    result.type = cast<MemRefType>(memref.getType());
    auto metadata = memref::ExtractStridedMetadataOp::create(e.builder, e.loc, memref);
    for (auto [size, stride] : llvm::zip(metadata.getSizes(), metadata.getStrides())) {
      result.sizes.push_back(toI64(size));
      result.strides.push_back(toI64(stride));
    }
    int64_t offset;
    (void)result.type.getStridesAndOffset(result.staticStrides, offset);
    Value address = toI64(memref::ExtractAlignedPointerAsIndexOp::create(e.builder, e.loc, memref));
    address = LLVM::IntToPtrOp::create(e.builder, e.loc, e.pointer(), address);
    result.address = e.at(address, e.mul(toI64(metadata.getOffset()), bytes(result.type)));
    return result;
  }

  static int64_t bytes(MemRefType type) { return type.getElementTypeBitWidth() / 8; }

  Value addressOrNull(Value memref) { return memref ? buffer(memref).address : e.null(); }

  Value advance(const Buffer &buffer, Value address, Value index, int64_t dim) {
    return e.at(address, e.mul(e.mul(index, buffer.strides[dim]), bytes(buffer.type)));
  }

  /// Loops over dim `dim` of all buffers, moving their addresses; a dim of size one needs no loop.
  void over(ArrayRef<Buffer> buffers, int64_t dim, ArrayRef<Value> addresses,
            llvm::function_ref<void(ArrayRef<Value>)> body) {
    if (llvm::any_of(buffers, [&](const Buffer &buffer) { return buffer.type.getDimSize(dim) == 1; }))
      return body(addresses);
    e.loop(e.index(0), buffers.front().sizes[dim], e.index(1), [&](Value index) {
      SmallVector<Value> moved;
      for (auto [buffer, address] : llvm::zip(buffers, addresses))
        moved.push_back(advance(buffer, address, index, dim));
      body(moved);
    });
  }

  void overDims(ArrayRef<Buffer> buffers, int64_t dim, int64_t end, ArrayRef<Value> addresses,
                llvm::function_ref<void(ArrayRef<Value>)> body) {
    if (dim == end)
      return body(addresses);
    over(buffers, dim, addresses,
         [&](ArrayRef<Value> moved) { overDims(buffers, dim + 1, end, moved, body); });
  }

  void call(KernelKind kind, const KernelForm &form, bool aUnsigned, ValueRange arguments) {
    func::CallOp::create(e.builder, e.loc, getOrEmitKernel(module, kind, form, aUnsigned), arguments);
  }
};

bool isUnitDim(const Buffer &a, const Buffer &b, int64_t dim) {
  return a.type.getDimSize(dim) == 1 || b.type.getDimSize(dim) == 1;
}

void lower(GemmOp op, CallBuilder &calls) {
  Emitter &e = calls.e;
  const KernelForm &form = *findKernelForm(op.getKernel());
  Buffer a = calls.buffer(calls.withUnitStride(op.getA())), c = calls.buffer(op.getOut());
  Value b = calls.addressOrNull(op.getB()), init = calls.addressOrNull(op.getInit());
  // Dims [first, rank - 1) become the rows of one product, those before are loops.
  int64_t columns = a.rank() - 1, first = columns;
  Value rows = e.index(1), lda = e.index(0), ldc = e.index(0);
  for (int64_t dim = columns - 1; dim >= 0; --dim) {
    if (isUnitDim(a, c, dim)) {
      if (first == dim + 1)
        first = dim;
      continue;
    }
    bool innermost = llvm::all_of(llvm::seq(dim + 1, columns), [&](int64_t d) { return isUnitDim(a, c, d); });
    if (innermost) {
      lda = a.strides[dim];
      ldc = c.strides[dim];
    } else if (first != dim + 1 || !a.continues(dim) || !c.continues(dim)) {
      break;
    }
    rows = e.mul(rows, a.sizes[dim]);
    first = dim;
  }
  SmallVector<Value> weights = {b};
  if (form.decodes())
    weights.append({calls.addressOrNull(op.getScales()), calls.addressOrNull(op.getZeros()), e.index(op.getGroup())});
  calls.overDims({a, c}, 0, first, {a.address, c.address}, [&](ArrayRef<Value> at) {
    SmallVector<Value> arguments = {at[0], lda};
    llvm::append_range(arguments, weights);
    arguments.append({init, at[1], ldc, rows, c.sizes[columns], a.sizes[columns]});
    calls.call(KernelKind::Gemm, form, op.getAUnsigned(), arguments);
  });
}

/// The same memory with dim i being the buffer's own dim perm[i].
Buffer permuted(const Buffer &buffer, ArrayRef<int64_t> perm) {
  Buffer view = buffer;
  SmallVector<int64_t> shape;
  for (auto [dim, own] : llvm::enumerate(perm)) {
    shape.push_back(buffer.type.getDimSize(own));
    view.sizes[dim] = buffer.sizes[own];
    view.strides[dim] = buffer.strides[own];
    view.staticStrides[dim] = buffer.staticStrides[own];
  }
  view.type = MemRefType::get(shape, buffer.type.getElementType());
  return view;
}

void lower(BatchMatMulOp op, CallBuilder &calls) {
  const KernelForm &form = *findKernelForm(op.getKernel());
  Buffer a = permuted(calls.buffer(calls.withUnitStride(op.getA())), op.getAPerm());
  Buffer b = permuted(calls.buffer(calls.withUnitStride(op.getB())), op.getBPerm());
  Buffer c = permuted(calls.buffer(op.getOut()), op.getOutPerm());
  int64_t rows = a.rank() - 2, columns = a.rank() - 1;
  KernelKind kind = op.isTransposed() ? KernelKind::BatchTransposed : KernelKind::Batch;
  Value ldb = b.strides[op.isTransposed() ? columns : rows];
  calls.overDims({a, b, c}, 0, rows, {a.address, b.address, c.address}, [&](ArrayRef<Value> at) {
    calls.call(kind, form, false, {at[0], a.strides[rows], at[1], ldb, at[2], c.strides[rows], a.sizes[rows],
                                   c.sizes[columns], a.sizes[columns]});
  });
}

/// The pad value's bits in an i64; zero without one.
Value padBits(Value pad, CallBuilder &calls) {
  Emitter &e = calls.e;
  if (!pad)
    return e.index(0);
  Value value = memref::LoadOp::create(e.builder, e.loc, pad, ValueRange{});
  if (isa<FloatType>(value.getType()))
    value = e.bitcast(e.i32(), value);
  return arith::ExtSIOp::create(e.builder, e.loc, e.i64(), value);
}

/// Whether pixels of an image lie side by side, as kernels expect of x.
bool isDenseImage(Value x) {
  auto type = cast<MemRefType>(x.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (type.getLayout().isIdentity())
    return true;
  if (failed(type.getStridesAndOffset(strides, offset)) || llvm::any_of(type.getShape().drop_front(), ShapedType::isDynamic))
    return false;
  return strides[3] == 1 && strides[2] == type.getDimSize(3) && strides[1] == strides[2] * type.getDimSize(2);
}

Value denseImage(Value x, CallBuilder &calls) {
  if (isDenseImage(x))
    return x;
  Emitter &e = calls.e;
  auto type = cast<MemRefType>(x.getType());
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(memref::DimOp::create(e.builder, e.loc, x, dim));
  Value copy = memref::AllocOp::create(e.builder, e.loc, MemRefType::get(type.getShape(), type.getElementType()), sizes);
  memref::CopyOp::create(e.builder, e.loc, x, copy);
  return copy;
}

/// One call for each image of the tile and, where rows of the result do not continue each other, for each row.
template <typename OpTy>
void lowerConv(OpTy op, KernelKind kind, CallBuilder &calls) {
  Emitter &e = calls.e;
  const KernelForm &form = *findKernelForm(op.getKernel());
  Buffer x = calls.buffer(denseImage(op.getX(), calls)), c = calls.buffer(op.getOut()), w = calls.buffer(op.getW());
  Value init = calls.addressOrNull(op.getInit());
  SmallVector<Value> starts(4, e.index(0));
  for (auto [index, offset] : llvm::enumerate(op.getOffsets()))
    starts[index] = calls.toI64(offset);
  Value image = calls.advance(x, x.address, starts[0], 0), pad = padBits(op.getPadValue(), calls);
  bool wholeRows = c.continues(1) || c.type.getDimSize(1) == 1;

  auto emit = [&](Value xAt, Value cAt, Value rows, Value row0) {
    SmallVector<Value> shape(ConvArgumentCount);
    auto set = [&](ConvArgument argument, Value value) { shape[argument] = value; };
    auto setPair = [&](ConvArgument argument, ArrayRef<int64_t> values) {
      shape[argument] = e.index(values[0]);
      shape[argument + 1] = e.index(values[1]);
    };
    set(Rows, rows), set(Cols, c.sizes[2]), set(Row0, row0), set(Col0, starts[2]);
    set(Height, x.sizes[1]), set(Width, x.sizes[2]), set(Channels, x.sizes[3]);
    setPair(WindowH, op.getWindow()), setPair(StrideH, op.getStrides()), setPair(DilationH, op.getDilations());
    setPair(PadTop, op.getPads());
    set(PadValue, pad), set(Channel, starts[3]), set(WeightStride, w.strides[0]);
    SmallVector<Value> arguments{xAt, w.address, init, cAt, c.strides[2], c.sizes[3]};
    arguments.append(shape);
    calls.call(kind, form, op.getAUnsigned(), arguments);
  };

  auto perImage = [&](Value xAt, Value cAt) {
    if (wholeRows)
      return emit(xAt, cAt, c.sizes[1], starts[1]);
    e.loop(e.index(0), c.sizes[1], e.index(1), [&](Value row) {
      emit(xAt, calls.advance(c, cAt, row, 1), e.index(1), e.add(starts[1], row));
    });
  };
  if (c.type.getDimSize(0) == 1)
    return perImage(image, c.address);
  e.loop(e.index(0), c.sizes[0], e.index(1), [&](Value n) {
    perImage(calls.advance(x, image, n, 0), calls.advance(c, c.address, n, 0));
  });
}

void lower(ConvOp op, CallBuilder &calls) { lowerConv(op, KernelKind::Conv, calls); }
void lower(DepthwiseConvOp op, CallBuilder &calls) { lowerConv(op, KernelKind::Depthwise, calls); }

struct LowerToCalls : qopt::qcpu::impl::QCPULowerToCallsBase<LowerToCalls> {
  template <typename OpTy>
  void lowerAll() {
    SmallVector<OpTy> ops;
    getOperation().walk([&](OpTy op) { ops.push_back(op); });
    for (OpTy op : ops) {
      OpBuilder builder(op);
      CallBuilder calls{Emitter(builder, op.getLoc()), getOperation()};
      lower(op, calls);
      op.erase();
    }
  }

  void runOnOperation() override {
    WalkResult tensors = getOperation().walk([](DestinationStyleOpInterface op) {
      if (!isa<QCPUDialect>(op->getDialect()) || op.hasPureBufferSemantics())
        return WalkResult::advance();
      op.emitOpError("still works on tensors: bufferize before qcpu-lower-to-calls");
      return WalkResult::interrupt();
    });
    if (tensors.wasInterrupted())
      return signalPassFailure();
    lowerAll<GemmOp>();
    lowerAll<BatchMatMulOp>();
    lowerAll<ConvOp>();
    lowerAll<DepthwiseConvOp>();
  }
};

} // namespace
