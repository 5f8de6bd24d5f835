#include "qopt/Codegen/Common/Passes.h"
#include "qopt/Codegen/Common/Signature.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"
#include <tuple>

using namespace mlir;

namespace qopt {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "qopt/Codegen/Common/Passes.h.inc"

namespace {

constexpr int64_t alignment = 64;

struct Buffer {
  memref::AllocOp alloc;
  memref::DeallocOp dealloc;
  int64_t bytes;
  /// Positions in the block.
  unsigned begin, end;
  int64_t offset = 0;
};

std::optional<int64_t> bytesOf(MemRefType type) {
  Type element = type.getElementType();
  if (!type.hasStaticShape() || !type.getLayout().isIdentity() || !element.isIntOrIndexOrFloat())
    return std::nullopt;
  int64_t bits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  return llvm::alignTo(type.getNumElements() * llvm::divideCeil(bits, 8), alignment);
}

memref::DeallocOp deallocOf(memref::AllocOp alloc) {
  for (Operation *user : alloc->getUsers())
    if (auto dealloc = dyn_cast<memref::DeallocOp>(user))
      return dealloc->getBlock() == alloc->getBlock() ? dealloc : memref::DeallocOp();
  return {};
}

SmallVector<Buffer> collect(Block &block) {
  DenseMap<Operation *, unsigned> position;
  for (auto [index, op] : llvm::enumerate(block))
    position[&op] = index;
  SmallVector<Buffer> buffers;
  for (auto alloc : block.getOps<memref::AllocOp>()) {
    auto bytes = bytesOf(alloc.getType());
    memref::DeallocOp dealloc = deallocOf(alloc);
    if (bytes && dealloc && !alloc->hasAttr(outputAttrName))
      buffers.push_back({alloc, dealloc, *bytes, position[alloc], position[dealloc]});
  }
  return buffers;
}

/// Gives each buffer its offset and returns the size of the arena.
int64_t place(MutableArrayRef<Buffer> buffers) {
  llvm::sort(buffers, [](const Buffer &a, const Buffer &b) {
    return std::tie(b.bytes, a.begin) < std::tie(a.bytes, b.begin);
  });
  SmallVector<Buffer *> placed; // by offset
  int64_t size = 0;
  for (Buffer &buffer : buffers) {
    for (Buffer *other : placed) {
      bool together = other->begin < buffer.end && buffer.begin < other->end;
      if (!together)
        continue;
      if (buffer.offset + buffer.bytes <= other->offset)
        break;
      buffer.offset = std::max(buffer.offset, other->offset + other->bytes);
    }
    auto after = [](int64_t offset, const Buffer *other) { return offset < other->offset; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), buffer.offset, after), &buffer);
    size = std::max(size, buffer.offset + buffer.bytes);
  }
  return size;
}

struct PlanMemoryPass : impl::PlanMemoryPassBase<PlanMemoryPass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    Block &block = function.getBody().front();
    SmallVector<Buffer> buffers = collect(block);
    if (buffers.size() < 2)
      return;
    int64_t size = place(buffers);
    OpBuilder builder = OpBuilder::atBlockBegin(&block);
    auto type = MemRefType::get({size}, builder.getI8Type());
    auto arena =
        memref::AllocOp::create(builder, function.getLoc(), type, ValueRange(), builder.getI64IntegerAttr(alignment));
    arena->setAttr(arenaAttrName, builder.getUnitAttr());
    for (Buffer &buffer : buffers)
      moveIntoArena(buffer, arena);
    builder.setInsertionPoint(block.getTerminator());
    memref::DeallocOp::create(builder, function.getLoc(), arena);
  }

  static void moveIntoArena(Buffer &buffer, Value arena) {
    OpBuilder builder(buffer.alloc);
    Location loc = buffer.alloc.getLoc();
    Value offset = arith::ConstantIndexOp::create(builder, loc, buffer.offset);
    Value view = memref::ViewOp::create(builder, loc, buffer.alloc.getType(), arena, offset, ValueRange());
    buffer.dealloc.erase();
    buffer.alloc.replaceAllUsesWith(view);
    buffer.alloc.erase();
  }
};

} // namespace
} // namespace qopt
