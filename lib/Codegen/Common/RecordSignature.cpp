#include "qopt/Codegen/Common/Passes.h"
#include "qopt/Codegen/Common/Signature.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

namespace qopt {
#define GEN_PASS_DEF_RECORDSIGNATUREPASS
#include "qopt/Codegen/Common/Passes.h.inc"

namespace {

struct RecordSignaturePass : impl::RecordSignaturePassBase<RecordSignaturePass> {
  void runOnOperation() override;
  /// Null after an error.
  Attribute describe(func::FuncOp function, Type type, DictionaryAttr attrs, StringRef fallback, unsigned index);
};

Attribute RecordSignaturePass::describe(func::FuncOp function, Type type, DictionaryAttr attrs, StringRef fallback,
                                        unsigned index) {
  Builder builder(&getContext());
  auto given = attrs ? attrs.getAs<StringAttr>("nn.name") : StringAttr();
  StringAttr name = given ? given : builder.getStringAttr(fallback + Twine(index));
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !dtypeOf(tensor.getElementType())) {
    function.emitError() << "'" << name.getValue() << "' is a " << type
                         << ", but compiled programs take and give ranked tensors of numbers only";
    return {};
  }
  SmallVector<NamedAttribute> fields = {builder.getNamedAttr("name", name),
                                        builder.getNamedAttr("type", TypeAttr::get(type))};
  if (attrs && attrs.get("nn.dims"))
    fields.push_back(builder.getNamedAttr("dim_names", attrs.get("nn.dims")));
  return builder.getDictionaryAttr(fields);
}

void RecordSignaturePass::runOnOperation() {
  ModuleOp module = getOperation();
  if (module->hasAttr(signatureAttrName))
    return;
  auto function = module.lookupSymbol<func::FuncOp>(entryFunctionName);
  if (!function || function.isExternal()) {
    module.emitError() << "there is no function @" << entryFunctionName
                       << " with a body: a model's graph has to stand in one";
    return signalPassFailure();
  }
  Builder builder(&getContext());
  SmallVector<Attribute> inputs, outputs;
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
    inputs.push_back(describe(function, type, function.getArgAttrDict(index), "input", index));
    function.setArgAttr(index, "bufferization.writable", builder.getBoolAttr(false));
  }
  for (auto [index, type] : llvm::enumerate(function.getResultTypes()))
    outputs.push_back(describe(function, type, function.getResultAttrDict(index), "output", index));
  if (llvm::is_contained(inputs, Attribute()) || llvm::is_contained(outputs, Attribute()))
    return signalPassFailure();
  module->setAttr(signatureAttrName,
                  builder.getDictionaryAttr({builder.getNamedAttr("inputs", builder.getArrayAttr(inputs)),
                                             builder.getNamedAttr("outputs", builder.getArrayAttr(outputs))}));
}

} // namespace
} // namespace qopt
