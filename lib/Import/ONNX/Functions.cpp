#include "Functions.h"

#include "onnx/defs/function.h"
#include "onnx/defs/schema.h"
#include "onnx/inliner/inliner.h"
#include "onnx/onnx_pb.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MathExtras.h"

using namespace qopt;
using namespace onnx;

namespace {
constexpr uint64_t kMostNodes = 4'000'000;

std::string keyOf(const std::string &domain, const std::string &name) { return (domain == "ai.onnx" ? "" : domain) + "/" + name; }

/// Nodes that each function unfolds to, each counted once. Overloads of one name count as the largest of them.
class Unfolding {
public:
  explicit Unfolding(const ModelProto &model) {
    for (const FunctionProto &function : model.functions())
      functions[keyOf(function.domain(), function.name())].push_back(&function);
  }

  template <typename Nodes> uint64_t count(const Nodes &nodes) {
    uint64_t total = 0;
    for (const NodeProto &node : nodes) {
      total = llvm::SaturatingAdd(total, call(keyOf(node.domain(), node.op_type())));
      for (const AttributeProto &attribute : node.attribute()) {
        if (attribute.has_g())
          total = llvm::SaturatingAdd(total, count(attribute.g().node()));
        for (const GraphProto &graph : attribute.graphs())
          total = llvm::SaturatingAdd(total, count(graph.node()));
      }
    }
    return total;
  }

private:
  llvm::StringMap<std::vector<const FunctionProto *>> functions;
  llvm::StringMap<uint64_t> known;

  uint64_t call(const std::string &key) {
    auto found = functions.find(key);
    if (found == functions.end())
      return 1;
    if (auto cached = known.find(key); cached != known.end())
      return cached->second;
    known[key] = 1; // a cycle, which libonnx refuses later, does not trap us
    uint64_t most = 0;
    for (const FunctionProto *function : found->second)
      most = std::max(most, llvm::SaturatingAdd<uint64_t>(1, count(function->node())));
    return known[key] = most;
  }
};
} // namespace

llvm::Error qopt::checkUnfoldedSize(const ModelProto &model) {
  if (Unfolding(model).count(model.graph().node()) > kMostNodes)
    return makeError("its functions unfold to more than " + llvm::Twine(kMostNodes) + " nodes; this is refused");
  return llvm::Error::success();
}

namespace {
class SchemaInliner {
public:
  SchemaInliner(ModelProto &model, const OnnxImportOptions &options) : model(model), options(options) {
    for (const OperatorSetIdProto &opset : model.opset_import())
      versions[opset.domain() == "ai.onnx" ? "" : opset.domain()] = opset.version();
    const GraphProto &graph = model.graph();
    for (const auto *list : {&graph.value_info(), &graph.input(), &graph.output()})
      for (const ValueInfoProto &value : *list)
        types[value.name()] = value.type();
    for (const TensorProto &tensor : graph.initializer()) {
      TypeProto type;
      type.mutable_tensor_type()->set_elem_type(tensor.data_type());
      type.mutable_tensor_type()->mutable_shape();
      for (int64_t dim : tensor.dims())
        type.mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(dim);
      types[tensor.name()] = type;
    }
  }

  size_t run() {
    google::protobuf::RepeatedPtrField<NodeProto> nodes;
    size_t replaced = 0;
    GraphProto &graph = *model.mutable_graph();
    for (NodeProto &node : *graph.mutable_node()) {
      FunctionProto body;
      if (!options.isKnownOp(node.domain() == "ai.onnx" ? "" : node.domain(), node.op_type()) && bodyOf(node, body)) {
        expand(node, body, replaced++, nodes);
        continue;
      }
      *nodes.Add() = node;
    }
    graph.mutable_node()->Swap(&nodes);
    return replaced;
  }

private:
  ModelProto &model;
  const OnnxImportOptions &options;
  llvm::StringMap<int64_t> versions;
  llvm::StringMap<TypeProto> types;

  bool bodyOf(const NodeProto &node, FunctionProto &body) {
    std::string domain = node.domain() == "ai.onnx" ? "" : node.domain();
    auto version = versions.find(domain);
    if (version == versions.end())
      return false;
    const OpSchema *schema = OpSchemaRegistry::Schema(node.op_type(), static_cast<int>(version->second), domain);
    if (!schema)
      return false;
    if (schema->HasFunction())
      if (const FunctionProto *found = schema->GetFunction(static_cast<int>(version->second), false)) {
        body = *found;
        return true;
      }
    if (!schema->HasContextDependentFunction())
      return false;
    std::vector<TypeProto> inputs;
    for (const std::string &input : node.input())
      inputs.push_back(types.lookup(input));
    FunctionBodyBuildContextImpl context(node, inputs);
    return schema->BuildContextDependentFunction(context, body, static_cast<int>(version->second));
  }

  /// Attributes of the body that refer to the call's: replaced by them, by the function's default, or dropped.
  static void bindAttributes(NodeProto &inner, const NodeProto &call, const FunctionProto &body) {
    google::protobuf::RepeatedPtrField<AttributeProto> bound;
    for (AttributeProto &attribute : *inner.mutable_attribute()) {
      if (attribute.ref_attr_name().empty()) {
        if (attribute.has_g())
          for (NodeProto &nested : *attribute.mutable_g()->mutable_node())
            bindAttributes(nested, call, body);
        *bound.Add() = std::move(attribute);
        continue;
      }
      const AttributeProto *value = find(call.attribute(), attribute.ref_attr_name());
      value = value ? value : find(body.attribute_proto(), attribute.ref_attr_name());
      if (!value)
        continue;
      AttributeProto &copy = *bound.Add();
      copy = *value;
      copy.set_name(attribute.name());
    }
    inner.mutable_attribute()->Swap(&bound);
  }

  template <typename Attributes> static const AttributeProto *find(const Attributes &attributes, const std::string &name) {
    for (const AttributeProto &attribute : attributes)
      if (attribute.name() == name)
        return &attribute;
    return nullptr;
  }

  void expand(const NodeProto &call, FunctionProto &body, size_t number, google::protobuf::RepeatedPtrField<NodeProto> &nodes) {
    std::string site = call.name().empty() && call.output_size() ? call.output(0) : call.name();
    inliner::Renamer renamer("qopt_" + std::to_string(nodes.size()) + "_" + std::to_string(number), model.graph());
    for (int i = 0; i < body.input_size(); ++i)
      renamer.BindName(body.input(i), i < call.input_size() ? call.input(i) : "");
    for (int i = 0; i < body.output_size(); ++i) {
      if (i < call.output_size() && !call.output(i).empty())
        renamer.BindName(body.output(i), call.output(i));
      else
        renamer.BindToUniqueName(body.output(i));
    }
    for (NodeProto &inner : *body.mutable_node()) {
      bindAttributes(inner, call, body);
      std::string role = inner.op_type();
      renamer.RenameNode(inner);
      inner.set_name(site + "/" + role + "_" + std::to_string(nodes.size()));
      *nodes.Add() = std::move(inner);
    }
  }
};
} // namespace

size_t qopt::inlineSchemaFunctions(ModelProto &model, const OnnxImportOptions &options) {
  return options.isKnownOp ? SchemaInliner(model, options).run() : 0;
}
