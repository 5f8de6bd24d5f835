#include "qopt/Pipelines/ImportPipeline.h"

#include "qopt/Support/Nesting.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Parser/Parser.h"

#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace {

/// MLIR's parser recurses for each bracket; models nest a dozen deep.
constexpr unsigned kDeepest = 256;
/// No memory holds more.
constexpr int64_t kMostElements = int64_t(1) << 44;

/// Empty where the number does not fit.
std::optional<int64_t> elementsOf(ArrayRef<int64_t> shape) {
  std::optional<int64_t> count = 1;
  for (int64_t dim : shape)
    if (!(count = llvm::checkedMul(*count, dim)))
      return count;
  return count;
}

/// A clause on what is wrong with a constant that the parser took; empty where nothing is.
std::string faultOf(ElementsAttr attr) {
  ShapedType type = attr.getShapedType();
  std::optional<int64_t> count = elementsOf(type.getShape());
  if (!count || *count > kMostElements)
    return "more elements than memory holds";
  auto resource = dyn_cast<DenseResourceElementsAttr>(attr);
  if (!resource || !type.getElementType().isIntOrFloat())
    return {};
  const AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  if (!blob)
    return "no data: its resource is not there";
  int64_t bits = type.getElementType().getIntOrFloatBitWidth(), bytes = blob->getData().size();
  int64_t wanted = bits == 1 ? (*count + 7) / 8 : *count * ((bits + 7) / 8);
  return bytes < wanted ? std::to_string(bytes) + " bytes of data, and needs " + std::to_string(wanted) : std::string();
}

/// Passes read constants where they stand, and trust that they are whole.
LogicalResult checkConstants(ModuleOp module) {
  auto check = [](Operation *op) {
    auto found = op->getAttrDictionary().walk([&](ElementsAttr attr) -> WalkResult {
      std::string fault = faultOf(attr);
      if (fault.empty())
        return WalkResult::advance();
      op->emitError() << "a constant of " << attr.getType() << " has " << fault;
      return WalkResult::interrupt();
    });
    return found.wasInterrupted() ? WalkResult::interrupt() : WalkResult::advance();
  };
  return failure(module->walk(check).wasInterrupted());
}

} // namespace

OwningOpRef<ModuleOp> qopt::parseModel(std::unique_ptr<llvm::MemoryBuffer> buffer, MLIRContext *context) {
  llvm::MemoryBufferRef ref = buffer->getMemBufferRef();
  if (!isBytecode(ref) && nestsDeeper(ref.getBuffer(), kDeepest, "//")) {
    emitError(FileLineColLoc::get(context, ref.getBufferIdentifier(), 1, 1)) << "it nests more than " << kDeepest << " brackets deep";
    return {};
  }
  auto source = std::make_shared<llvm::SourceMgr>();
  source->AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  auto module = parseSourceFile<ModuleOp>(source, context);
  if (!module || failed(checkConstants(*module)))
    return {};
  return module;
}
