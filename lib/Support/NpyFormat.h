// What .npy and .npz share: headers, and bytes of the file to elements of the host.
#pragma once
#include "qopt/Support/Npy.h"

namespace qopt::npy {

/// The header for `tensor`, padded to 64 bytes as numpy does.
std::string makeHeader(const Tensor &tensor);

/// What goes into the file behind the header: the tensor's own bytes, or `storage` for strings.
llvm::ArrayRef<uint8_t> fileBytes(const Tensor &tensor, std::vector<uint8_t> &storage);

/// Elements of `shape` from the bytes of the file, which follow `info` in type and byte order and are in C order.
/// Takes over `bytes`.
llvm::Expected<Tensor> toTensor(const NpyInfo &info, llvm::ArrayRef<int64_t> shape, Tensor bytes);

/// A Fortran-order array in C order: `reversed` is the tensor of reversed dims that the file holds.
llvm::Expected<Tensor> fromFortranOrder(const Tensor &reversed);

/// An error when `bytes` are more than the machine has.
llvm::Error checkFitsInMemory(int64_t bytes, const llvm::Twine &what);

} // namespace qopt::npy
