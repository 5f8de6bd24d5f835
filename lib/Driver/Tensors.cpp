#include "Tensors.h"
#include "Outputs.h"
#include "qopt/Import/ONNX/TensorFile.h"
#include "qopt/Support/Npy.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

using namespace llvm;

namespace qopt {

namespace {

std::string namesOf(ArrayRef<ValueSpec> specs) {
  return join(map_range(specs, [](const ValueSpec &spec) { return "'" + spec.name + "'"; }), ", ");
}

/// Collects one tensor for each input.
class InputSet {
public:
  explicit InputSet(ArrayRef<ValueSpec> specs) : specs(specs), tensors(specs.size()) {}

  Error add(StringRef name, Tensor tensor, StringRef file) {
    auto found = find_if(specs, [&](const ValueSpec &spec) { return spec.name == name; });
    if (found == specs.end())
      return makeError("'" + file + "': the model has no input '" + name + "'; its inputs are " + namesOf(specs));
    auto &place = tensors[found - specs.begin()];
    if (place)
      return makeError("'" + file + "': input '" + name + "' is given twice");
    place = std::move(tensor);
    return Error::success();
  }

  /// A .npz, or a folder test_data_set_N.
  Error addFile(StringRef file) {
    if (sys::fs::is_directory(file) && !isTestDataSet(file))
      return makeError("'" + file + "': the folder holds no input_0.pb");
    auto arrays = sys::fs::is_directory(file) ? readTestDataSet(file, specs) : readNpz(file);
    if (!arrays)
      return arrays.takeError();
    for (NamedTensor &array : *arrays)
      if (Error error = add(array.name, std::move(array.tensor), file))
        return error;
    return Error::success();
  }

  Error addWord(StringRef word) {
    auto [name, file] = word.split('=');
    if (!word.contains('='))
      return addFile(word);
    if (file.ends_with(".pb")) {
      auto named = readTensorFile(file);
      return named ? add(name, std::move(named->tensor), file) : named.takeError();
    }
    auto tensor = readNpy(file);
    if (!tensor)
      return tensor.takeError();
    return add(name, std::move(*tensor), file);
  }

  Expected<SmallVector<Tensor>> take() {
    SmallVector<Tensor> inputs;
    for (auto [spec, tensor] : zip(specs, tensors)) {
      if (!tensor)
        return makeError("input '" + spec.name + "' (" + name(spec.dtype) + shapeToString(spec.shape) +
                         ") is not given; pass --input " + spec.name + "=FILE.npy or FILE.pb");
      inputs.push_back(std::move(*tensor));
    }
    return inputs;
  }

private:
  ArrayRef<ValueSpec> specs;
  SmallVector<std::optional<Tensor>> tensors;
};

} // namespace

Expected<SmallVector<Tensor>> loadInputs(ArrayRef<std::string> words, ArrayRef<ValueSpec> specs) {
  InputSet inputs(specs);
  for (StringRef word : words)
    if (Error error = inputs.addWord(word))
      return std::move(error);
  return inputs.take();
}

Error saveOutputs(StringRef path, ArrayRef<ValueSpec> specs, ArrayRef<Tensor> outputs) {
  if (path.ends_with(".npy")) {
    if (outputs.size() != 1)
      return usageError("'" + path + "': a .npy holds one output, but the model has " + Twine(outputs.size()) +
                        "; write a .npz");
    return writeNpy(path, outputs[0]);
  }
  if (!path.ends_with(".npz"))
    return usageError("'" + path + "': outputs are written as .npz or .npy");
  std::vector<NamedTensor> arrays;
  for (auto [spec, tensor] : zip(specs, outputs))
    arrays.push_back({spec.name, tensor});
  return writeNpz(path, arrays);
}

Error writeText(StringRef path, StringRef text, Session &session) {
  return writeOutput(path, session, [&](raw_pwrite_stream &os) {
    os << text;
    return Error::success();
  });
}

} // namespace qopt
