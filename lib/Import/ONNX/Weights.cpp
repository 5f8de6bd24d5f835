#include "Weights.h"

#include "onnx/onnx_pb.h"

#include "llvm/ADT/StringSet.h"

using namespace qopt;
using namespace onnx;

namespace {
/// Larger tensors stay out of libonnx. Shape arithmetic, which libonnx folds, works on smaller ones.
constexpr int64_t kKeepBytes = 1024;

class Mover {
public:
  Mover(const SkimmedModel &skimmed, std::shared_ptr<const void> owner, ExternalData &external, llvm::StringMap<Tensor> &weights)
      : skimmed(skimmed), owner(std::move(owner)), external(external), weights(weights) {}

  llvm::Error run(ModelProto &model) {
    GraphProto &graph = *model.mutable_graph();
    if (llvm::Error error = moveInitializers(graph))
      return error;
    if (llvm::Error error = moveConstants(graph))
      return error;
    for (FunctionProto &function : *model.mutable_functions())
      for (NodeProto &node : *function.mutable_node())
        if (llvm::Error error = checkNode(node))
          return error;
    return llvm::Error::success();
  }

private:
  const SkimmedModel &skimmed;
  std::shared_ptr<const void> owner;
  ExternalData &external;
  llvm::StringMap<Tensor> &weights;

  std::optional<Span> cutOf(size_t initializer) const {
    auto found = skimmed.initializers.find(initializer);
    return found == skimmed.initializers.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<Span> cutOf(size_t node, size_t attribute) const {
    auto found = skimmed.attributes.find({node, attribute});
    return found == skimmed.attributes.end() ? std::nullopt : std::optional(found->second);
  }

  static bool isExternal(const TensorProto &tensor) {
    return tensor.data_location() == TensorProto::EXTERNAL || tensor.external_data_size() != 0;
  }

  llvm::Error take(GraphProto &graph, const std::string &name, const TensorProto &proto, Tensor tensor) {
    if (!weights.try_emplace(name, std::move(tensor)).second)
      return makeError("tensor '" + name + "' is defined twice");
    for (const ValueInfoProto &input : graph.input())
      if (input.name() == name)
        return sameType(input, proto);
    ValueInfoProto &input = *graph.add_input();
    input.set_name(name);
    TypeProto::Tensor &type = *input.mutable_type()->mutable_tensor_type();
    type.set_elem_type(proto.data_type());
    type.mutable_shape();
    for (int64_t dim : proto.dims())
      type.mutable_shape()->add_dim()->set_dim_value(dim);
    return llvm::Error::success();
  }

  static llvm::Error sameType(const ValueInfoProto &input, const TensorProto &proto) {
    const TypeProto::Tensor &type = input.type().tensor_type();
    bool same = type.elem_type() == proto.data_type();
    if (type.has_shape()) {
      same &= type.shape().dim_size() == proto.dims_size();
      for (int i = 0; same && i < proto.dims_size(); ++i)
        same = !type.shape().dim(i).has_dim_value() || type.shape().dim(i).dim_value() == proto.dims(i);
    }
    return same ? llvm::Error::success()
                : makeError(describe(proto) + " is an input and an initializer of different types");
  }

  llvm::Error moveInitializers(GraphProto &graph) {
    google::protobuf::RepeatedPtrField<TensorProto> kept;
    llvm::StringSet<> names;
    if (graph.sparse_initializer_size())
      return makeError("the model has sparse initializers, which are unsupported; make them dense");
    for (int i = 0; i < graph.initializer_size(); ++i) {
      TensorProto &proto = *graph.mutable_initializer(i);
      if (proto.name().empty())
        return makeError("an initializer has no name");
      if (!names.insert(proto.name()).second)
        return makeError(describe(proto) + " is defined twice");
      auto tensor = readTensor(proto, cutOf(i), owner, external);
      if (!tensor)
        return tensor.takeError();
      if (proto.data_type() == TensorProto::STRING || (!cutOf(i) && !isExternal(proto) && tensor->numBytes() <= kKeepBytes))
        *kept.Add() = std::move(proto);
      else if (llvm::Error error = take(graph, proto.name(), proto, std::move(*tensor)))
        return error;
    }
    graph.mutable_initializer()->Swap(&kept);
    return llvm::Error::success();
  }

  llvm::Error moveConstants(GraphProto &graph) {
    google::protobuf::RepeatedPtrField<NodeProto> kept;
    for (int n = 0; n < graph.node_size(); ++n) {
      NodeProto &node = *graph.mutable_node(n);
      bool isConstant = node.op_type() == "Constant" && node.output_size() == 1 && node.attribute_size() == 1 &&
                        (node.domain().empty() || node.domain() == "ai.onnx") && node.attribute(0).has_t();
      if (!isConstant) {
        for (int a = 0; a < node.attribute_size(); ++a)
          if (llvm::Error error = checkAttribute(*node.mutable_attribute(a), cutOf(n, a)))
            return error;
        *kept.Add() = std::move(node);
        continue;
      }
      TensorProto &proto = *node.mutable_attribute(0)->mutable_t();
      auto tensor = readTensor(proto, cutOf(n, 0), owner, external);
      if (!tensor)
        return makeError("the Constant of '" + node.output(0) + "': " + llvm::toString(tensor.takeError()));
      if (proto.data_type() == TensorProto::STRING || (!cutOf(n, 0) && !isExternal(proto) && tensor->numBytes() <= kKeepBytes))
        *kept.Add() = std::move(node);
      else if (llvm::Error error = take(graph, node.output(0), proto, std::move(*tensor)))
        return error;
    }
    graph.mutable_node()->Swap(&kept);
    return llvm::Error::success();
  }

  /// Checks a tensor that stays in the model; cut or external bytes come back in.
  llvm::Error checkTensor(TensorProto &proto, std::optional<Span> cut = std::nullopt) {
    bool bringIn = cut || isExternal(proto);
    auto tensor = readTensor(proto, cut, owner, external);
    if (!tensor)
      return tensor.takeError();
    if (!bringIn)
      return llvm::Error::success();
    if (cut) {
      proto.set_raw_data(cut->data(), cut->size());
      return llvm::Error::success();
    }
    auto bytes = external.read(proto, packedBytes(tensor->dtype(), tensor->numElements()));
    if (!bytes)
      return bytes.takeError();
    proto.clear_external_data();
    proto.clear_data_location();
    proto.set_raw_data(bytes->first.data(), bytes->first.size());
    return llvm::Error::success();
  }

  llvm::Error checkAttribute(AttributeProto &attribute, std::optional<Span> cut = std::nullopt) {
    if (attribute.has_t())
      if (llvm::Error error = checkTensor(*attribute.mutable_t(), cut))
        return error;
    for (TensorProto &tensor : *attribute.mutable_tensors())
      if (llvm::Error error = checkTensor(tensor))
        return error;
    if (attribute.has_sparse_tensor())
      if (llvm::Error error = checkSparse(*attribute.mutable_sparse_tensor()))
        return error;
    for (SparseTensorProto &sparse : *attribute.mutable_sparse_tensors())
      if (llvm::Error error = checkSparse(sparse))
        return error;
    if (attribute.has_g())
      if (llvm::Error error = checkGraph(*attribute.mutable_g()))
        return error;
    for (GraphProto &graph : *attribute.mutable_graphs())
      if (llvm::Error error = checkGraph(graph))
        return error;
    return llvm::Error::success();
  }

  llvm::Error checkSparse(SparseTensorProto &sparse) {
    if (sparse.has_values())
      if (llvm::Error error = checkTensor(*sparse.mutable_values()))
        return error;
    return sparse.has_indices() ? checkTensor(*sparse.mutable_indices()) : llvm::Error::success();
  }

  llvm::Error checkNode(NodeProto &node) {
    for (AttributeProto &attribute : *node.mutable_attribute())
      if (llvm::Error error = checkAttribute(attribute))
        return error;
    return llvm::Error::success();
  }

  // Protobuf's own limit of 100 levels bounds the recursion.
  llvm::Error checkGraph(GraphProto &graph) {
    for (TensorProto &tensor : *graph.mutable_initializer())
      if (llvm::Error error = checkTensor(tensor))
        return error;
    for (SparseTensorProto &sparse : *graph.mutable_sparse_initializer())
      if (llvm::Error error = checkSparse(sparse))
        return error;
    for (NodeProto &node : *graph.mutable_node())
      if (llvm::Error error = checkNode(node))
        return error;
    return llvm::Error::success();
  }
};
} // namespace

llvm::Error qopt::moveWeightsOut(ModelProto &model, const SkimmedModel &skimmed, std::shared_ptr<const void> owner,
                                 ExternalData &external, llvm::StringMap<Tensor> &weights) {
  return Mover(skimmed, std::move(owner), external, weights).run(model);
}
