// TensorProtos as host tensors.
#pragma once
#include "Skim.h"

#include "qopt/Support/Tensor.h"

#include <functional>

namespace onnx {
class TensorProto;
}

namespace qopt {

/// Bytes of external data: location, offset and length as the model gives them.
class ExternalData {
public:
  virtual ~ExternalData() = default;
  /// The bytes that `tensor` points to, of which `needed` must be there, and what keeps them alive. Errors: a path that leaves the
  /// model's folder, a span outside the file, …
  virtual llvm::Expected<std::pair<Span, std::shared_ptr<const void>>> read(const onnx::TensorProto &tensor, uint64_t needed) = 0;
};

/// The elements of `tensor`, checked against its type and dims. `cut` holds raw_data that skim() left out, in a mapping that
/// `owner` keeps alive. Errors name the tensor.
llvm::Expected<Tensor> readTensor(const onnx::TensorProto &tensor, std::optional<Span> cut, std::shared_ptr<const void> owner,
                                  ExternalData &external);

/// Bytes that `count` elements take in raw_data, where types narrower than a byte are packed.
uint64_t packedBytes(DType type, int64_t count);

/// "tensor 'name'", or "a nameless tensor".
std::string describe(const onnx::TensorProto &tensor);

} // namespace qopt
