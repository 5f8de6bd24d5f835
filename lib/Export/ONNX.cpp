#include "qopt/Export/ONNX.h"

#include "OnnxNodes.h"
#include "OnnxProto.h"

#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Support/AtomicFile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSet.h"

#include <onnx/checker.h>

using namespace mlir;
using qopt::NodeForm;

namespace {

/// Builds the GraphProto of one function. Names: ONNX's for inputs and outputs, the site's for everything else.
class GraphWriter {
public:
  GraphWriter(func::FuncOp func, onnx::GraphProto &graph) : func(func), graph(graph) {}

  llvm::Error write() {
    graph.set_name("main");
    for (BlockArgument arg : func.getArguments())
      addInput(arg);
    Operation *end = func.getBody().front().getTerminator();
    reserveOutputs(end);
    for (Operation &op : func.getBody().front())
      if (&op != end)
        if (llvm::Error error = addOp(op))
          return error;
    return addOutputs(end);
  }
  int64_t opset() const { return neededOpset; }

private:
  static std::vector<std::string> dimNames(DictionaryAttr attrs) {
    std::vector<std::string> names;
    if (auto dims = attrs ? attrs.getAs<ArrayAttr>("nn.dims") : ArrayAttr())
      for (Attribute name : dims)
        names.push_back(isa<StringAttr>(name) ? cast<StringAttr>(name).str() : "");
    return names;
  }
  static std::string valueName(DictionaryAttr attrs, const std::string &otherwise) {
    auto name = attrs ? attrs.getAs<StringAttr>("nn.name") : StringAttr();
    return name ? name.str() : otherwise;
  }

  void addInput(BlockArgument arg) {
    DictionaryAttr attrs = func.getArgAttrDict(arg.getArgNumber());
    std::string name = unique(valueName(attrs, "input_" + std::to_string(arg.getArgNumber())));
    auto *info = graph.add_input();
    info->set_name(name);
    qopt::setTensorType(*info, cast<RankedTensorType>(arg.getType()), dimNames(attrs));
    names[arg] = name;
  }

  std::string outputName(unsigned index) { return valueName(func.getResultAttrDict(index), "output_" + std::to_string(index)); }

  void reserveOutputs(Operation *end) {
    for (auto [index, value] : llvm::enumerate(end->getOperands()))
      if (std::string name = outputName(index); !names.count(value) && taken.insert(name).second)
        names[value] = name;
  }

  llvm::Error addOutputs(Operation *end) {
    for (auto [index, value] : llvm::enumerate(end->getOperands())) {
      std::string name = outputName(index);
      if (names[value] != name) { // An input or another output under a second name.
        onnx::NodeProto *node = graph.add_node();
        node->set_op_type("Identity");
        node->add_input(names[value]);
        node->add_output(name);
      }
      auto *info = graph.add_output();
      info->set_name(name);
      qopt::setTensorType(*info, cast<RankedTensorType>(value.getType()), dimNames(func.getResultAttrDict(index)));
    }
    return llvm::Error::success();
  }

  llvm::Error addOp(Operation &op) {
    if (auto constant = dyn_cast<qopt::nn::ConstantOp>(op)) {
      std::string name = nameOf(constant.getResult());
      auto *tensor = graph.add_initializer();
      tensor->set_name(name);
      if (llvm::Error error = qopt::setTensor(*tensor, constant.getValue()))
        return fail(op, llvm::toString(std::move(error)));
      return llvm::Error::success();
    }
    auto [form, reason] = qopt::onnxForm(&op);
    if (!form)
      return fail(op, reason);
    return addNode(op, *form);
  }

  llvm::Error addNode(Operation &op, const NodeForm &form) {
    neededOpset = std::max(neededOpset, form.opset);
    onnx::NodeProto *node = graph.add_node();
    node->set_op_type(form.opType);
    for (const NodeForm::Input &input : form.inputs)
      node->add_input(inputName(input));
    while (node->input_size() > 0 && node->input(node->input_size() - 1).empty())
      node->mutable_input()->RemoveLast();
    for (Value result : op.getResults())
      node->add_output(nameOf(result));
    node->set_name(node->output_size() ? node->output(0) : form.opType);
    for (const auto &[name, value] : form.attributes)
      if (llvm::Error error = addAttribute(op, *node, name, value))
        return error;
    return llvm::Error::success();
  }

  llvm::Error addAttribute(Operation &op, onnx::NodeProto &node, const std::string &name, Attribute value) {
    onnx::AttributeProto *attribute = node.add_attribute();
    if (auto elements = dyn_cast<ElementsAttr>(value)) {
      attribute->set_name(name);
      attribute->set_type(onnx::AttributeProto::TENSOR);
      if (llvm::Error error = qopt::setTensor(*attribute->mutable_t(), elements))
        return fail(op, llvm::toString(std::move(error)));
      return llvm::Error::success();
    }
    if (!qopt::setAttribute(*attribute, name, value))
      return fail(op, "its attribute '" + name + "' has no form in ONNX");
    return llvm::Error::success();
  }

  std::string inputName(const NodeForm::Input &input) {
    if (input.value)
      return nameOf(input.value);
    if (input.elements)
      return addConstant(input.elements);
    if (!input.integers && !input.scalar)
      return "";
    std::vector<int64_t> values = input.integers ? *input.integers : std::vector<int64_t>{*input.scalar};
    auto *tensor = graph.add_initializer();
    tensor->set_name(unique("const"));
    tensor->set_data_type(onnx::TensorProto::INT64);
    if (input.integers)
      tensor->add_dims(static_cast<int64_t>(values.size()));
    tensor->set_raw_data(values.data(), values.size() * sizeof(int64_t));
    return tensor->name();
  }

  /// Each use has its own: ONNX Runtime stumbles over a zero point that several weights share.
  std::string addConstant(ElementsAttr elements) {
    auto *tensor = graph.add_initializer();
    tensor->set_name(unique("const"));
    llvm::cantFail(qopt::setTensor(*tensor, elements)); // They are dense and of a type that ONNX has.
    return tensor->name();
  }

  std::string nameOf(Value value) {
    std::string &name = names[value];
    if (name.empty()) {
      std::string base = siteName(value.getLoc());
      if (Operation *op = value.getDefiningOp())
        if (isa<qopt::nn::ConstantOp>(op) || op->getName().getDialectNamespace() == "qopt" || base.empty())
          base += (base.empty() ? "" : "_") + op->getName().stripDialect().str();
      name = unique(base);
    }
    return name;
  }

  static std::string siteName(Location loc) {
    if (auto named = dyn_cast<NameLoc>(loc))
      return named.getName().str();
    if (auto fused = dyn_cast<FusedLoc>(loc))
      for (Location part : fused.getLocations())
        if (std::string name = siteName(part); !name.empty())
          return name;
    return "";
  }

  std::string unique(const std::string &base) {
    std::string name = base;
    for (int &i = suffix[base]; !taken.insert(name).second;)
      name = base + "_" + std::to_string(++i);
    return name;
  }

  static llvm::Error fail(Operation &op, const llvm::Twine &why) {
    std::string site = siteName(op.getLoc());
    return llvm::createStringError("node '" + (site.empty() ? op.getName().getStringRef().str() : site) +
                                   "' cannot be exported to ONNX: " + why);
  }

  func::FuncOp func;
  onnx::GraphProto &graph;
  llvm::DenseMap<Value, std::string> names;
  llvm::StringSet<> taken;
  llvm::StringMap<int> suffix;
  int64_t neededOpset = 21;
};

constexpr uint64_t kProtobufLimit = uint64_t{2000} << 20;
constexpr size_t kExternalFrom = 1024; ///< smaller tensors stay in the model file

uint64_t tensorBytes(const onnx::GraphProto &graph) {
  uint64_t bytes = 0;
  for (const auto &tensor : graph.initializer())
    bytes += tensor.raw_data().size();
  return bytes;
}

/// Moves large tensors to a file of their own.
llvm::Error moveOut(onnx::GraphProto &graph, llvm::raw_ostream &os, const std::string &location) {
  uint64_t offset = 0;
  for (auto &tensor : *graph.mutable_initializer()) {
    size_t length = tensor.raw_data().size();
    if (length < kExternalFrom)
      continue;
    os << tensor.raw_data();
    auto entry = [&](const char *key, const std::string &value) {
      auto *e = tensor.add_external_data();
      e->set_key(key);
      e->set_value(value);
    };
    entry("location", location);
    entry("offset", std::to_string(offset));
    entry("length", std::to_string(length));
    tensor.clear_raw_data();
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    offset += length;
  }
  return llvm::Error::success();
}

llvm::Error check(const onnx::ModelProto &model, llvm::StringRef path) {
  try {
    onnx::checker::check_model(model);
  } catch (const std::exception &problem) {
    return llvm::createStringError(path + ": the exported model does not pass ONNX's checker (a bug of qopt): " + problem.what());
  }
  return llvm::Error::success();
}

} // namespace

/// What the model came with, then what is known of its quantization.
static void addMetadata(onnx::ModelProto &model, ModuleOp module, const qopt::OnnxExportOptions &options) {
  auto add = [&](llvm::StringRef key, llvm::StringRef value) {
    auto *entry = model.add_metadata_props();
    entry->set_key(key.str());
    entry->set_value(value.str());
  };
  if (auto kept = module->getAttrOfType<DictionaryAttr>("onnx.metadata"))
    for (NamedAttribute entry : kept)
      if (auto value = dyn_cast<StringAttr>(entry.getValue());
          value && llvm::none_of(options.metadata, [&](const auto &own) { return own.first == entry.getName(); }))
        add(entry.getName(), value);
  for (const auto &[key, value] : options.metadata)
    add(key, value);
}

/// The version of the file format that came with an opset.
static int64_t irVersionOf(int64_t opset) { return opset >= 25 ? 13 : opset == 24 ? 12 : opset == 23 ? 11 : 10; }

llvm::Error qopt::exportOnnx(ModuleOp module, llvm::StringRef path, const qopt::OnnxExportOptions &options) {
  auto func = module.lookupSymbol<func::FuncOp>("main");
  if (!func || !func.getBody().hasOneBlock())
    return llvm::createStringError(path + ": the module has no function @main of one block to export");
  onnx::ModelProto model;
  GraphWriter writer(func, *model.mutable_graph());
  if (llvm::Error error = writer.write())
    return error;
  model.set_ir_version(irVersionOf(writer.opset()));
  model.set_producer_name(options.producer);
  model.set_producer_version(options.version);
  auto *opset = model.add_opset_import();
  opset->set_domain("");
  opset->set_version(writer.opset());
  addMetadata(model, module, options);

  std::unique_ptr<AtomicFile> data;
  if (tensorBytes(model.graph()) > kProtobufLimit) {
    std::string name = (path + ".data").str();
    auto file = AtomicFile::create(name, options.inputs);
    if (!file)
      return file.takeError();
    data = std::move(*file);
    if (llvm::Error error = moveOut(*model.mutable_graph(), data->os(), llvm::StringRef(name).rsplit('/').second.empty()
                                                                            ? name
                                                                            : llvm::StringRef(name).rsplit('/').second.str()))
      return error;
  } else if (llvm::Error error = check(model, path)) {
    return error;
  }
  auto file = AtomicFile::create(path, options.inputs);
  if (!file)
    return file.takeError();
  std::string bytes;
  if (!model.SerializeToString(&bytes))
    return llvm::createStringError(path + ": the model is too large for protobuf");
  (*file)->os() << bytes;
  if (data)
    if (llvm::Error error = data->commit())
      return error;
  return (*file)->commit();
}
