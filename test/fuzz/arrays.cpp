// The files that arrays come in: .npy, .npz, safetensors, ONNX's .pb tensors.
#include "FuzzFile.h"

#include "qopt/Import/ONNX/TensorFile.h"
#include "qopt/Support/Npy.h"
#include "qopt/Support/Safetensors.h"

using namespace qopt;

static void readNpzByRows(llvm::StringRef path) {
  auto reader = NpzReader::open(path);
  if (!reader)
    return dropSentence(reader);
  for (const std::string &name : (*reader)->names()) {
    auto whole = (*reader)->read(name);
    dropSentence(whole);
    auto rows = (*reader)->rows(name);
    dropSentence(rows);
    if (!rows || (*rows)->numRows() < 1)
      continue;
    auto last = (*rows)->read((*rows)->numRows() - 1, (*rows)->numRows());
    dropSentence(last);
  }
}

static void readAll(const SafetensorsReader &reader) {
  for (const std::string &name : reader.names()) {
    auto tensor = reader.read(name);
    dropSentence(tensor);
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FuzzFile file(data, size);
  auto npy = readNpy(file.path());
  dropSentence(npy);
  readNpzByRows(file.path());
  auto safetensors = SafetensorsReader::open(file.path());
  dropSentence(safetensors);
  if (safetensors)
    readAll(**safetensors);
  auto tensor = readTensorFile(file.path());
  dropSentence(tensor);
  return 0;
}
