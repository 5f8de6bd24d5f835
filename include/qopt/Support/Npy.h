// numpy's .npy and .npz files (numpy.lib.format, versions 1.0 to 3.0), and rows of their arrays without loading them
// whole.
//
// Element types: what numpy and ml_dtypes write. A type that .npy cannot name is written as numpy does: bfloat16 as
// '<V2', float8_e5m2 as '<f1', the other 8-bit floats as '<V1'; '<V2' is read as bfloat16, and '<V1' only where the
// caller says which type it is. Sub-byte types go one element a byte, as int8 or uint8. Fixed-width strings ('<U',
// '|S') become String tensors. Python objects, structures, complex numbers and dates are refused.
#pragma once
#include "qopt/Support/Tensor.h"
#include "llvm/Support/raw_ostream.h"

namespace qopt {

/// What a header says.
struct NpyInfo {
  DType type = DType::Float32;
  llvm::SmallVector<int64_t, 4> shape;
  bool fortranOrder = false;
  bool bigEndian = false;
  /// For String: bytes of an element in the file, and whether they are UCS-4 ('U') rather than bytes ('S').
  int64_t textBytes = 0;
  bool textIsUCS4 = false;
  int64_t headerBytes = 0; // of the magic, the version and the dictionary
  int64_t dataBytes = 0;
};

/// Parses the header at the front of `bytes`. `hint` names the type of '<V1' and '<V2' data.
llvm::Expected<NpyInfo> parseNpyHeader(llvm::ArrayRef<uint8_t> bytes, const llvm::Twine &what,
                                       std::optional<DType> hint = std::nullopt);

/// The array of a .npy file: mapped where its bytes can be used as they are, else converted.
llvm::Expected<Tensor> readNpy(llvm::StringRef path, std::optional<DType> hint = std::nullopt);
llvm::Error writeNpy(llvm::StringRef path, const Tensor &tensor);

/// Rows of one array, along axis 0, read from front to back. Memory is that of the rows asked for; going back starts
/// the stream again. Arrays in Fortran order are the exception: they are loaded whole.
class ArrayRows {
public:
  virtual ~ArrayRows() = default;
  const NpyInfo &info() const { return header; }
  /// "input 'ids' of calibration.npz", for errors.
  const std::string &what() const { return label; }
  int64_t numRows() const { return header.shape.empty() ? 0 : header.shape[0]; }
  /// Rows [begin, end) as a writable tensor. Errors: a range outside the array, a damaged file.
  virtual llvm::Expected<Tensor> read(int64_t begin, int64_t end) = 0;

protected:
  NpyInfo header;
  std::string label;
};

llvm::Expected<std::unique_ptr<ArrayRows>> openNpyRows(llvm::StringRef path);

/// The arrays of a .npz file.
class NpzReader {
public:
  /// Reads the directory and every array's header. Errors: no .npz, damaged, an array of a type that is refused.
  static llvm::Expected<std::unique_ptr<NpzReader>> open(llvm::StringRef path);
  virtual ~NpzReader() = default;

  /// Names without ".npy", in the file's order.
  virtual llvm::ArrayRef<std::string> names() const = 0;
  /// Null when there is no such array.
  virtual const NpyInfo *info(llvm::StringRef name) const = 0;
  virtual llvm::Expected<Tensor> read(llvm::StringRef name) = 0;
  virtual llvm::Expected<std::unique_ptr<ArrayRows>> rows(llvm::StringRef name) = 0;
};

/// All arrays of a .npz file, in its order.
llvm::Expected<std::vector<NamedTensor>> readNpz(llvm::StringRef path);

/// Writes a .npz to `os`; the bytes depend on the arrays alone.
llvm::Error writeNpz(llvm::raw_ostream &os, llvm::ArrayRef<NamedTensor> arrays, bool deflate = false);
/// Writes a .npz file, whole or not at all.
llvm::Error writeNpz(llvm::StringRef path, llvm::ArrayRef<NamedTensor> arrays, bool deflate = false);

} // namespace qopt
