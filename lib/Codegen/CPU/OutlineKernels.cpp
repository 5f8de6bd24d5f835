#include "LoopCost.h"
#include "qopt/Codegen/CPU/Passes.h"
#include "qopt/Codegen/CPU/Runtime.h"
#include "qopt/Codegen/Common/Signature.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace qopt {
#define GEN_PASS_DEF_OUTLINEKERNELSPASS
#include "qopt/Codegen/CPU/Passes.h.inc"

namespace {

/// What owns the memory that `buffer` shows, so that buffers of different owners cannot overlap; null when unknown.
void *ownerOf(Value buffer) {
  while (Operation *op = buffer.getDefiningOp()) {
    if (auto global = dyn_cast<memref::GetGlobalOp>(op))
      return const_cast<void *>(global.getNameAttr().getAttr().getAsOpaquePointer());
    if (isa<memref::AllocOp, memref::AllocaOp>(op))
      return op;
    auto view = dyn_cast<ViewLikeOpInterface>(op);
    if (!view)
      return nullptr;
    Operation *source = view.getViewSource().getDefiningOp();
    // The places that the memory planner gave to living buffers are disjoint.
    if (isa<memref::ViewOp>(op) && source && source->hasAttr(arenaAttrName))
      return op;
    buffer = view.getViewSource();
  }
  // Inputs are never written.
  return isa<func::FuncOp>(buffer.getParentBlock()->getParentOp()) ? buffer.getAsOpaquePointer() : nullptr;
}

/// Which of `captures` may be marked as overlapping with no other.
SmallVector<bool> findUnaliased(ArrayRef<Value> captures) {
  DenseMap<void *, unsigned> uses;
  SmallVector<void *> owners;
  bool allKnown = true;
  for (Value capture : captures) {
    void *owner = isa<MemRefType>(capture.getType()) ? ownerOf(capture) : nullptr;
    allKnown &= owner || !isa<MemRefType>(capture.getType());
    owners.push_back(owner);
    ++uses[owner];
  }
  SmallVector<bool> unaliased;
  for (void *owner : owners)
    unaliased.push_back(allKnown && owner && uses[owner] == 1);
  return unaliased;
}

std::string nodeName(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName().str();
  if (auto fused = dyn_cast<FusedLoc>(loc)) {
    std::string all;
    for (Location part : fused.getLocations())
      if (std::string name = nodeName(part); !name.empty() && all.size() < 120)
        all += (all.empty() ? "" : "+") + name;
    return all;
  }
  return "";
}

struct OutlineKernelsPass : impl::OutlineKernelsPassBase<OutlineKernelsPass> {
  void runOnOperation() override;
  void outline(Operation *loop);
  func::FuncOp buildKernel(Operation *loop, ArrayRef<Value> captures, ArrayRef<Operation *> constants);
  func::FuncOp share(func::FuncOp kernel);
  func::FuncOp dispatcherOf(func::FuncOp kernel);
  int32_t addSite(Location loc, StringRef kernel);

  llvm::StringMap<func::FuncOp> kernels; // by text
  DenseMap<StringAttr, func::FuncOp> dispatchers;
  SmallVector<Attribute> sites;
};

/// The induction variables of iteration number `number`.
void mapInductionVars(OpBuilder &builder, scf::ParallelOp loop, Value number, IRMapping &mapping) {
  Location loc = loop.getLoc();
  for (unsigned dim = loop.getNumLoops(); dim-- > 0;) {
    Value lower = mapping.lookupOrDefault(loop.getLowerBound()[dim]);
    Value upper = mapping.lookupOrDefault(loop.getUpperBound()[dim]);
    Value step = mapping.lookupOrDefault(loop.getStep()[dim]);
    Value index = number;
    if (dim > 0) {
      Value extent = arith::SubIOp::create(builder, loc, upper, lower);
      Value count = arith::CeilDivUIOp::create(builder, loc, extent, step);
      index = arith::RemUIOp::create(builder, loc, number, count);
      number = arith::DivUIOp::create(builder, loc, number, count);
    }
    Value scaled = builder.createOrFold<arith::MulIOp>(loc, index, step);
    mapping.map(loop.getInductionVars()[dim], builder.createOrFold<arith::AddIOp>(loc, scaled, lower));
  }
}

Value countIterations(OpBuilder &builder, scf::ParallelOp loop) {
  Location loc = loop.getLoc();
  Value count;
  for (auto [lower, upper, step] : llvm::zip(loop.getLowerBound(), loop.getUpperBound(), loop.getStep())) {
    Value extent = builder.createOrFold<arith::SubIOp>(loc, upper, lower);
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    extent = builder.createOrFold<arith::MaxSIOp>(loc, extent, zero);
    Value steps = builder.createOrFold<arith::CeilDivUIOp>(loc, extent, step);
    count = count ? builder.createOrFold<arith::MulIOp>(loc, count, steps) : steps;
  }
  return count;
}

func::FuncOp OutlineKernelsPass::buildKernel(Operation *loop, ArrayRef<Value> captures,
                                             ArrayRef<Operation *> constants) {
  OpBuilder builder(&getContext());
  builder.setInsertionPointToEnd(getOperation().getBody());
  auto parallel = dyn_cast<scf::ParallelOp>(loop);
  SmallVector<Type> types;
  for (Value capture : captures)
    types.push_back(capture.getType());
  if (parallel)
    types.push_back(builder.getIndexType());
  auto kernel = func::FuncOp::create(builder, loop->getLoc(), "kernel", builder.getFunctionType(types, {}));
  kernel.setPrivate();
  Block *body = kernel.addEntryBlock();
  builder.setInsertionPointToStart(body);
  IRMapping mapping;
  for (Operation *constant : constants)
    builder.clone(*constant, mapping);
  for (auto [capture, argument] : llvm::zip(captures, body->getArguments()))
    mapping.map(capture, argument);
  if (parallel) {
    mapInductionVars(builder, parallel, body->getArguments().back(), mapping);
    for (Operation &op : parallel.getBody()->without_terminator())
      builder.clone(op, mapping);
  } else {
    builder.clone(*loop, mapping)->removeAttr("qopt.kernel");
  }
  func::ReturnOp::create(builder, loop->getLoc());
  for (auto [index, unaliased] : llvm::enumerate(findUnaliased(captures)))
    if (unaliased)
      kernel.setArgAttr(index, noaliasAttrName, builder.getUnitAttr());
  return kernel;
}

/// The first kernel with the same text; a new one gets its name here.
func::FuncOp OutlineKernelsPass::share(func::FuncOp kernel) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  kernel->print(stream, OpPrintingFlags().useLocalScope());
  auto [place, isNew] = kernels.try_emplace(text, kernel);
  if (isNew)
    kernel.setName(("qopt_kernel_" + Twine(kernels.size() - 1)).str());
  else
    kernel.erase();
  return place->second;
}

func::FuncOp OutlineKernelsPass::dispatcherOf(func::FuncOp kernel) {
  func::FuncOp &dispatcher = dispatchers[kernel.getSymNameAttr()];
  if (dispatcher)
    return dispatcher;
  OpBuilder builder(kernel);
  SmallVector<Type> types = {builder.getIndexType(), builder.getIndexType()};
  llvm::append_range(types, kernel.getArgumentTypes().drop_back());
  dispatcher = func::FuncOp::create(builder, kernel.getLoc(), (kernel.getName() + ".dispatch").str(),
                                    builder.getFunctionType(types, {}));
  dispatcher.setPrivate();
  dispatcher->setAttr(dispatchAttrName, FlatSymbolRefAttr::get(kernel));
  dispatcher->setAttr(cpu::needsContextAttrName, builder.getUnitAttr());
  return dispatcher;
}

int32_t OutlineKernelsPass::addSite(Location loc, StringRef kernel) {
  std::string name = nodeName(loc);
  sites.push_back(StringAttr::get(&getContext(), name.empty() ? kernel.str() : name + " (" + kernel.str() + ")"));
  return int32_t(sites.size()) - 1;
}

void OutlineKernelsPass::outline(Operation *loop) {
  llvm::SetVector<Value> used(loop->operand_begin(), loop->operand_end());
  getUsedValuesDefinedAbove(loop->getRegions(), used);
  SmallVector<Value> captures;
  SmallVector<Operation *> constants;
  for (Value value : used) {
    Operation *def = value.getDefiningOp();
    if (def && def->hasTrait<OpTrait::ConstantLike>())
      constants.push_back(def);
    else
      captures.push_back(value);
  }
  func::FuncOp kernel = share(buildKernel(loop, captures, constants));
  OpBuilder builder(loop);
  func::CallOp call;
  if (auto parallel = dyn_cast<scf::ParallelOp>(loop)) {
    SmallVector<Value> arguments = {countIterations(builder, parallel), cpu::estimateCycles(builder, parallel)};
    llvm::append_range(arguments, captures);
    call = func::CallOp::create(builder, loop->getLoc(), dispatcherOf(kernel), arguments);
  } else {
    call = func::CallOp::create(builder, loop->getLoc(), kernel, captures);
  }
  call->setAttr(siteAttrName, builder.getI32IntegerAttr(addSite(loop->getLoc(), kernel.getName())));
  loop->erase();
}

void OutlineKernelsPass::runOnOperation() {
  kernels.clear();
  dispatchers.clear();
  sites.clear();
  SmallVector<Operation *> loops;
  for (auto function : getOperation().getOps<func::FuncOp>())
    function.walk<WalkOrder::PreOrder>([&](Operation *op) {
      bool isKernel = isa<scf::ParallelOp>(op) || (isa<scf::ForOp>(op) && op->hasAttr("qopt.kernel"));
      if (isKernel && op->getNumResults() == 0) {
        loops.push_back(op);
        return WalkResult::skip();
      }
      return WalkResult::advance();
    });
  for (Operation *loop : loops)
    outline(loop);
  getOperation()->setAttr(kernelsAttrName, ArrayAttr::get(&getContext(), sites));
}

} // namespace
} // namespace qopt
