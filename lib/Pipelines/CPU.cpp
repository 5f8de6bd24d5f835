#include "qopt/Pipelines/CPU.h"
#include "qopt/Codegen/CPU/Backend.h"
#include "qopt/Codegen/CPU/Kernels/Passes.h"
#include "qopt/Codegen/CPU/Passes.h"
#include "qopt/Codegen/Common/Passes.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Pipelines/Passes.h"
#include "qopt/Pipelines/Run.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace qopt {

static void addCleanUp(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

/// The target's CPU features; none for a target that is not known, which the executor reports.
static std::string featuresOf(const CPUOptions &options) {
  llvm::Expected<CPUTarget> target = findCPUTarget(options.target);
  if (!target)
    return llvm::consumeError(target.takeError()), "";
  return target->features;
}

void buildLegalizeStage(OpPassManager &pm, const CPUOptions &options) {
  pm.addPass(createRecordSignaturePass());
  pm.addPass(createLegalizePass());
}

void buildGraphStage(OpPassManager &pm, const CPUOptions &options) {
  pm.addNestedPass<func::FuncOp>(createLowerTosaPass());
  pm.addNestedPass<func::FuncOp>(qcpu::createQCPUDecodeWeights());
  pm.addPass(qcpu::createNNToNXC());
  qcpu::ConvertNNToQCPUOptions kernels;
  kernels.features = featuresOf(options);
  pm.addPass(qcpu::createConvertNNToQCPU(kernels));
  addCleanUp(pm);
}

void buildTensorStage(OpPassManager &pm, const CPUOptions &options) {
  pm.addPass(createInlinerPass());
  pm.addPass(createSymbolDCEPass());
  pm.addNestedPass<func::FuncOp>(createFuseElementwisePass());
  addCleanUp(pm);
  pm.addNestedPass<func::FuncOp>(qcpu::createQCPUTileAndFuse());
  addCleanUp(pm);
}

void buildBufferStage(OpPassManager &pm, const CPUOptions &options) {
  pm.addPass(createLowerObservePass());
  pm.addNestedPass<func::FuncOp>(createCastSelectsPass());
  pm.addNestedPass<func::FuncOp>(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.functionBoundaryTypeConversion = bufferization::LayoutMapOption::IdentityLayoutMap;
  bufferize.allowReturnAllocsFromLoops = true;
  pm.addPass(bufferization::createOneShotBufferizePass(bufferize));
  addCleanUp(pm);
  pm.addPass(createExternalizeConstantsPass());
  pm.addPass(createPlaceOutputsPass());
  pm.addNestedPass<func::FuncOp>(createPlaceDeallocsPass());
  pm.addNestedPass<func::FuncOp>(createPlanMemoryPass());
  pm.addPass(qcpu::createQCPULowerToCalls());
}

void buildLoopStage(OpPassManager &pm, const CPUOptions &options) {
  pm.addNestedPass<func::FuncOp>(createLinalgGeneralizeNamedOpsPass());
  pm.addNestedPass<func::FuncOp>(createCollapseDimsPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createExpandMathPass());
  pm.addNestedPass<func::FuncOp>(createLinalgToLoopsPass());
  pm.addPass(createForallToParallelLoopPass());
  addCleanUp(pm);
  pm.addPass(createOutlineKernelsPass());
  addCleanUp(pm);
}

void buildLLVMStage(OpPassManager &pm, const CPUOptions &options) {
  pm.addPass(createAddEntryPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(arith::createArithExpandOpsPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createLowerDispatchPass());
  addCleanUp(pm);
}

void buildLoweringPipeline(OpPassManager &pm, const CPUOptions &options) {
  buildLoweringTo(Phase::Lowered, pm, options);
}

void buildLoweringTo(Phase last, OpPassManager &pm, const CPUOptions &options) {
  using Stage = void (*)(OpPassManager &, const CPUOptions &);
  const std::pair<Phase, SmallVector<Stage, 2>> phases[] = {{Phase::Legalized, {buildLegalizeStage}},
                                                            {Phase::Linalg, {buildGraphStage, buildTensorStage}},
                                                            {Phase::Buffers, {buildBufferStage}},
                                                            {Phase::Loops, {buildLoopStage}},
                                                            {Phase::Lowered, {buildLLVMStage}}};
  for (const auto &[phase, stages] : phases) {
    if (phase > last)
      return;
    for (Stage stage : stages)
      stage(pm, options);
    endPhase(pm, phase);
  }
}

llvm::Error lowerForCPU(ModuleOp module, const CPUOptions &options) {
  PassManager pm(module.getContext(), ModuleOp::getOperationName());
  buildLoweringPipeline(pm, options);
  return runPasses(pm, module);
}

} // namespace qopt
