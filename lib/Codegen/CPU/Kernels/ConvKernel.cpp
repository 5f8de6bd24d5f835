// Convolution as an implicit product. Where it can, a row of pixels copies the image rows under its windows once, padded, and reads each
// window in there as segments; else each block of pixels copies its windows into rows (im2row), never the whole image's.
#include "Blocking.h"
#include "RowCopy.h"

using namespace mlir;
using namespace qopt::qcpu;

namespace {

struct WindowRows {
  Emitter &e;
  const KernelForm &form;
  RowCopy &copy;
  Value x;
  ValueRange shape; ///< ConvShape
  Value depth;      ///< window × channels
  Value pad;

  Value get(ConvArgument argument) { return shape[argument]; }
  Value inside(Value position, Value size) {
    return arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::ult, position, size);
  }
  Value both(Value a, Value b) { return arith::AndIOp::create(e.builder, e.loc, a, b); }
  Value pixel(Value row, Value column) {
    Value index = e.mul(e.add(e.mul(row, get(Width)), column), get(Channels));
    return e.at(x, e.mul(index, activationBytes(form)));
  }

  /// The window whose first tap is at (row, column), elements [k0, k0 + count), tap by tap.
  void copyTaps(Value row, Value column, Value k0, Value count, Value target) {
    Value end = e.add(k0, count), channels = get(Channels);
    Value firstTap = divide(k0, channels), lastTap = divide(e.add(end, e.sub(channels, e.index(1))), channels);
    e.loop(firstTap, lastTap, e.index(1), [&](Value tap) {
      Value tapRow = divide(tap, get(WindowW)), tapColumn = e.sub(tap, e.mul(tapRow, get(WindowW)));
      Value y = e.add(row, e.mul(tapRow, get(DilationH))), z = e.add(column, e.mul(tapColumn, get(DilationW)));
      Value start = e.mul(tap, channels);
      Value from = e.max(start, k0), size = e.sub(e.min(e.add(start, channels), end), from);
      Value place = e.sub(from, k0);
      auto copyInside = [&] {
        copy.run(e.at(pixel(y, z), e.mul(e.sub(from, start), activationBytes(form))), target, place, size);
        return Emitter::Values{};
      };
      auto fillOutside = [&] {
        copy.fill(pad, target, place, size);
        return Emitter::Values{};
      };
      e.ifElse(both(inside(y, get(Height)), inside(z, get(Width))), {}, copyInside, fillOutside);
    });
  }

  /// The same for a whole window that lies inside, with taps side by side: one run for each row of the window.
  void copyRows(Value row, Value column, Value target) {
    Value size = e.mul(get(WindowW), get(Channels));
    e.loop(e.index(0), get(WindowH), e.index(1), [&](Value tapRow) {
      Value y = e.add(row, e.mul(tapRow, get(DilationH)));
      copy.run(pixel(y, column), target, e.mul(tapRow, size), size);
    });
  }

  void copyWindow(Value index, Value k0, Value count, Value target) {
    Value tileRow = divide(index, get(Cols)), tileColumn = e.sub(index, e.mul(tileRow, get(Cols)));
    Value row = e.sub(e.mul(e.add(tileRow, get(Row0)), get(StrideH)), get(PadTop));
    Value column = e.sub(e.mul(e.add(tileColumn, get(Col0)), get(StrideW)), get(PadLeft));
    Value lastRow = e.add(row, e.mul(e.sub(get(WindowH), e.index(1)), get(DilationH)));
    Value lastColumn = e.add(column, e.sub(get(WindowW), e.index(1)));
    Value whole = both(e.equal(count, depth), e.equal(get(DilationW), e.index(1)));
    Value rows = both(inside(row, get(Height)), inside(lastRow, get(Height)));
    Value columns = both(inside(column, get(Width)), inside(lastColumn, get(Width)));
    auto simple = [&] {
      copyRows(row, column, target);
      return Emitter::Values{};
    };
    auto general = [&] {
      copyTaps(row, column, k0, count, target);
      return Emitter::Values{};
    };
    e.ifElse(both(whole, both(rows, columns)), {}, simple, general);
    copy.padToStep(target, count);
  }

  Value divide(Value a, Value b) { return arith::DivUIOp::create(e.builder, e.loc, a, b); }
};

/// The rows of an image under one row of pixels, with padding.
struct Band {
  WindowRows &windows;
  Emitter &e;
  const KernelForm &form;

  Value get(ConvArgument argument) { return windows.get(argument); }
  /// Pixels of a row, and its bytes.
  Value width() {
    Value last = e.mul(e.sub(get(Cols), e.index(1)), get(StrideW));
    return e.add(last, get(WindowW));
  }
  Value rowBytes() { return e.mul(e.mul(width(), get(Channels)), preparedBytes(form)); }
  /// From a pixel's window to its neighbour's.
  Value pixelBytes() { return e.mul(e.mul(get(StrideW), get(Channels)), preparedBytes(form)); }
  /// Elements of a row of a window.
  Value segment() { return e.mul(get(WindowW), get(Channels)); }

  /// Whether it fits the scratch memory, its segments are whole steps, and copying it is less than copying windows.
  Value isUseful(int64_t scratchBytes) {
    Value fits = e.less(e.mul(get(WindowH), rowBytes()), e.index(scratchBytes + 1));
    Value whole = e.equal(e.mul(e.floorDiv(segment(), form.kPack), form.kPack), segment());
    Value dense = windows.both(e.equal(get(DilationW), e.index(1)), e.less(get(StrideW), get(WindowW)));
    return windows.both(windows.both(fits, whole), dense);
  }

  void copyTo(Value scratch, Value tileRow) {
    Value zero = e.index(0), pixels = width(), bytes = rowBytes(), channels = get(Channels);
    Value top = e.sub(e.mul(e.add(tileRow, get(Row0)), get(StrideH)), get(PadTop));
    Value first = e.sub(e.mul(get(Col0), get(StrideW)), get(PadLeft)), end = e.min(e.add(first, pixels), get(Width));
    Value left = e.min(e.max(e.sub(zero, first), zero), pixels), from = e.add(first, left);
    Value inner = e.max(e.sub(end, from), zero), right = e.sub(e.sub(pixels, left), inner);
    RowCopy &copy = windows.copy;
    e.loop(zero, get(WindowH), e.index(1), [&](Value tapRow) {
      Value y = e.add(top, e.mul(tapRow, get(DilationH))), target = e.at(scratch, e.mul(tapRow, bytes));
      auto copyInside = [&] {
        copy.fill(windows.pad, target, zero, e.mul(left, channels));
        copy.run(windows.pixel(y, from), target, e.mul(left, channels), e.mul(inner, channels));
        copy.fill(windows.pad, target, e.mul(e.add(left, inner), channels), e.mul(right, channels));
        return Emitter::Values{};
      };
      auto fillOutside = [&] {
        copy.fill(windows.pad, target, zero, e.mul(pixels, channels));
        return Emitter::Values{};
      };
      e.ifElse(windows.inside(y, get(Height)), {}, copyInside, fillOutside);
    });
  }
};

} // namespace

void qopt::qcpu::emitConv(Emitter &e, const KernelForm &form, bool aUnsigned, ValueRange arguments) {
  Value w = arguments[1];
  ValueRange shape = arguments.drop_front(6);
  Value depth = e.mul(e.mul(shape[WindowH], shape[WindowW]), shape[Channels]);
  Blocks blocks{form.mr * (48 / form.mr), 1536 / preparedBytes(form)};
  int64_t rowBytes = blocks.depth * preparedBytes(form), scratchBytes = blocks.rows * rowBytes;
  Value scratch = e.stack(e.i8(), scratchBytes, 64), converted = panelScratch(e, form, blocks);
  RowCopy copy(e, form, aUnsigned);
  WindowRows windows{e, form, copy, arguments[0], shape, depth, copy.scalar(shape[PadValue])};
  Band band{windows, e, form};
  // Panels that are converted come a block of K at a time.
  Value byBand = converted ? arith::ConstantOp::create(e.builder, e.loc, e.builder.getBoolAttr(false)) : band.isUseful(scratchBytes);
  auto choose = [&](Value ofBand, Value ofWindows) { return e.select(byBand, ofBand, ofWindows); };
  BlockSizes sizes(choose(shape[Cols], e.index(blocks.rows)), choose(e.max(depth, e.index(1)), e.index(blocks.depth)));
  auto block = [&](Value row, Value rows, Value k0, Value count) {
    auto fromBand = [&] {
      band.copyTo(scratch, windows.divide(row, shape[Cols]));
      return Emitter::Values{};
    };
    auto fromWindows = [&] {
      e.loop(e.index(0), rows, e.index(1), [&](Value r) {
        windows.copyWindow(e.add(row, r), k0, count, e.at(scratch, e.mul(r, rowBytes)));
      });
      return Emitter::Values{};
    };
    e.ifElse(byBand, {}, fromBand, fromWindows);
    return ABlock{scratch, choose(band.pixelBytes(), e.index(rowBytes)), choose(shape[WindowH], e.index(1)), band.rowBytes(),
                  choose(e.floorDiv(band.segment(), form.kPack), e.ceilDiv(count, form.kPack))};
  };
  Product product{arguments[2], arguments[3], arguments[4], e.mul(shape[Rows], shape[Cols]), arguments[5], depth};
  emitPreparedProduct(e, form, sizes, product, block,
                      [&](Value column, Value k0, Value count) { return packedPanel(e, form, w, depth, column, k0, count, converted); });
}
