// The safetensors format: a JSON header of names, types, shapes and offsets, then the bytes.
// Specification: https://github.com/huggingface/safetensors (README, "Format").
//
// Types: F64 F32 F16 BF16 I64 I32 I16 I8 U64 U32 U16 U8 BOOL F8_E4M3 F8_E5M2 F8_E8M0. Sub-byte types are packed by the
// caller and stored as U8 or I32.
#pragma once
#include "qopt/Support/Tensor.h"
#include "llvm/Support/raw_ostream.h"
#include <map>

namespace qopt {

class SafetensorsReader {
public:
  /// Maps the file. Errors: cut short, a damaged header, offsets that overlap, leave gaps, or disagree with the shapes.
  static llvm::Expected<std::unique_ptr<SafetensorsReader>> open(llvm::StringRef path);
  virtual ~SafetensorsReader() = default;

  /// In the order of their bytes.
  virtual llvm::ArrayRef<std::string> names() const = 0;
  /// A tensor over the mapped bytes. Errors: no such name.
  virtual llvm::Expected<Tensor> read(llvm::StringRef name) const = 0;
  virtual const std::map<std::string, std::string> &metadata() const = 0;
};

/// Writes the tensors in the order given, without copying them. Errors: a type that the format lacks, a name twice.
llvm::Error writeSafetensors(llvm::raw_ostream &os, llvm::ArrayRef<NamedTensor> tensors,
                             const std::map<std::string, std::string> &metadata = {});
/// Writes a file, whole or not at all.
llvm::Error writeSafetensors(llvm::StringRef path, llvm::ArrayRef<NamedTensor> tensors,
                             const std::map<std::string, std::string> &metadata = {});

} // namespace qopt
