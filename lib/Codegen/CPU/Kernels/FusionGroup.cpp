#include "FusionGroup.h"

#include "qopt/Codegen/CPU/Kernels/KernelTable.h"
#include "qopt/Codegen/CPU/Kernels/QCPU.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace qopt::qcpu;

// Rows of a tile: a multiple of every mr, few enough for the accumulators of a block of columns to stay in the second-level
// cache, enough to use each panel of weights often.
static constexpr int64_t tileRows = 48;
// Where the number of rows is not known: lengths and batches are often multiples of 32, which threads then share evenly. Heads are
// enough to share, and their products pack the second factor for each tile.
static constexpr int64_t tileRowsUnknown = 32, maxRankWithoutHeads = 3;
// Columns of a tile, a multiple of every nr; wider results are cut.
static constexpr int64_t tileColumns = 384, maxUncutColumns = 512;

static bool isKernel(Operation *op) { return isa<QCPUDialect>(op->getDialect()); }

bool FusionGroup::hasKernel() const {
  return llvm::any_of(members, [](const auto &member) { return isKernel(member.first); });
}

bool FusionGroup::reducesRows() const {
  return llvm::any_of(members, [](const auto &member) {
    auto generic = dyn_cast<linalg::GenericOp>(member.first);
    return generic && generic.getNumReductionLoops() > 0;
  });
}

namespace {

using Loops = SmallVector<int64_t>;

/// The result dim that loop `loop` runs along; nothing if there is none.
std::optional<int64_t> dimOfLoop(AffineMap map, int64_t loop) {
  for (auto [dim, expr] : llvm::enumerate(map.getResults()))
    if (auto dimExpr = dyn_cast<AffineDimExpr>(expr); dimExpr && dimExpr.getPosition() == loop)
      return dim;
  return std::nullopt;
}

/// The dims of an operand that the consumer's tiled loops cut; nothing if a tile of the operand would serve several tiles.
std::optional<Loops> tiledDims(OpOperand &operand, const Loops &loops) {
  Operation *consumer = operand.getOwner();
  Loops dims;
  if (auto generic = dyn_cast<linalg::GenericOp>(consumer)) {
    AffineMap map = generic.getMatchingIndexingMap(&operand);
    if (!map.isProjectedPermutation())
      return std::nullopt;
    for (int64_t loop : loops) {
      auto dim = dimOfLoop(map, loop);
      if (!dim)
        return std::nullopt;
      dims.push_back(*dim);
    }
    return dims;
  }
  auto product = dyn_cast<BatchMatMulOp>(consumer);
  if (!product || operand.get() != product.getA() || operand.getOperandNumber() != 0)
    return std::nullopt; // Other kernels read their operands in blocks of their own.
  for (int64_t loop : loops) {
    int64_t dim = llvm::find(product.getOutPerm(), loop) - product.getOutPerm().begin();
    if (dim + 1 == static_cast<int64_t>(product.getOutPerm().size()))
      return std::nullopt; // a does not depend on the column
    dims.push_back(product.getAPerm()[dim]);
  }
  return dims;
}

/// The producer's loops along its result's dims.
std::optional<Loops> loopsOf(Operation *producer, const Loops &dims) {
  if (isKernel(producer))
    return dims;
  auto generic = cast<linalg::GenericOp>(producer);
  AffineMap map = generic.getMatchingIndexingMap(generic.getDpsInitOperand(0));
  Loops loops;
  for (int64_t dim : dims) {
    auto expr = dyn_cast<AffineDimExpr>(map.getResult(dim));
    if (!expr)
      return std::nullopt;
    loops.push_back(expr.getPosition());
  }
  return loops;
}

/// Kernels are cut along whole panels only.
bool cutsWholePanels(Operation *op, const Loops &loops, ArrayRef<int64_t> sizes) {
  if (!isKernel(op) || isa<BatchMatMulOp>(op))
    return true;
  int64_t last = cast<ShapedType>(op->getResult(0).getType()).getRank() - 1;
  const KernelForm &form = *findKernelForm(op->getAttrOfType<StringAttr>("kernel").getValue());
  for (auto [loop, size] : llvm::zip(loops, sizes))
    if (loop == last && size % form.nr != 0)
      return false;
  return true;
}

bool mayJoin(Operation *op, Operation *root) {
  if (!op || op->getBlock() != root->getBlock() || op->getNumResults() != 1)
    return false;
  if (isKernel(op))
    return true;
  auto generic = dyn_cast<linalg::GenericOp>(op);
  return generic && generic.hasPureTensorSemantics() && !generic.hasIndexSemantics();
}

bool mayBeRoot(Operation *op) {
  auto type = op->getNumResults() == 1 ? dyn_cast<RankedTensorType>(op->getResult(0).getType()) : RankedTensorType();
  if (!type || type.getRank() < 2)
    return false;
  if (isKernel(op))
    return true;
  auto generic = dyn_cast<linalg::GenericOp>(op);
  return generic && generic.hasPureTensorSemantics() && generic.getNumReductionLoops() == 0 && generic.getNumDpsInits() == 1 &&
         generic.getMatchingIndexingMap(generic.getDpsInitOperand(0)).isIdentity();
}

/// The result's dims but the last, in the order in which a tile takes them up: a product of computed matrices packs its second factor
/// anew for each batch index, so its rows come first; elsewhere the inner dims do.
SmallVector<int64_t> rowDims(Operation *root, int64_t rank) {
  SmallVector<int64_t> dims = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank - 1)));
  if (auto product = dyn_cast<BatchMatMulOp>(root))
    for (auto [dim, place] : llvm::zip(dims, llvm::drop_begin(llvm::reverse(product.getOutPerm()))))
      dim = place;
  return dims;
}

/// No small rest; a few tiles are a power of two, so that two or four threads have the same to do.
int64_t evenCut(int64_t size, int64_t most) {
  int64_t tiles = llvm::divideCeil(size, most);
  return llvm::divideCeil(size, tiles < 8 ? static_cast<int64_t>(llvm::PowerOf2Ceil(tiles)) : tiles);
}

/// Whole rows: as many of the dims as make about tileRows together.
SmallVector<int64_t> rowTiles(Operation *root, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> sizes(shape.size(), 0);
  int64_t room = tileRows, unknown = static_cast<int64_t>(shape.size()) > maxRankWithoutHeads ? tileRows : tileRowsUnknown;
  for (int64_t dim : rowDims(root, shape.size())) {
    bool isKnown = !ShapedType::isDynamic(shape[dim]);
    sizes[dim] = isKnown ? std::max<int64_t>(1, std::min(room, shape[dim])) : std::min(room, unknown);
    room = isKnown ? std::max<int64_t>(1, room / sizes[dim]) : 1;
    if (isKnown && sizes[dim] < shape[dim])
      sizes[dim] = evenCut(shape[dim], sizes[dim]);
  }
  return sizes;
}

void collect(FusionGroup &group) {
  Loops rootLoops, sizes;
  for (auto [dim, size] : llvm::enumerate(group.tileSizes))
    if (size != 0) {
      rootLoops.push_back(dim);
      sizes.push_back(size);
    }
  group.members.clear();
  group.members[group.root] = rootLoops;
  // Members join once all their users have: to a fixed point.
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < group.members.size(); ++i) {
      auto [consumer, loops] = *(group.members.begin() + i);
      for (OpOperand *operand : cast<DestinationStyleOpInterface>(consumer).getDpsInputOperands()) {
        Operation *producer = operand->get().getDefiningOp();
        if (!mayJoin(producer, group.root) || group.contains(producer) ||
            !llvm::all_of(producer->getUsers(), [&](Operation *user) { return group.contains(user); }))
          continue;
        auto dims = tiledDims(*operand, loops);
        auto producerLoops = dims ? loopsOf(producer, *dims) : std::nullopt;
        if (!producerLoops || !cutsWholePanels(producer, *producerLoops, sizes))
          continue;
        // All users have to ask for the same tile.
        bool isSame = llvm::all_of(producer->getUses(), [&](OpOperand &use) {
          return tiledDims(use, group.members[use.getOwner()]) == dims;
        });
        if (!isSame)
          continue;
        group.members[producer] = *producerLoops;
        changed = true;
      }
    }
  }
}

} // namespace

FusionGroup qopt::qcpu::findFusionGroup(Operation *root) {
  FusionGroup group;
  if (!mayBeRoot(root))
    return group;
  group.root = root;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(root->getResult(0).getType()).getShape();
  group.tileSizes = rowTiles(root, shape);
  if (isKernel(root) && !cutsWholePanels(root, {}, {}))
    return group;
  collect(group);
  bool isWide = ShapedType::isDynamic(shape.back()) || shape.back() > maxUncutColumns;
  if (group.hasKernel() && isWide && !group.reducesRows()) {
    size_t uncut = group.members.size();
    FusionGroup narrow = group;
    narrow.tileSizes.back() = tileColumns;
    collect(narrow);
    if (narrow.members.size() == uncut && narrow.hasKernel())
      return narrow;
  }
  return group;
}
