#include "Emit.h"

#include "qopt/Dialect/NN/IR/Constants.h"
#include "qopt/Dialect/ONNXRaw/IR/ONNXRaw.h"

#include "onnx/defs/schema.h"
#include "onnx/onnx_pb.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace qopt;

namespace {
class NoExternalData : public ExternalData {
  llvm::Expected<std::pair<Span, std::shared_ptr<const void>>> read(const onnx::TensorProto &, uint64_t) override {
    return makeError("points to external data after these were read");
  }
};

class Emitter {
public:
  Emitter(PreparedModel &model, StringRef path, MLIRContext *context)
      : model(model), path(path), context(context), builder(context), file(FileLineColLoc::get(context, path, 0, 0)) {
    for (const onnx::OperatorSetIdProto &opset : model.proto->opset_import())
      versions[opset.domain() == "ai.onnx" ? "" : opset.domain()] = opset.version();
  }

  OwningOpRef<ModuleOp> run() {
    const onnx::GraphProto &graph = model.proto->graph();
    OwningOpRef<ModuleOp> module = ModuleOp::create(file);
    SmallVector<Type> inputs;
    SmallVector<const onnx::ValueInfoProto *> arguments;
    for (const onnx::ValueInfoProto &input : graph.input())
      if (!isConstant(input.name())) {
        arguments.push_back(&input);
        inputs.push_back(typeOf(input.type()));
      }
    builder.setInsertionPointToEnd(module->getBody());
    auto function = func::FuncOp::create(builder, file, "main", builder.getFunctionType(inputs, {}));
    Block *entry = function.addEntryBlock();
    builder.setInsertionPointToEnd(entry);
    values.emplace_back();
    for (auto [info, argument] : llvm::zip_equal(arguments, entry->getArguments())) {
      if (!define(info->name(), argument))
        return {};
      for (NamedAttribute attribute : describeValue(info->name(), info->type()))
        function.setArgAttr(argument.getArgNumber(), attribute.getName(), attribute.getValue());
    }
    collectTypes(graph);
    if (!emitInitializers(graph) || !emitNodes(graph))
      return {};
    SmallVector<Value> results;
    for (const onnx::ValueInfoProto &output : graph.output()) {
      Value value = lookup(output.name());
      if (!value) {
        fail("output '" + output.name() + "' is made by no node");
        return {};
      }
      results.push_back(value);
    }
    func::ReturnOp::create(builder, file, results);
    function.setType(builder.getFunctionType(inputs, ValueRange(results).getTypes()));
    for (auto [i, output] : llvm::enumerate(graph.output()))
      for (NamedAttribute attribute : describeValue(output.name(), output.type()))
        function.setResultAttr(i, attribute.getName(), attribute.getValue());
    (*module)->setAttr("onnx.opset", builder.getI64IntegerAttr(model.opset));
    if (!model.proto->producer_name().empty())
      (*module)->setAttr("onnx.producer", builder.getStringAttr(model.proto->producer_name()));
    NamedAttrList metadata;
    for (const auto &entry : model.proto->metadata_props())
      if (!entry.key().empty())
        metadata.set(entry.key(), builder.getStringAttr(entry.value()));
    if (!metadata.empty())
      (*module)->setAttr("onnx.metadata", metadata.getDictionary(context));
    return module;
  }

private:
  PreparedModel &model;
  StringRef path;
  MLIRContext *context;
  OpBuilder builder;
  Location file;
  llvm::StringMap<int64_t> versions;
  /// Innermost scope last.
  SmallVector<llvm::StringMap<Value>> values;
  llvm::StringMap<Type> types;
  NoExternalData noExternal;

  bool fail(const Twine &sentence, std::optional<Location> loc = std::nullopt) {
    emitError(loc.value_or(file)) << path << ": " << sentence;
    return false;
  }

  bool isConstant(const std::string &name) const {
    return model.weights.contains(name) ||
           llvm::any_of(model.proto->graph().initializer(), [&](const auto &tensor) { return tensor.name() == name; });
  }

  Value lookup(StringRef name) {
    for (auto &scope : llvm::reverse(values))
      if (auto found = scope.find(name); found != scope.end())
        return found->second;
    return {};
  }

  bool define(const std::string &name, Value value) {
    if (!values.back().try_emplace(name, value).second)
      return fail("value '" + name + "' is defined twice");
    return true;
  }

  /// `none` for what no tensor type can say (sequences, maps, strings, an unknown element type).
  Type typeOf(const onnx::TypeProto &type) {
    if (!type.has_tensor_type() || !isKnownDType(type.tensor_type().elem_type()))
      return builder.getNoneType();
    Type element = nn::elementTypeOf(static_cast<DType>(type.tensor_type().elem_type()), context);
    if (!element)
      return builder.getNoneType();
    if (!type.tensor_type().has_shape() || type.tensor_type().shape().dim_size() > 64)
      return UnrankedTensorType::get(element);
    SmallVector<int64_t> dims;
    for (const auto &dim : type.tensor_type().shape().dim())
      dims.push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : ShapedType::kDynamic);
    return RankedTensorType::get(dims, element);
  }

  SmallVector<NamedAttribute> describeValue(const std::string &name, const onnx::TypeProto &type) {
    SmallVector<NamedAttribute> out = {builder.getNamedAttr("nn.name", builder.getStringAttr(name))};
    SmallVector<Attribute> dims;
    for (const auto &dim : type.tensor_type().shape().dim()) {
      bool isStatic = dim.has_dim_value() && dim.dim_value() >= 0;
      dims.push_back(builder.getStringAttr(isStatic ? "" : dim.dim_param().empty() ? "?" : dim.dim_param()));
    }
    if (type.tensor_type().has_shape())
      out.push_back(builder.getNamedAttr("nn.dims", builder.getArrayAttr(dims)));
    return out;
  }

  void collectTypes(const onnx::GraphProto &graph) {
    for (const auto *list : {&graph.value_info(), &graph.output()})
      for (const onnx::ValueInfoProto &value : *list)
        types[value.name()] = typeOf(value.type());
  }

  bool emitInitializer(const std::string &name, const Tensor &tensor) {
    Location loc = NameLoc::get(builder.getStringAttr(name), file);
    ElementsAttr elements = nn::elementsOf(tensor, context, name);
    if (!elements) // strings: an absent operand for the ops, none of which has an nn form
      return define(name, onnxraw::NoneOp::create(builder, loc, builder.getNoneType()));
    return define(name, onnxraw::InitializerOp::create(builder, loc, name, elements));
  }

  bool emitInitializers(const onnx::GraphProto &graph) {
    // In the order of the graph's inputs: the weights were put there.
    if (values.size() == 1)
      for (const onnx::ValueInfoProto &input : graph.input())
        if (auto found = model.weights.find(input.name()); found != model.weights.end())
          if (!emitInitializer(input.name(), found->second))
            return false;
    for (const onnx::TensorProto &proto : graph.initializer()) {
      auto tensor = readTensor(proto, std::nullopt, nullptr, noExternal);
      if (!tensor)
        return fail(llvm::toString(tensor.takeError()));
      if (!emitInitializer(proto.name(), *tensor))
        return false;
    }
    return true;
  }

  bool emitNodes(const onnx::GraphProto &graph) {
    for (const onnx::NodeProto &node : graph.node())
      if (!emitNode(node))
        return false;
    return true;
  }

  std::string siteOf(const onnx::NodeProto &node) {
    if (!node.name().empty())
      return node.name();
    for (const std::string &output : node.output())
      if (!output.empty())
        return output;
    return node.op_type();
  }

  int64_t versionOf(const onnx::NodeProto &node) {
    std::string domain = node.domain() == "ai.onnx" ? "" : node.domain();
    int64_t version = versions.lookup(domain);
    const onnx::OpSchema *schema = onnx::OpSchemaRegistry::Schema(node.op_type(), static_cast<int>(version), domain);
    return schema ? schema->SinceVersion() : version;
  }

  bool emitNode(const onnx::NodeProto &node) {
    std::string site = siteOf(node);
    Location loc = NameLoc::get(builder.getStringAttr(site), file);
    std::string what = "node '" + site + "' (" + node.op_type() + ")";
    SmallVector<Value> operands;
    for (const std::string &input : node.input()) {
      Value value = input.empty() ? Value(onnxraw::NoneOp::create(builder, loc, builder.getNoneType())) : lookup(input);
      if (!value)
        return fail(what + " reads '" + input + "', which no earlier node makes", loc);
      operands.push_back(value);
    }
    SmallVector<Type> results;
    for (const std::string &output : node.output()) {
      auto type = types.find(output);
      results.push_back(type == types.end() ? builder.getNoneType() : type->second);
    }
    SmallVector<NamedAttribute> attributes;
    SmallVector<std::pair<std::string, const onnx::GraphProto *>> graphs;
    for (const onnx::AttributeProto &attribute : node.attribute()) {
      if (attribute.type() == onnx::AttributeProto::GRAPH) {
        graphs.emplace_back(attribute.name(), &attribute.g());
        continue;
      }
      Attribute value = convert(attribute, what, loc);
      if (!value)
        return false;
      attributes.push_back(builder.getNamedAttr(attribute.name(), value));
    }
    SmallVector<StringRef> regionNames;
    for (auto &[name, graph] : graphs)
      regionNames.push_back(name);
    auto op = onnxraw::NodeOp::create(
        builder, loc, results, builder.getStringAttr(node.op_type()), operands,
        builder.getStringAttr(node.domain() == "ai.onnx" ? "" : node.domain()), builder.getI64IntegerAttr(versionOf(node)),
        attributes.empty() ? DictionaryAttr() : builder.getDictionaryAttr(attributes),
        regionNames.empty() ? ArrayAttr() : builder.getStrArrayAttr(regionNames), static_cast<unsigned>(graphs.size()));
    for (auto [region, named] : llvm::zip_equal(op.getBodies(), graphs))
      if (!emitBody(region, *named.second, loc))
        return false;
    for (auto [name, value] : llvm::zip_equal(node.output(), op.getOutputs()))
      if (!name.empty() && !define(name, value))
        return false;
    return true;
  }

  bool emitBody(Region &region, const onnx::GraphProto &graph, Location loc) {
    OpBuilder::InsertionGuard guard(builder);
    Block *block = builder.createBlock(&region);
    values.emplace_back();
    collectTypes(graph);
    for (const onnx::ValueInfoProto &input : graph.input())
      if (!define(input.name(), block->addArgument(typeOf(input.type()), loc)))
        return false;
    if (!emitInitializers(graph) || !emitNodes(graph))
      return false;
    SmallVector<Value> results;
    for (const onnx::ValueInfoProto &output : graph.output()) {
      Value value = lookup(output.name());
      if (!value)
        return fail("output '" + output.name() + "' of a subgraph is made by no node", loc);
      results.push_back(value);
    }
    onnxraw::YieldOp::create(builder, loc, results);
    values.pop_back();
    return true;
  }

  Attribute convert(const onnx::AttributeProto &attribute, const std::string &what, Location loc) {
    using Proto = onnx::AttributeProto;
    switch (attribute.type()) {
    case Proto::FLOAT:
      return builder.getF32FloatAttr(attribute.f());
    case Proto::INT:
      return builder.getI64IntegerAttr(attribute.i());
    case Proto::STRING:
      return builder.getStringAttr(attribute.s());
    case Proto::FLOATS:
      return builder.getDenseF32ArrayAttr(SmallVector<float>(attribute.floats().begin(), attribute.floats().end()));
    case Proto::INTS:
      return builder.getDenseI64ArrayAttr(SmallVector<int64_t>(attribute.ints().begin(), attribute.ints().end()));
    case Proto::STRINGS: {
      SmallVector<StringRef> strings(attribute.strings().begin(), attribute.strings().end());
      return builder.getStrArrayAttr(strings);
    }
    case Proto::TYPE_PROTO:
      return TypeAttr::get(typeOf(attribute.tp()));
    case Proto::TENSOR: {
      auto tensor = readTensor(attribute.t(), std::nullopt, nullptr, noExternal);
      if (!tensor) {
        fail(what + ", attribute '" + attribute.name() + "': " + llvm::toString(tensor.takeError()), loc);
        return {};
      }
      ElementsAttr elements = nn::elementsOf(*tensor, context, attribute.name());
      return elements ? Attribute(elements) : builder.getUnitAttr();
    }
    default: // sparse tensors, lists of tensors, graphs or types: no op with an nn form has them
      return builder.getUnitAttr();
    }
  }
};
} // namespace

OwningOpRef<ModuleOp> qopt::emitModule(PreparedModel &model, StringRef path, MLIRContext *context) {
  return Emitter(model, path, context).run();
}
