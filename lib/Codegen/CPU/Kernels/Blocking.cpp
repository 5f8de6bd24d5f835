#include "Blocking.h"
#include "Kernels.h"

using namespace mlir;
using namespace qopt::qcpu;

namespace {

/// Register tiles over a block of rows and one panel.
struct PanelProduct {
  Emitter &e;
  const KernelForm &form;
  const Product &product;
  Value zeros;

  PanelProduct(Emitter &e, const KernelForm &form, const Product &product) : e(e), form(form), product(product) {
    zeros = e.stack(accumulatorType(e, form), form.nr, 64);
    VectorType type = e.vec(form.lanes, accumulatorType(e, form));
    for (int64_t lane = 0; lane < form.nr; lane += form.lanes)
      e.store(e.zeros(type), e.at(zeros, lane * accumulatorBytes));
  }

  Value divideUp(Value a, Value b) { return arith::DivUIOp::create(e.builder, e.loc, e.sub(e.add(a, b), e.index(1)), b); }

  void emit(const ABlock &a, Value panel, Value row, Value rows, Value column, Value k0, Value depth) {
    Value columns = e.sub(product.n, column), columnBytes = e.mul(column, accumulatorBytes);
    Value cStride = e.mul(product.ldc, accumulatorBytes);
    Value c = e.at(e.at(product.c, columnBytes), e.mul(row, cStride));
    Value start = e.select(e.isNull(product.init), zeros, e.at(product.init, columnBytes));
    // The first block along K starts from init, the others go on from c.
    Value first = e.equal(k0, e.index(0));
    Value init = e.select(first, start, c), initStride = e.select(first, e.index(0), cStride);
    Value steps = a.segments ? a.segmentSteps : e.ceilDiv(depth, form.kPack);
    // Tiles of about the same height: one of few rows would wait for its additions.
    Value height = divideUp(rows, e.max(e.ceilDiv(rows, form.mr), e.index(1)));
    auto tiles = [&](int64_t vectors) {
      e.loop(e.index(0), rows, height, [&](Value r) {
        TileOperands tile{e.at(a.address, e.mul(r, a.rowBytes)), a.rowBytes, panel, steps,
                          e.at(init, e.mul(r, initStride)), initStride, e.at(c, e.mul(r, cStride)), cStride, columns,
                          a.segments, a.segmentBytes};
        e.dispatch(e.min(e.sub(rows, r), height), form.mr, [&](int64_t count) { emitTile(e, form, count, vectors, tile); });
      });
      return Emitter::Values{};
    };
    // The last panel may be half empty.
    e.ifElse(e.less(e.index(form.lanes), columns), {}, [&] { return tiles(form.nr / form.lanes); }, [&] { return tiles(1); });
  }
};

/// Calls body(first, size) for the blocks of [0, total); once with size zero when total is zero and `atLeastOnce`.
void blocksOf(Emitter &e, Value total, Value size, bool atLeastOnce, llvm::function_ref<void(Value, Value)> body) {
  Value end = atLeastOnce ? e.max(total, e.index(1)) : total;
  e.loop(e.index(0), end, size, [&](Value first) { body(first, e.min(e.sub(total, first), size)); });
}

} // namespace

void qopt::qcpu::emitPreparedProduct(Emitter &e, const KernelForm &form, const BlockSizes &blocks, const Product &product,
                                     ABlockSource aBlock, PanelSource panel) {
  PanelProduct tiles(e, form, product);
  blocksOf(e, product.m, blocks.rows, false, [&](Value row, Value rows) {
    blocksOf(e, product.k, blocks.depth, true, [&](Value k0, Value depth) {
      ABlock a = aBlock(row, rows, k0, depth);
      e.loop(e.index(0), product.n, e.index(form.nr), [&](Value column) {
        tiles.emit(a, panel(column, k0, depth), row, rows, column, k0, depth);
      });
    });
  });
}

void qopt::qcpu::emitDirectProduct(Emitter &e, const KernelForm &form, const BlockSizes &blocks, const Product &product,
                                   ABlockSource aBlock, PanelSource panel) {
  PanelProduct tiles(e, form, product);
  blocksOf(e, product.m, blocks.rows, false, [&](Value row, Value rows) {
    e.loop(e.index(0), product.n, e.index(form.nr), [&](Value column) {
      blocksOf(e, product.k, blocks.depth, true, [&](Value k0, Value depth) {
        tiles.emit(aBlock(row, rows, k0, depth), panel(column, k0, depth), row, rows, column, k0, depth);
      });
    });
  });
}

Value qopt::qcpu::panelScratch(Emitter &e, const KernelForm &form, const Blocks &blocks) {
  return form.decodes() ? e.stack(e.f32(), blocks.depth * form.nr, 64) : Value();
}

Value qopt::qcpu::packedPanel(Emitter &e, const KernelForm &form, Value packed, Value k, Value column, Value k0,
                              Value depth, Value scratch) {
  int64_t stepBytes = form.stepBytes();
  Value panelBytes = e.mul(e.ceilDiv(k, form.kPack), stepBytes);
  Value panel = e.at(packed, e.mul(e.floorDiv(column, form.nr), panelBytes));
  panel = e.at(panel, e.mul(e.floorDiv(k0, form.kPack), stepBytes));
  if (!scratch)
    return panel;
  e.loop(e.index(0), e.mul(depth, form.nr), e.index(form.lanes), [&](Value i) {
    Value bytes = e.load(e.vec(form.lanes, e.i8()), e.at(panel, i));
    Value wide = arith::ExtSIOp::create(e.builder, e.loc, e.vec(form.lanes, e.i32()), bytes);
    Value floats = arith::SIToFPOp::create(e.builder, e.loc, e.vec(form.lanes, e.f32()), wide);
    e.store(floats, e.at(scratch, e.mul(i, 4)));
  });
  return scratch;
}

namespace {

/// One group of a panel's columns.
struct Decoder {
  Emitter &e;
  const KernelForm &form;
  SmallVector<Value> scales, zeros; ///< one vector for each of the panel's; no zeros: none

  VectorType floats() { return e.vec(form.lanes, e.f32()); }
  Value toFloat(Value integers) { return arith::SIToFPOp::create(e.builder, e.loc, floats(), integers); }
  Value widen(Value bytes) { return arith::ExtSIOp::create(e.builder, e.loc, e.vec(form.lanes, e.i32()), bytes); }
  Value loadBytes(Value address) { return e.load(e.vec(form.lanes, e.i8()), address); }

  void loadScales(Value address) {
    for (int64_t lane = 0; lane < form.nr; lane += form.lanes)
      scales.push_back(e.load(floats(), e.at(address, lane * 4)));
  }
  /// Codes of 4 bits are less 8 where no zeros are given.
  void loadZeros(Value address) {
    for (int64_t lane = 0; lane < form.nr; lane += form.lanes) {
      Value eight = e.constantSplat(floats(), e.builder.getF32FloatAttr(8));
      zeros.push_back(e.ifElse(e.isNull(address), floats(), [&] { return Emitter::Values{eight}; },
                               [&] { return Emitter::Values{e.load(floats(), e.at(address, lane * 4))}; })[0]);
    }
  }

  /// The codes of a row, as integers.
  SmallVector<Value> loadRow(Value address) {
    if (form.operands == Operands::Weight8) {
      SmallVector<Value> codes;
      for (int64_t lane = 0; lane < form.nr; lane += form.lanes)
        codes.push_back(widen(loadBytes(e.at(address, lane))));
      return codes;
    }
    Value bytes = loadBytes(address); // two vectors a panel, one in each half of the bytes
    auto constant = [&](int8_t value) { return e.constantSplat(e.vec(form.lanes, e.i8()), e.builder.getI8IntegerAttr(value)); };
    return {widen(arith::AndIOp::create(e.builder, e.loc, bytes, constant(15))),
            widen(arith::ShRUIOp::create(e.builder, e.loc, bytes, constant(4)))};
  }

  void decode(Value codes, Value target, Value rows) {
    e.loop(e.index(0), rows, e.index(1), [&](Value row) {
      for (auto [v, code] : llvm::enumerate(loadRow(e.at(codes, e.mul(row, form.stepBytes()))))) {
        Value value = toFloat(code);
        if (!zeros.empty())
          value = arith::SubFOp::create(e.builder, e.loc, value, zeros[v]);
        Value at = e.add(e.mul(row, form.nr), e.index(v * form.lanes));
        e.store(arith::MulFOp::create(e.builder, e.loc, value, scales[v]), e.at(target, e.mul(at, 4)));
      }
    });
  }
};

} // namespace

Value qopt::qcpu::decodedPanel(Emitter &e, const KernelForm &form, const PackedCodes &weights, Value column, Value k0, Value depth,
                               Value scratch) {
  auto divide = [&](Value a, Value b) { return arith::DivUIOp::create(e.builder, e.loc, a, b).getResult(); };
  auto divideUp = [&](Value a, Value b) { return divide(e.sub(e.add(a, b), e.index(1)), b); };
  Value panel = e.floorDiv(column, form.nr), end = e.add(k0, depth);
  Value codes = e.at(weights.codes, e.mul(e.add(e.mul(panel, weights.k), k0), form.stepBytes()));
  Value firstGroup = e.mul(panel, divideUp(weights.k, weights.group));
  e.loop(divide(k0, weights.group), divideUp(end, weights.group), e.index(1), [&](Value group) {
    Value first = e.mul(group, weights.group), place = e.mul(e.add(firstGroup, group), form.nr);
    Value from = e.sub(e.max(first, k0), k0), to = e.sub(e.min(e.add(first, weights.group), end), k0);
    Decoder decoder{e, form, {}, {}};
    decoder.loadScales(e.at(weights.scales, e.mul(place, 4)));
    if (form.operands == Operands::Weight4) {
      Value zeros = e.select(e.isNull(weights.zeros), weights.zeros, e.at(weights.zeros, e.mul(place, 4)));
      decoder.loadZeros(zeros);
    }
    decoder.decode(e.at(codes, e.mul(from, form.stepBytes())), e.at(scratch, e.mul(from, form.nr * 4)), e.sub(to, from));
  });
  return scratch;
}
