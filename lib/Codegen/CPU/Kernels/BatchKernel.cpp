// Products of two computed matrices: b is packed a panel at a time, into the stack.
#include "Blocking.h"
#include "Kernels.h"

using namespace mlir;
using namespace qopt::qcpu;

namespace {

struct PanelPacker {
  Emitter &e;
  const KernelForm &form;
  Value b, ldb, n, scratch;

  VectorType type() { return e.vec(form.lanes, e.f32()); }
  Value element(Value row, Value column) { return e.at(b, e.mul(e.add(e.mul(row, ldb), column), 4)); }
  Value target(Value step, Value lane) { return e.at(scratch, e.mul(e.add(e.mul(step, form.nr), lane), 4)); }

  /// b is k × n: rows of a panel are rows of b; lanes past n are zero.
  void pack(Value column, Value k0, Value depth) {
    Value columns = e.sub(n, column);
    auto copy = [&](bool masked) {
      SmallVector<Value> masks(form.nr / form.lanes);
      for (auto [index, mask] : llvm::enumerate(masks))
        if (masked)
          mask = e.laneMask(form.lanes, index * form.lanes, columns);
      e.loop(e.index(0), depth, e.index(1), [&](Value step) {
        Value row = element(e.add(k0, step), column);
        for (auto [index, mask] : llvm::enumerate(masks)) {
          Value source = e.at(row, static_cast<int64_t>(index) * form.lanes * 4);
          e.store(mask ? e.maskedLoad(type(), source, mask) : e.load(type(), source),
                  target(step, e.index(index * form.lanes)));
        }
      });
      return Emitter::Values{};
    };
    e.ifElse(e.less(columns, e.index(form.nr)), {}, [&] { return copy(true); }, [&] { return copy(false); });
  }

  /// Rows into columns, by rounds of perfect shuffles: round by round, vectors i and i + half are interleaved.
  SmallVector<Value> transpose(SmallVector<Value> rows) {
    int64_t lanes = form.lanes;
    SmallVector<int32_t> low, high;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      low.push_back(lane / 2 + (lane % 2) * lanes);
      high.push_back(low.back() + lanes / 2);
    }
    for (int64_t round = 1; round < lanes; round *= 2) {
      SmallVector<Value> next;
      for (int64_t i = 0; i < lanes / 2; ++i)
        for (ArrayRef<int32_t> mask : {ArrayRef(low), ArrayRef(high)})
          next.push_back(LLVM::ShuffleVectorOp::create(e.builder, e.loc, rows[i], rows[i + lanes / 2], mask));
      rows = next;
    }
    return rows;
  }

  /// b is n × k: rows of a panel are columns of b. Columns past n repeat the last one; their results are not stored.
  void packTransposed(Value column, Value k0, Value depth) {
    Value last = e.sub(n, e.index(1));
    Value whole = e.mul(e.floorDiv(depth, form.lanes), form.lanes);
    e.loop(e.index(0), e.index(form.nr), e.index(form.lanes), [&](Value lane) {
      SmallVector<Value> sources;
      for (int64_t j = 0; j < form.lanes; ++j)
        sources.push_back(element(e.min(e.add(e.add(column, lane), e.index(j)), last), k0));
      e.loop(e.index(0), whole, e.index(form.lanes), [&](Value step) {
        SmallVector<Value> rows;
        for (Value source : sources)
          rows.push_back(e.load(type(), e.at(source, e.mul(step, 4))));
        for (auto [i, vector] : llvm::enumerate(transpose(rows)))
          e.store(vector, target(e.add(step, e.index(i)), lane));
      });
      e.loop(whole, depth, e.index(1), [&](Value step) {
        for (auto [j, source] : llvm::enumerate(sources))
          e.store(e.load(e.f32(), e.at(source, e.mul(step, 4))), target(step, e.add(lane, e.index(j))));
      });
    });
  }
};

} // namespace

void qopt::qcpu::emitBatch(Emitter &e, const KernelForm &form, bool transposed, ValueRange arguments) {
  Value a = arguments[0], rowBytes = e.mul(arguments[1], 4), n = arguments[7];
  Blocks blocks{form.mr * 32, 24 * 1024 / panelStepBytes(form)};
  Value scratch = e.stack(e.f32(), blocks.depth * form.nr, 64);
  PanelPacker packer{e, form, arguments[2], arguments[3], n, scratch};
  Product product{e.null(), arguments[4], arguments[5], arguments[6], n, arguments[8]};
  emitDirectProduct(
      e, form, BlockSizes(e, blocks), product,
      [&](Value row, Value, Value k0, Value) {
        return ABlock{e.at(e.at(a, e.mul(row, rowBytes)), e.mul(k0, 4)), rowBytes, {}, {}, {}};
      },
      [&](Value column, Value k0, Value depth) {
        if (transposed)
          packer.packTransposed(column, k0, depth);
        else
          packer.pack(column, k0, depth);
        return scratch;
      });
}
