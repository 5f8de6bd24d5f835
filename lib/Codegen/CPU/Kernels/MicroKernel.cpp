#include "MicroKernel.h"

using namespace mlir;
using namespace qopt::qcpu;

int64_t qopt::qcpu::preparedBytes(const KernelForm &form) { return aStepBytes / form.kPack; }
int64_t qopt::qcpu::panelStepBytes(const KernelForm &form) {
  return form.operands == Operands::Int8 ? form.nr * form.kPack : form.nr * 4;
}
Type qopt::qcpu::accumulatorType(Emitter &e, const KernelForm &form) {
  return form.operands == Operands::Int8 ? e.i32() : e.f32();
}

namespace {

/// One vector of weights at a step along K, as the multiplying instruction wants it.
Value loadWeights(Emitter &e, const KernelForm &form, Value address) {
  switch (form.step) {
  case Step::FusedMultiplyAdd:
    return e.load(e.vec(form.lanes, e.f32()), address);
  case Step::MultiplyPairs16: {
    Value bytes = e.load(e.vec(form.lanes * 2, e.i8()), address);
    return arith::ExtSIOp::create(e.builder, e.loc, e.vec(form.lanes * 2, e.i16()), bytes);
  }
  case Step::MultiplyPairs8:
  case Step::DotProduct8:
    return e.load(e.vec(form.lanes * 4, e.i8()), address);
  }
  return {};
}

/// One step of a row, in all lanes.
Value broadcastActivation(Emitter &e, const KernelForm &form, Value address) {
  if (form.step == Step::FusedMultiplyAdd)
    return e.splat(e.vec(form.lanes, e.f32()), e.load(e.f32(), address));
  Value lanes = e.splat(e.vec(form.lanes, e.i32()), e.load(e.i32(), address));
  bool pairs = form.step == Step::MultiplyPairs16;
  return e.bitcast(pairs ? e.vec(form.lanes * 2, e.i16()) : e.vec(form.lanes * 4, e.i8()), lanes);
}

StringRef byWidth(int64_t lanes, StringRef sse, StringRef avx, StringRef avx512) {
  return lanes == 4 ? sse : lanes == 8 ? avx : avx512;
}

Value accumulate(Emitter &e, const KernelForm &form, Value a, Value b, Value sum) {
  VectorType sums = e.vec(form.lanes, accumulatorType(e, form));
  switch (form.step) {
  case Step::FusedMultiplyAdd:
    if (form.features.empty()) // no fma instruction: let the compiler choose
      return LLVM::FMulAddOp::create(e.builder, e.loc, a, b, sum);
    return LLVM::FMAOp::create(e.builder, e.loc, a, b, sum);
  case Step::MultiplyPairs16: {
    StringRef name = byWidth(form.lanes, "llvm.x86.sse2.pmadd.wd", "llvm.x86.avx2.pmadd.wd", "llvm.x86.avx512.pmaddw.d.512");
    Value product = e.intrinsic(name, sums, {a, b});
    return arith::AddIOp::create(e.builder, e.loc, sum, product);
  }
  case Step::MultiplyPairs8: {
    VectorType pairs = e.vec(form.lanes * 2, e.i16());
    bool wide = form.lanes == 16;
    Value products = e.intrinsic(wide ? "llvm.x86.avx512.pmaddubs.w.512" : "llvm.x86.avx2.pmadd.ub.sw", pairs, {a, b});
    Value ones = e.constantSplat(pairs, e.builder.getI16IntegerAttr(1));
    Value quads = e.intrinsic(wide ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd", sums, {products, ones});
    return arith::AddIOp::create(e.builder, e.loc, sum, quads);
  }
  case Step::DotProduct8:
    return e.intrinsic(byWidth(form.lanes, "llvm.x86.avx512.vpdpbusd.128", "llvm.x86.avx512.vpdpbusd.256",
                               "llvm.x86.avx512.vpdpbusd.512"),
                       sums, {sum, a, b});
  }
  return {};
}

/// The tile being emitted: rows × vectors accumulators.
struct Tile {
  Emitter &e;
  const KernelForm &form;
  int64_t rows, vectors;
  const TileOperands &in;

  VectorType type() const { return e.vec(form.lanes, accumulatorType(e, form)); }
  int64_t columnBytes(int64_t vector) const { return vector * form.lanes * accumulatorBytes; }
  Value row(Value base, Value stride, int64_t r) { return r == 0 ? base : e.at(base, e.mul(stride, r)); }

  /// Calls access(row, vector, address of it in base, mask or null) over the tile, masked unless all columns are valid.
  Emitter::Values overTile(Value base, Value stride, TypeRange types,
                           llvm::function_ref<Value(int64_t, int64_t, Value, Value)> access) {
    auto walk = [&](bool masked) {
      Emitter::Values results;
      SmallVector<Value> masks(vectors);
      if (masked)
        for (int64_t v = 0; v < vectors; ++v)
          masks[v] = e.laneMask(form.lanes, v * form.lanes, in.columns);
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t v = 0; v < vectors; ++v)
          if (Value result = access(r, v, e.at(row(base, stride, r), columnBytes(v)), masks[v]))
            results.push_back(result);
      return results;
    };
    Value partial = e.less(in.columns, e.index(vectors * form.lanes));
    return e.ifElse(partial, types, [&] { return walk(true); }, [&] { return walk(false); });
  }

  Emitter::Values loadSums() {
    SmallVector<Type> types(rows * vectors, type());
    return overTile(in.init, in.initStride, types, [&](int64_t, int64_t, Value address, Value mask) {
      return mask ? e.maskedLoad(type(), address, mask) : e.load(type(), address);
    });
  }

  void storeSums(ArrayRef<Value> sums) {
    overTile(in.c, in.cStride, TypeRange{}, [&](int64_t r, int64_t v, Value address, Value mask) {
      Value sum = sums[r * vectors + v];
      if (mask)
        e.maskedStore(sum, address, mask);
      else
        e.store(sum, address);
      return Value();
    });
  }

  /// Step k + ahead for all accumulators.
  void step(ArrayRef<Value> aRows, Value b, Value k, int64_t ahead, SmallVectorImpl<Value> &sums) {
    Value aOffset = e.mul(k, aStepBytes), bStep = e.at(b, e.mul(k, panelStepBytes(form)));
    int64_t vectorBytes = panelStepBytes(form) * form.lanes / form.nr;
    SmallVector<Value> weights;
    for (int64_t v = 0; v < vectors; ++v)
      weights.push_back(loadWeights(e, form, e.at(bStep, ahead * panelStepBytes(form) + v * vectorBytes)));
    for (int64_t r = 0; r < rows; ++r) {
      Value a = broadcastActivation(e, form, e.at(e.at(aRows[r], aOffset), ahead * aStepBytes));
      for (int64_t v = 0; v < vectors; ++v)
        sums[r * vectors + v] = accumulate(e, form, a, weights[v], sums[r * vectors + v]);
    }
  }

  /// `depth` steps of a's rows and the panel.
  Emitter::Values segment(Value a, Value b, const Emitter::Values &before) {
    SmallVector<Value> aRows;
    for (int64_t r = 0; r < rows; ++r)
      aRows.push_back(row(a, in.aStride, r));
    auto steps = [&](Value from, Value to, int64_t unroll, const Emitter::Values &before) {
      return e.loop(from, to, e.index(unroll), before, [&](Value k, ValueRange carried) {
        Emitter::Values sums(carried);
        for (int64_t ahead = 0; ahead < unroll; ++ahead)
          step(aRows, b, k, ahead, sums);
        return sums;
      });
    };
    // Sums of several steps written as separate additions would be regrouped by LLVM, which then spills: where the
    // instruction does not add by itself, one step an iteration.
    bool addsItself = form.step == Step::FusedMultiplyAdd || form.step == Step::DotProduct8;
    int64_t unroll = addsItself ? 4 : 1;
    Value whole = unroll == 1 ? in.depth : e.mul(e.floorDiv(in.depth, unroll), unroll);
    Emitter::Values sums = steps(e.index(0), whole, unroll, before);
    return unroll == 1 ? sums : steps(whole, in.depth, 1, sums);
  }

  void emit() {
    if (!in.segments)
      return storeSums(segment(in.a, in.b, loadSums()));
    Value panelBytes = e.mul(in.depth, panelStepBytes(form));
    storeSums(e.loop(e.index(0), in.segments, e.index(1), loadSums(), [&](Value i, ValueRange carried) {
      return segment(e.at(in.a, e.mul(i, in.aSegment)), e.at(in.b, e.mul(i, panelBytes)), Emitter::Values(carried));
    }));
  }
};

} // namespace

void qopt::qcpu::emitTile(Emitter &e, const KernelForm &form, int64_t rows, int64_t vectors,
                          const TileOperands &operands) {
  Tile{e, form, rows, vectors, operands}.emit();
}
