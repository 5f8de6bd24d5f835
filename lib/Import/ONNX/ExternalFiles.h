// External data in files below the model's folder.
#pragma once
#include "TensorData.h"

#include "qopt/Support/MappedFile.h"

#include "llvm/ADT/StringMap.h"

namespace qopt {

class ExternalFiles : public ExternalData {
public:
  explicit ExternalFiles(llvm::StringRef modelPath);

  llvm::Expected<std::pair<Span, std::shared_ptr<const void>>> read(const onnx::TensorProto &tensor, uint64_t needed) override;

private:
  std::string folder;
  llvm::StringMap<std::shared_ptr<const MappedFile>> files;
};

} // namespace qopt
