// Depthwise convolution: lanes are channels. For a few neighbouring pixels at a time, the addresses of all taps are
// written down first (taps outside point to a row of pad values), so the inner loop has no cases.
#include "Kernels.h"
#include "MicroKernel.h"

using namespace mlir;
using namespace qopt::qcpu;

namespace {

constexpr int64_t maxPixels = 4;
constexpr int64_t maxTaps = 128;     ///< qcpu-select-kernels leaves larger windows to the generic lowering
constexpr int64_t channelChunk = 256; ///< the row of pad values has so many

struct Depthwise {
  Emitter &e;
  const KernelForm &form;
  bool aUnsigned;
  Value x, w, init, c, ldc, n;
  ValueRange shape;
  Value taps, addresses, padRow, zeros;

  Value get(ConvArgument argument) { return shape[argument]; }
  int64_t inBytes() { return activationBytes(form); }
  Type inElement() { return form.operands == Operands::Int8 ? e.i8() : e.f32(); }
  Type sum(int64_t lanes) { return lanes == 1 ? accumulatorType(e, form) : Type(e.vec(lanes, accumulatorType(e, form))); }
  Type typed(int64_t lanes, Type element) { return lanes == 1 ? element : Type(e.vec(lanes, element)); }

  Value toSum(Value value, int64_t lanes, bool isUnsigned) {
    if (form.operands == Operands::F32)
      return value;
    if (form.operands == Operands::Weight8) {
      if (isa<FloatType>(getElementTypeOrSelf(value.getType())))
        return value;
      return arith::SIToFPOp::create(e.builder, e.loc, sum(lanes), value);
    }
    if (isUnsigned)
      return arith::ExtUIOp::create(e.builder, e.loc, sum(lanes), value);
    return arith::ExtSIOp::create(e.builder, e.loc, sum(lanes), value);
  }

  Type getElementTypeOrSelf(Type type) {
    auto vector = dyn_cast<VectorType>(type);
    return vector ? vector.getElementType() : type;
  }

  Value multiplyAdd(Value a, Value b, Value total) {
    if (form.operands == Operands::Int8) // both fit 16 bits, so LLVM may multiply pairs
      return arith::AddIOp::create(e.builder, e.loc, total, arith::MulIOp::create(e.builder, e.loc, a, b));
    return LLVM::FMulAddOp::create(e.builder, e.loc, a, b, total);
  }

  /// Channels [channel, channel + lanes) of `pixels` pixels; `local` counts from the chunk's first channel.
  void channels(int64_t pixels, int64_t lanes, Value channel, Value local, Value row) {
    Value start = e.select(e.isNull(init), zeros, e.at(init, e.mul(channel, accumulatorBytes)));
    Emitter::Values sums(pixels, e.load(sum(lanes), start));
    Type weightType = typed(lanes, form.operands == Operands::F32 ? e.f32() : e.i8());
    sums = e.loop(e.index(0), taps, e.index(1), sums, [&](Value tap, ValueRange carried) {
      Value offset = e.mul(e.add(e.mul(tap, get(WeightStride)), channel), weightBytes(form));
      Value weight = toSum(e.load(weightType, e.at(w, offset)), lanes, false);
      Emitter::Values next;
      for (int64_t p = 0; p < pixels; ++p) {
        Value slot = e.at(addresses, e.mul(e.add(e.mul(tap, maxPixels), e.index(p)), 8));
        Value source = e.at(e.load(e.pointer(), slot), e.mul(local, inBytes()));
        next.push_back(multiplyAdd(toSum(e.load(typed(lanes, inElement()), source), lanes, aUnsigned), weight, carried[p]));
      }
      return next;
    });
    for (int64_t p = 0; p < pixels; ++p)
      e.store(sums[p], e.at(row, e.mul(e.add(e.mul(ldc, p), channel), accumulatorBytes)));
  }

  /// Writes down the address of each tap of each pixel, at the chunk's first channel.
  void locate(int64_t pixels, Value tileRow, Value tileColumn, Value chunk) {
    Value top = e.sub(e.mul(e.add(tileRow, get(Row0)), get(StrideH)), get(PadTop));
    e.loop(e.index(0), taps, e.index(1), [&](Value tap) {
      Value tapRow = arith::DivUIOp::create(e.builder, e.loc, tap, get(WindowW));
      Value tapColumn = e.sub(tap, e.mul(tapRow, get(WindowW)));
      Value y = e.add(top, e.mul(tapRow, get(DilationH)));
      for (int64_t p = 0; p < pixels; ++p) {
        Value left = e.sub(e.mul(e.add(e.add(tileColumn, e.index(p)), get(Col0)), get(StrideW)), get(PadLeft));
        Value z = e.add(left, e.mul(tapColumn, get(DilationW)));
        Value inside = arith::AndIOp::create(e.builder, e.loc, unsignedLess(y, get(Height)), unsignedLess(z, get(Width)));
        Value index = e.add(e.mul(e.add(e.mul(y, get(Width)), z), get(Channels)), e.add(get(Channel), chunk));
        Value address = e.select(inside, e.at(x, e.mul(index, inBytes())), padRow);
        e.store(address, e.at(addresses, e.mul(e.add(e.mul(tap, maxPixels), e.index(p)), 8)));
      }
    });
  }

  Value unsignedLess(Value a, Value b) {
    return arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::ult, a, b);
  }

  /// All channels of a chunk: whole vectors, the last of which may overlap its neighbour; single ones in a small chunk.
  void chunk(int64_t pixels, Value first, Value count, Value row) {
    int64_t lanes = form.lanes;
    auto vectors = [&] {
      e.loop(e.index(0), count, e.index(lanes), [&](Value i) {
        Value local = e.min(i, e.sub(count, e.index(lanes)));
        channels(pixels, lanes, e.add(first, local), local, row);
      });
      return Emitter::Values{};
    };
    auto singles = [&] {
      e.loop(e.index(0), count, e.index(1), [&](Value i) { channels(pixels, 1, e.add(first, i), i, row); });
      return Emitter::Values{};
    };
    e.ifElse(e.less(count, e.index(lanes)), {}, singles, vectors);
  }

  void emit() {
    e.loop(e.index(0), get(Rows), e.index(1), [&](Value tileRow) {
      e.loop(e.index(0), n, e.index(channelChunk), [&](Value first) {
        Value count = e.min(e.sub(n, first), e.index(channelChunk));
        e.loop(e.index(0), get(Cols), e.index(maxPixels), [&](Value tileColumn) {
          Value pixel = e.add(e.mul(tileRow, get(Cols)), tileColumn);
          Value row = e.at(c, e.mul(e.mul(pixel, ldc), accumulatorBytes));
          e.dispatch(e.min(e.sub(get(Cols), tileColumn), e.index(maxPixels)), maxPixels, [&](int64_t pixels) {
            locate(pixels, tileRow, tileColumn, first);
            chunk(pixels, first, count, row);
          });
        });
      });
    });
  }
};

} // namespace

void qopt::qcpu::emitDepthwise(Emitter &e, const KernelForm &form, bool aUnsigned, ValueRange arguments) {
  ValueRange shape = arguments.drop_front(6);
  Depthwise kernel{e, form, aUnsigned, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5],
                   shape, {}, {}, {}, {}};
  kernel.taps = e.mul(shape[WindowH], shape[WindowW]);
  kernel.addresses = e.stack(e.pointer(), maxTaps * maxPixels, 64);
  kernel.padRow = e.stack(e.i8(), channelChunk * kernel.inBytes(), 64);
  kernel.zeros = e.stack(accumulatorType(e, form), form.lanes, 64);
  auto zeros = cast<VectorType>(kernel.sum(form.lanes));
  e.store(e.zeros(zeros), kernel.zeros);
  Value pad = arith::TruncIOp::create(e.builder, e.loc, e.builder.getIntegerType(8 * kernel.inBytes()), shape[PadValue]);
  e.loop(e.index(0), e.index(channelChunk), e.index(1),
         [&](Value i) { e.store(pad, e.at(kernel.padRow, e.mul(i, kernel.inBytes()))); });
  kernel.emit();
}
