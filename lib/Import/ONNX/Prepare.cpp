#include "Prepare.h"

#include "Functions.h"
#include "UnknownOps.h"
#include "Weights.h"

#include "onnx/checker.h"
#include "onnx/inliner/inliner.h"
#include "onnx/onnx_pb.h"
#include "onnx/shape_inference/implementation.h"
#include "onnx/version_converter/convert.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <new>
#include <set>

using namespace qopt;
using namespace onnx;

namespace {
/// The first line of what libonnx says, without its punctuation around it, and the node that stands in the context which follows.
std::string firstLine(const char *what) {
  llvm::StringRef text(what);
  text = text.trim();
  size_t end = text.find("\n");
  std::string line = text.substr(0, end).str();
  // Its sentences often end in ':' and go on with the name on the next line.
  if (end != llvm::StringRef::npos && llvm::StringRef(line).ends_with(":"))
    line += " " + text.substr(end).trim().split('\n').first.str();
  llvm::StringRef context = text.split("Bad node spec for node. Name: ").second.split('\n').first;
  auto [name, op] = context.split(" OpType: ");
  if (!op.empty() && !llvm::StringRef(line).contains("'" + name.str() + "'"))
    line += " (node '" + name.str() + "', " + op.str() + ")";
  return line;
}

/// Runs `work`, which may throw what libonnx and protobuf throw, and makes a sentence of it.
template <typename Work> llvm::Error guarded(llvm::StringRef doing, Work work) {
  try {
    work();
    return llvm::Error::success();
  } catch (const std::bad_alloc &) {
    return makeError("there is not enough memory for " + doing);
  } catch (const std::exception &problem) {
    return makeError(doing + " failed: " + firstLine(problem.what()));
  } catch (...) {
    return makeError(doing + " failed");
  }
}

llvm::Error parse(const std::string &bytes, ModelProto &model) {
  if (bytes.size() > INT32_MAX)
    return makeError("its graph alone takes more than 2 GiB, which protobuf cannot read");
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedInputStream coded(&stream);
  coded.SetTotalBytesLimit(INT32_MAX);
  google::protobuf::LogSilencer silence; // its complaints become our sentence
  if (!model.ParseFromCodedStream(&coded) || !coded.ConsumedEntireMessage())
    return makeError("it is cut off, nested too deeply, or is not an ONNX model; export it again");
  return llvm::Error::success();
}

llvm::Error checkHeader(const ModelProto &model, int64_t &opset) {
  if (!model.has_graph())
    return makeError("it holds no graph; is it an ONNX model?");
  std::set<std::string> domains;
  opset = 0;
  for (const OperatorSetIdProto &import : model.opset_import()) {
    std::string domain = import.domain() == "ai.onnx" ? "" : import.domain();
    if (!domains.insert(domain).second)
      return makeError("it imports the opset of domain '" + domain + "' twice");
    if (domain.empty())
      opset = import.version();
  }
  if (domains.count("") && opset < 1)
    return makeError("its opset version is " + llvm::Twine(opset) + "; it must be at least 1");
  int64_t newest = OpSchemaRegistry::DomainToVersionRange::Instance().Map().at("").second;
  if (opset > newest)
    return makeError("its opset version " + llvm::Twine(opset) + " is newer than " + llvm::Twine(newest) +
                     ", the newest that is supported; export it with an older opset");
  return llvm::Error::success();
}

void inferTypes(ModelProto &model) {
  ShapeInferenceOptions options(/*check_type=*/false, /*strict_mode=*/0, /*data_prop=*/true);
  shape_inference::InferShapes(model, OpSchemaRegistry::Instance(), options);
}

void forgetSizes(google::protobuf::RepeatedPtrField<ValueInfoProto> &values) {
  for (ValueInfoProto &value : values)
    if (value.type().has_tensor_type() && value.type().tensor_type().has_shape())
      for (TensorShapeProto::Dimension &dim : *value.mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim())
        dim.Clear();
}

/// What a model says of sizes between its inputs and outputs may be wrong, and code would read past ends for believing it. Ranks
/// and element types stay; sizes are inferred from the inputs', which are checked when a program runs.
void forgetDeclaredSizes(GraphProto &graph) {
  forgetSizes(*graph.mutable_value_info());
  for (NodeProto &node : *graph.mutable_node())
    for (AttributeProto &attribute : *node.mutable_attribute()) {
      if (attribute.has_g())
        forgetDeclaredSizes(*attribute.mutable_g());
      for (GraphProto &body : *attribute.mutable_graphs())
        forgetDeclaredSizes(body);
    }
}

/// Where libonnx has no adapter the model stays at its opset: the conversion knows old forms.
void upgrade(ModelProto &model, int64_t &opset, int64_t target) {
  if (opset == 0 || opset >= target)
    return;
  try {
    ModelProto upgraded = version_conversion::ConvertVersion(model, static_cast<int>(target));
    // Values that only other domains' ops make can be lost on the way through libonnx's own graph.
    if (upgraded.graph().output_size() != model.graph().output_size())
      return;
    upgraded.mutable_metadata_props()->CopyFrom(model.metadata_props());
    model.Swap(&upgraded);
    opset = target;
  } catch (const std::exception &) {
  }
}

void inlineBodies(ModelProto &model, const OnnxImportOptions &options) {
  constexpr int kDeepestNesting = 8;
  for (int round = 0; round < kDeepestNesting && inlineSchemaFunctions(model, options); ++round)
    inferTypes(model);
}
} // namespace

llvm::Expected<PreparedModel> qopt::prepareModel(Span file, std::shared_ptr<const void> owner, ExternalData &external,
                                                 const OnnxImportOptions &options) {
  constexpr size_t kSkimBytes = 1024;
  auto skimmed = skim(file, kSkimBytes);
  if (!skimmed)
    return skimmed.takeError();
  PreparedModel out;
  out.proto = std::make_shared<ModelProto>();
  ModelProto &model = *out.proto;
  if (llvm::Error error = parse(skimmed->skeleton, model))
    return error;
  if (llvm::Error error = checkHeader(model, out.opset))
    return error;
  if (llvm::Error error = moveWeightsOut(model, *skimmed, owner, external, out.weights))
    return error;
  if (llvm::Error error = checkOps(model, options))
    return error;
  if (llvm::Error error = guarded("checking it", [&] { checker::check_model(model); }))
    return error;
  if (llvm::Error error = checkUnfoldedSize(model))
    return error;
  forgetDeclaredSizes(*model.mutable_graph());
  forgetSizes(*model.mutable_graph()->mutable_output());
  if (llvm::Error error = guarded("inlining its functions", [&] { inliner::InlineLocalFunctions(model, true); }))
    return error;
  upgrade(model, out.opset, options.targetOpset);
  if (llvm::Error error = guarded("inferring its shapes", [&] { inferTypes(model); }))
    return error;
  if (llvm::Error error = guarded("decomposing its ops", [&] { inlineBodies(model, options); }))
    return error;
  return out;
}
