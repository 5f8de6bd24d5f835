#include "UnknownOps.h"

#include "qopt/Support/UnsupportedOps.h"

#include "onnx/defs/schema.h"
#include "onnx/onnx_pb.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace qopt;
using namespace onnx;

namespace {

std::string plainDomain(const std::string &domain) { return domain == "ai.onnx" ? "" : domain; }

/// What is known of the ops that one model names.
class OpSearch {
public:
  OpSearch(const ModelProto &model, const OnnxImportOptions &options) : options(options) {
    for (const OperatorSetIdProto &import : model.opset_import())
      versions[plainDomain(import.domain())] = import.version();
    for (const FunctionProto &function : model.functions())
      functions.insert(plainDomain(function.domain()) + "/" + function.name());
    search(model.graph().node(), "");
    for (const FunctionProto &function : model.functions())
      search(function.node(), function.name() + "/");
  }

  bool anyUnknown = false; ///< one that ONNX itself does not know, so that libonnx's checker would refuse the model
  UnsupportedOps unsupported;

private:
  template <typename Nodes> void search(const Nodes &nodes, const std::string &within) {
    for (const NodeProto &node : nodes) {
      judge(node, within);
      for (const AttributeProto &attribute : node.attribute()) {
        if (attribute.has_g())
          search(attribute.g().node(), within);
        for (const GraphProto &graph : attribute.graphs())
          search(graph.node(), within);
      }
    }
  }

  void judge(const NodeProto &node, const std::string &within) {
    std::string domain = plainDomain(node.domain());
    if (functions.contains(domain + "/" + node.op_type()))
      return;
    std::string name = node.name().empty() && node.output_size() ? node.output(0) : node.name();
    auto add = [&](const std::string &why = "") { unsupported.add(domain, node.op_type(), within + name, why); };
    const OpSchema *newest = OpSchemaRegistry::Schema(node.op_type(), domain);
    if (newest && newest->Deprecated())
      return; // What replaced it may be known.
    auto version = versions.find(domain);
    if (isOnnxDomain(domain)) {
      bool tooNew = newest && version != versions.end() &&
                    !OpSchemaRegistry::Schema(node.op_type(), static_cast<int>(version->second), domain);
      anyUnknown |= !newest || tooNew;
      if (tooNew)
        return add("not in opset " + std::to_string(version->second));
    }
    if (options.isKnownOp && options.isKnownOp(domain, node.op_type()))
      return;
    bool isDecomposed = newest && (newest->HasFunction() || newest->HasContextDependentFunction());
    if (!newest || (options.isKnownOp && !isDecomposed))
      add();
  }

  static bool isOnnxDomain(const std::string &domain) {
    const auto &ranges = OpSchemaRegistry::DomainToVersionRange::Instance().Map();
    return ranges.find(domain) != ranges.end();
  }

  const OnnxImportOptions &options;
  llvm::StringMap<int64_t> versions;
  llvm::StringSet<> functions;
};

} // namespace

llvm::Error qopt::checkOps(const ModelProto &model, const OnnxImportOptions &options) {
  OpSearch search(model, options);
  return search.anyUnknown ? makeError(search.unsupported.sentence()) : llvm::Error::success();
}
