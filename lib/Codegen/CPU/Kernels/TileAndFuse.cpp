#include "FusionGroup.h"
#include "qopt/Codegen/CPU/Kernels/Passes.h"
#include "qopt/Codegen/CPU/Kernels/QCPU.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace qopt::qcpu {
#define GEN_PASS_DEF_QCPUTILEANDFUSE
#include "qopt/Codegen/CPU/Kernels/Passes.h.inc"
} // namespace qopt::qcpu

using namespace mlir;
using namespace qopt::qcpu;

namespace {

struct TileAndFuse : qopt::qcpu::impl::QCPUTileAndFuseBase<TileAndFuse> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    for (Block &block : function.getBody())
      if (failed(tileBlock(block)))
        return signalPassFailure();
    if (failed(cleanUp(function)))
      return signalPassFailure();
    function.walk([](linalg::GenericOp op) { computeInPlace(op); });
  }

  /// From the last op on, so that each group is as large as it can be.
  LogicalResult tileBlock(Block &block) {
    SmallVector<FusionGroup> groups;
    DenseSet<Operation *> taken;
    for (Operation &op : llvm::reverse(block)) {
      if (taken.contains(&op))
        continue;
      FusionGroup group = findFusionGroup(&op);
      if (!group.hasKernel())
        continue;
      for (const auto &member : group.members)
        taken.insert(member.first);
      groups.push_back(std::move(group));
    }
    for (const FusionGroup &group : groups)
      if (failed(tile(group)))
        return failure();
    return success();
  }

  LogicalResult tile(const FusionGroup &group) {
    IRRewriter rewriter(&getContext());
    rewriter.setInsertionPoint(group.root);
    SmallVector<OpFoldResult> sizes;
    for (int64_t size : group.tileSizes)
      sizes.push_back(rewriter.getIndexAttr(size));
    scf::SCFTilingOptions tiling;
    tiling.setTileSizes(sizes).setLoopType(scf::SCFTilingOptions::LoopType::ForallOp);
    scf::SCFTileAndFuseOptions options;
    options.setTilingOptions(tiling);
    options.setFusionControlFn([&](tensor::ExtractSliceOp, OpResult producer, bool isDestination)
                                   -> std::optional<scf::SCFTileAndFuseOptions::ControlFnResult> {
      if (isDestination || !group.contains(producer.getOwner()))
        return std::nullopt;
      return scf::SCFTileAndFuseOptions::ControlFnResult{};
    });
    auto result = scf::tileConsumerAndFuseProducersUsingSCF(rewriter, cast<TilingInterface>(group.root), options);
    if (failed(result))
      return group.root->emitOpError("cannot be tiled");
    rewriter.replaceOp(group.root, result->replacements.lookup(group.root->getResult(0)));
    return success();
  }

  /// Copies of a producer that several members asked for become one, destinations become tiles of their own.
  LogicalResult cleanUp(func::FuncOp function) {
    RewritePatternSet patterns(&getContext());
    tensor::populateFoldTensorEmptyPatterns(patterns);
    tensor::ExtractSliceOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::EmptyOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(function, std::move(patterns))))
      return failure();
    IRRewriter rewriter(&getContext());
    DominanceInfo dominance(function);
    eliminateCommonSubExpressions(rewriter, dominance, function);
    return success();
  }

  /// An elementwise op in a tile overwrites an operand that only it uses, instead of filling one more buffer.
  static void computeInPlace(linalg::GenericOp op) {
    if (!op->getParentOfType<scf::ForallOp>() || op.getNumReductionLoops() != 0 || op.getNumDpsInits() != 1 ||
        op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)) || !op.getDpsInitOperand(0)->get().getDefiningOp<tensor::EmptyOp>())
      return;
    for (OpOperand *operand : op.getDpsInputOperands()) {
      Operation *producer = operand->get().getDefiningOp();
      bool isOwn = producer && producer->getBlock() == op->getBlock() && operand->get().hasOneUse() &&
                   (isa<linalg::GenericOp>(producer) || isa<QCPUDialect>(producer->getDialect()));
      if (isOwn && operand->get().getType() == op.getDpsInitOperand(0)->get().getType() &&
          op.getMatchingIndexingMap(operand) == op.getMatchingIndexingMap(op.getDpsInitOperand(0)))
        return op.getDpsInitOperand(0)->set(operand->get());
    }
  }
};

} // namespace
