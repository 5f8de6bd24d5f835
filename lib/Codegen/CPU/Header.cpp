#include "qopt/Codegen/CPU/Artifact.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace qopt {

static constexpr const char *declarations = R"(#ifndef QOPT_RUNTIME_TENSOR_H
#define QOPT_RUNTIME_TENSOR_H
#define QOPT_MAX_RANK 16
/* Dense, row-major. dtype is ONNX's TensorProto.DataType (1: float32, 2: uint8, 3: int8, 6: int32, 7: int64, 9: bool, …);
 * types narrower than a byte take one byte an element. */
typedef struct qopt_tensor {
  void *data;
  int32_t dtype;
  int32_t rank;
  int64_t shape[QOPT_MAX_RANK];
} qopt_tensor;
#endif

typedef struct qopt_artifact qopt_artifact;

/* Makes the program ready to run on `threads` threads (0: one for each core). Null, with a sentence in `error`, when this
 * CPU lacks what the program was built for or memory is out. */
qopt_artifact *PREFIX_load(int32_t threads, char *error, size_t error_size);
/* 0: done, give every output's data to PREFIX_release. 1: PREFIX_error says why not. One run at a time for each artifact;
 * several artifacts run side by side. */
int32_t PREFIX_run(qopt_artifact *artifact, const qopt_tensor *inputs, qopt_tensor *outputs);
/* The rank of input (output = 0) or output (output = 1) number `index`, with its type and dims (-1: dynamic). */
int32_t PREFIX_shape(int32_t output, int32_t index, int32_t *dtype, int64_t *shape);
const char *PREFIX_error(const qopt_artifact *artifact);
void PREFIX_release(void *output_data);
void PREFIX_free(qopt_artifact *artifact);
)";

static void describe(raw_ostream &os, StringRef what, ArrayRef<ValueSpec> specs) {
  os << formatv("/* {0}, in this order:\n", what);
  for (const ValueSpec &spec : specs) {
    std::string shown = spec.name;
    // A name must not end the comment.
    for (size_t at; (at = shown.find("*/")) != std::string::npos;)
      shown.replace(at, 2, "* /");
    os << formatv(" *   {0}: {1}{2}\n", shown, name(spec.dtype), shapeToString(spec.shape));
  }
  os << " */\n";
}

static std::string replaceAll(StringRef text, StringRef from, StringRef to) {
  SmallVector<StringRef> parts;
  text.split(parts, from);
  return join(parts, to);
}

std::string headerText(const Signature &signature, const ArtifactInfo &info) {
  std::string text;
  raw_string_ostream os(text);
  std::string guard = "QOPT_ARTIFACT_" + StringRef(info.prefix).upper() + "_H";
  os << "/* A model compiled by qopt. */\n#ifndef " << guard << "\n#define " << guard
     << "\n#include <stddef.h>\n#include <stdint.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
     << replaceAll(declarations, "PREFIX", info.prefix) << '\n';
  std::string macro = StringRef(info.prefix).upper();
  os << formatv("#define {0}_NUM_INPUTS {1}\n#define {0}_NUM_OUTPUTS {2}\n", macro, signature.inputs.size(),
                signature.outputs.size());
  describe(os, "Inputs", signature.inputs);
  describe(os, "Outputs", signature.outputs);
  os << "\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
  return text;
}

} // namespace qopt
