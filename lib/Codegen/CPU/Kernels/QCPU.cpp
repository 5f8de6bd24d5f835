#include "qopt/Codegen/CPU/Kernels/QCPU.h"
#include "qopt/Codegen/CPU/Kernels/KernelTable.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace qopt::qcpu;

#include "qopt/Codegen/CPU/Kernels/QCPUDialect.cpp.inc"

void QCPUDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "qopt/Codegen/CPU/Kernels/QCPUOps.cpp.inc"
      >();
  attachBufferization(*getContext());
}

//===----------------------------------------------------------------------===//
// Effects
//===----------------------------------------------------------------------===//

/// On tensors the ops are pure; on memrefs they read all operands but `out`, which they write whole.
template <typename OpTy>
static void destinationStyleEffects(OpTy op, SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (op.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand, SideEffects::DefaultResource::get());
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand, SideEffects::DefaultResource::get());
  }
}

using Effects = SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;
void GemmOp::getEffects(Effects &effects) { destinationStyleEffects(*this, effects); }
void BatchMatMulOp::getEffects(Effects &effects) { destinationStyleEffects(*this, effects); }
void ConvOp::getEffects(Effects &effects) { destinationStyleEffects(*this, effects); }
void DepthwiseConvOp::getEffects(Effects &effects) { destinationStyleEffects(*this, effects); }

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

static ShapedType shaped(Value value) { return cast<ShapedType>(value.getType()); }

static bool dimsDiffer(int64_t a, int64_t b) {
  return !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b) && a != b;
}

static FailureOr<const KernelForm *> verifyKernel(Operation *op, StringRef name) {
  const KernelForm *form = findKernelForm(name);
  if (!form)
    return op->emitOpError() << "names the kernel '" << name << "', which is not in the kernel table";
  return form;
}

static LogicalResult verifyResults(DestinationStyleOpInterface op) {
  if (op->getNumResults() > 1)
    return op.emitOpError("has one result on tensors and none on memrefs");
  if (op->getNumResults() == 1 && op->getResult(0).getType() != op.getDpsInitOperand(0)->get().getType())
    return op.emitOpError("has a result that differs in type from out");
  return success();
}

/// `packed` is panels × ceil(depth / kPack) × (nr * kPack), or half of that where two codes share a byte.
static LogicalResult verifyPanels(Operation *op, const KernelForm &form, ShapedType packed, int64_t depth) {
  int64_t width = form.nr * form.kPack / (form.operands == Operands::Weight4 ? 2 : 1);
  if (packed.getRank() != 3 || dimsDiffer(packed.getDimSize(2), width))
    return op->emitOpError() << "needs weights packed as panels × K/" << form.kPack << " × " << width
                             << " for kernel " << form.name;
  if (!ShapedType::isDynamic(depth) && dimsDiffer(packed.getDimSize(1), (depth + form.kPack - 1) / form.kPack))
    return op->emitOpError() << "has packed weights of another depth than " << depth;
  return success();
}

LogicalResult GemmOp::verify() {
  FailureOr<const KernelForm *> form = verifyKernel(*this, getKernel());
  if (failed(form) || failed(verifyResults(*this)))
    return failure();
  ShapedType a = shaped(getA()), out = shaped(getOut());
  if (a.getRank() < 1 || a.getRank() != out.getRank())
    return emitOpError("needs a and out of one rank, at least one");
  for (int64_t dim = 0; dim + 1 < a.getRank(); ++dim)
    if (dimsDiffer(a.getDimSize(dim), out.getDimSize(dim)))
      return emitOpError() << "has a and out of different sizes in dim " << dim;
  int64_t depth = a.getDimSize(a.getRank() - 1);
  bool decodes = (*form)->decodes();
  if (decodes != static_cast<bool>(getScales()) || decodes != (static_cast<int64_t>(getGroup()) > 0))
    return emitOpError() << "needs scales and a group for kernels that decode weights, and for these only";
  if (decodes) {
    ShapedType scales = shaped(getScales());
    auto group = static_cast<int64_t>(getGroup());
    int64_t groups = ShapedType::isDynamic(depth) ? depth : (depth + group - 1) / group;
    if (scales.getRank() != 3 || dimsDiffer(scales.getDimSize(1), groups) || dimsDiffer(scales.getDimSize(2), (*form)->nr))
      return emitOpError() << "needs scales packed as panels × groups × " << (*form)->nr;
    if (getZeros() && ((*form)->operands != Operands::Weight4 || shaped(getZeros()).getShape() != scales.getShape() ||
                       !shaped(getZeros()).getElementType().isF32()))
      return emitOpError("has zeros that are not f32 in the shape of the scales, or a kernel that takes none");
  }
  return verifyPanels(*this, **form, shaped(getB()), depth);
}

static bool isPermutation(ArrayRef<int64_t> perm, int64_t rank) {
  SmallVector<int64_t> sorted(perm);
  llvm::sort(sorted);
  return llvm::equal(sorted, llvm::seq<int64_t>(0, rank));
}

LogicalResult BatchMatMulOp::verify() {
  if (failed(verifyKernel(*this, getKernel())) || failed(verifyResults(*this)))
    return failure();
  ShapedType a = shaped(getA()), b = shaped(getB()), out = shaped(getOut());
  int64_t rank = a.getRank();
  if (rank < 2 || b.getRank() != rank || out.getRank() != rank)
    return emitOpError("needs operands of one rank, at least two");
  if (!isPermutation(getAPerm(), rank) || !isPermutation(getBPerm(), rank) || !isPermutation(getOutPerm(), rank))
    return emitOpError("needs permutations of all dims");
  int64_t last = rank - 1;
  if (getAPerm()[last] != last || getOutPerm()[last] != last || (getBPerm()[last] != last && !isTransposed()))
    return emitOpError("needs K or N as the last dim of its operands");
  auto size = [](ShapedType type, ArrayRef<int64_t> perm, int64_t dim) { return type.getDimSize(perm[dim]); };
  bool fits = !dimsDiffer(size(a, getAPerm(), last), size(b, getBPerm(), last - 1)) &&
              !dimsDiffer(size(a, getAPerm(), last - 1), size(out, getOutPerm(), last - 1)) &&
              !dimsDiffer(size(b, getBPerm(), last), size(out, getOutPerm(), last));
  for (int64_t dim = 0; dim < last - 1; ++dim)
    fits &= !dimsDiffer(size(a, getAPerm(), dim), size(out, getOutPerm(), dim)) &&
            !dimsDiffer(size(b, getBPerm(), dim), size(out, getOutPerm(), dim));
  if (!fits)
    return emitOpError("has matrices whose sizes do not fit");
  return success();
}

template <typename OpTy>
static LogicalResult verifyConv(OpTy op, int64_t offsets) {
  if (failed(verifyKernel(op, op.getKernel())) || failed(verifyResults(op)))
    return failure();
  if (shaped(op.getX()).getRank() != 4 || shaped(op.getOut()).getRank() != 4)
    return op.emitOpError("needs x and out of rank four");
  if (op.getWindow().size() != 2 || op.getStrides().size() != 2 || op.getDilations().size() != 2 ||
      op.getPads().size() != 2)
    return op.emitOpError("needs two values in window, strides, dilations and pads");
  if (!op.getOffsets().empty() && static_cast<int64_t>(op.getOffsets().size()) != offsets)
    return op.emitOpError() << "needs no or " << offsets << " offsets";
  return success();
}

LogicalResult ConvOp::verify() {
  if (failed(verifyConv(*this, 3)))
    return failure();
  int64_t channels = shaped(getX()).getDimSize(3);
  int64_t depth = ShapedType::isDynamic(channels) ? channels : channels * getWindow()[0] * getWindow()[1];
  return verifyPanels(*this, *findKernelForm(getKernel()), shaped(getW()), depth);
}

LogicalResult DepthwiseConvOp::verify() { return verifyConv(*this, 4); }

#define GET_OP_CLASSES
#include "qopt/Codegen/CPU/Kernels/QCPUOps.cpp.inc"
