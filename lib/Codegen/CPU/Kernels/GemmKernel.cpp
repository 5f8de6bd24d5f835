#include "Blocking.h"
#include "RowCopy.h"

using namespace mlir;
using namespace qopt::qcpu;

/// a is f32: read where it lies.
static void emitInPlace(Emitter &e, const KernelForm &form, ValueRange arguments) {
  Value a = arguments[0], lda = arguments[1], b = arguments[2], k = arguments[8];
  // A panel's block fills most of the first-level cache, a block of rows most of the second.
  Blocks blocks{form.mr * 16, 24 * 1024 / panelStepBytes(form)};
  Value rowBytes = e.mul(lda, 4);
  Product product{arguments[3], arguments[4], arguments[5], arguments[6], arguments[7], k};
  emitDirectProduct(
      e, form, BlockSizes(e, blocks), product,
      [&](Value row, Value, Value k0, Value) {
        return ABlock{e.at(e.at(a, e.mul(row, rowBytes)), e.mul(k0, 4)), rowBytes, {}, {}, {}};
      },
      [&](Value column, Value k0, Value depth) { return packedPanel(e, form, b, k, column, k0, depth, Value()); });
}

/// a is f32, the weights codes: a panel at a time is decoded to scratch memory that stays in the first-level cache.
static void emitDecoding(Emitter &e, const KernelForm &form, ValueRange arguments) {
  Value a = arguments[0], lda = arguments[1];
  PackedCodes codes{arguments[2], arguments[3], arguments[4], arguments[5], arguments[11]};
  Blocks blocks{form.mr * 16, 24 * 1024 / panelStepBytes(form)};
  Value scratch = panelScratch(e, form, blocks), rowBytes = e.mul(lda, 4);
  Product product{arguments[6], arguments[7], arguments[8], arguments[9], arguments[10], codes.k};
  emitDirectProduct(
      e, form, BlockSizes(e, blocks), product,
      [&](Value row, Value, Value k0, Value) {
        return ABlock{e.at(e.at(a, e.mul(row, rowBytes)), e.mul(k0, 4)), rowBytes, {}, {}, {}};
      },
      [&](Value column, Value k0, Value depth) { return decodedPanel(e, form, codes, column, k0, depth, scratch); });
}

/// a is widened, shifted or just padded a block at a time.
static void emitWithCopies(Emitter &e, const KernelForm &form, bool aUnsigned, ValueRange arguments) {
  Value a = arguments[0], lda = arguments[1], b = arguments[2], k = arguments[8];
  Blocks blocks{form.mr * (48 / form.mr), 1536 / preparedBytes(form)};
  int64_t rowBytes = blocks.depth * preparedBytes(form);
  Value scratch = e.stack(e.i8(), blocks.rows * rowBytes, 64);
  RowCopy copy(e, form, aUnsigned);
  Product product{arguments[3], arguments[4], arguments[5], arguments[6], arguments[7], k};
  emitPreparedProduct(
      e, form, BlockSizes(e, blocks), product,
      [&](Value row, Value rows, Value k0, Value depth) {
        e.loop(e.index(0), rows, e.index(1), [&](Value r) {
          Value source = e.at(a, e.add(e.mul(e.add(row, r), lda), k0));
          Value target = e.at(scratch, e.mul(r, rowBytes));
          copy.run(source, target, e.index(0), depth);
          copy.padToStep(target, depth);
        });
        return ABlock{scratch, e.index(rowBytes), {}, {}, {}};
      },
      [&](Value column, Value k0, Value depth) { return packedPanel(e, form, b, k, column, k0, depth, Value()); });
}

void qopt::qcpu::emitGemm(Emitter &e, const KernelForm &form, bool aUnsigned, ValueRange arguments) {
  if (form.operands == Operands::Int8)
    emitWithCopies(e, form, aUnsigned, arguments);
  else if (form.decodes())
    emitDecoding(e, form, arguments);
  else
    emitInPlace(e, form, arguments);
}
