//===- TensorFile.h - ONNX's own tensor files --------------------------------===//
//
// A TensorProto in a file (input_0.pb), and the folders test_data_set_N that ship with models.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_IMPORT_ONNX_TENSORFILE_H
#define QOPT_IMPORT_ONNX_TENSORFILE_H

#include "qopt/Support/Tensor.h"
#include "qopt/Support/ValueSpec.h"

namespace qopt {

/// The tensor of a .pb file with the name it has there (perhaps none). Errors: no TensorProto, external data, bytes that do not
/// fit the type and dims.
llvm::Expected<NamedTensor> readTensorFile(llvm::StringRef path);

/// Whether the folder holds input_0.pb.
bool isTestDataSet(llvm::StringRef folder);

/// input_0.pb, input_1.pb, … of a folder. A tensor whose name is no input of the model is the input of that position.
llvm::Expected<std::vector<NamedTensor>> readTestDataSet(llvm::StringRef folder, llvm::ArrayRef<ValueSpec> inputs);

} // namespace qopt

#endif // QOPT_IMPORT_ONNX_TENSORFILE_H
