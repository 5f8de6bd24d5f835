// Convolution as an implicit product: each block of pixels copies its windows into rows (im2row), never the whole image's.
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

} // namespace

void qopt::qcpu::emitConv(Emitter &e, const KernelForm &form, bool aUnsigned, ValueRange arguments) {
  Value w = arguments[1];
  ValueRange shape = arguments.drop_front(6);
  Value depth = e.mul(e.mul(shape[WindowH], shape[WindowW]), shape[Channels]);
  Blocks blocks{form.mr * (48 / form.mr), 1536 / preparedBytes(form)};
  int64_t rowBytes = blocks.depth * preparedBytes(form);
  Value scratch = e.stack(e.i8(), blocks.rows * rowBytes, 64), panel = panelScratch(e, form, blocks);
  RowCopy copy(e, form, aUnsigned);
  WindowRows windows{e, form, copy, arguments[0], shape, depth, copy.scalar(shape[PadValue])};
  Product product{arguments[2], arguments[3], arguments[4], e.mul(shape[Rows], shape[Cols]), arguments[5], depth};
  emitPreparedProduct(
      e, form, blocks, product,
      [&](Value row, Value rows, Value k0, Value count) {
        e.loop(e.index(0), rows, e.index(1), [&](Value r) {
          windows.copyWindow(e.add(row, r), k0, count, e.at(scratch, e.mul(r, rowBytes)));
        });
        return ABlock{scratch, e.index(rowBytes)};
      },
      [&](Value column, Value k0, Value count) { return packedPanel(e, form, w, depth, column, k0, count, panel); });
}
