#include "qopt/Pipelines/ResourceScope.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace qopt {

static DialectResourceBlobManager &blobsOf(MLIRContext *context) {
  return DenseResourceElementsHandle::getManagerInterface(context).getBlobManager();
}

static bool hasBytes(const DialectResourceBlobManager::BlobEntry &entry) { return entry.getBlob() && !entry.getBlob()->getData().empty(); }

ResourceScope::ResourceScope(MLIRContext *context) : context(context) {
  blobsOf(context).getBlobMap([&](const auto &blobs) {
    for (const auto &blob : blobs)
      if (hasBytes(blob.getValue()))
        before.insert(blob.getKey());
  });
}

ResourceScope::~ResourceScope() {
  DialectResourceBlobManager &blobs = blobsOf(context);
  llvm::SmallVector<std::string> made;
  blobs.getBlobMap([&](const auto &all) {
    for (const auto &blob : all)
      if (hasBytes(blob.getValue()) && !before.contains(blob.getKey()))
        made.push_back(blob.getKey().str());
  });
  for (const std::string &key : made)
    blobs.update(key, AsmResourceBlob({}, 1, {}, /*dataIsMutable=*/false));
}

} // namespace qopt
