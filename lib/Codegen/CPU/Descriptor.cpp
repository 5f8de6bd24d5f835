#include "qopt/Codegen/CPU/Artifact.h"
#include "qopt/Runtime/Artifact.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace qopt {

std::string toIdentifier(StringRef text) {
  std::string result = text.empty() || isDigit(text[0]) ? "_" : "";
  for (char c : text)
    result += isAlnum(c) ? c : '_';
  return result;
}

std::vector<std::string> kernelNames(mlir::ModuleOp module) {
  std::vector<std::string> names;
  if (auto kernels = module->getAttrOfType<mlir::ArrayAttr>(kernelsAttrName))
    for (auto name : kernels.getAsRange<mlir::StringAttr>())
      names.push_back(name.str());
  return names;
}

namespace {

/// Writes the structs of qopt/Runtime/Artifact.h as constants.
class DescriptorWriter {
public:
  explicit DescriptorWriter(Module &code)
      : code(code), context(code.getContext()), pointer(PointerType::getUnqual(context)),
        null(ConstantPointerNull::get(pointer)) {}

  Constant *number32(uint32_t value) { return ConstantInt::get(Type::getInt32Ty(context), value); }
  Constant *number64(uint64_t value) { return ConstantInt::get(Type::getInt64Ty(context), value); }

  Constant *constant(Constant *value, const Twine &name) {
    auto *global = new GlobalVariable(code, value->getType(), true, GlobalValue::PrivateLinkage, value, name);
    global->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
    return global;
  }
  Constant *text(StringRef value) {
    return constant(ConstantDataArray::getString(context, value), "qopt_text");
  }
  Constant *array(Type *type, ArrayRef<Constant *> elements, const Twine &name) {
    return elements.empty() ? null : constant(ConstantArray::get(ArrayType::get(type, elements.size()), elements), name);
  }
  Constant *texts(ArrayRef<std::string> values, const Twine &name) {
    SmallVector<Constant *> pointers;
    for (const std::string &value : values)
      pointers.push_back(value.empty() ? null : text(value));
    return array(pointer, pointers, name);
  }

  Constant *value(const ValueSpec &spec) {
    SmallVector<Constant *> shape;
    for (int64_t dim : spec.shape)
      shape.push_back(number64(dim));
    return ConstantStruct::getAnon({text(spec.name), number32(uint32_t(spec.dtype)), number32(spec.shape.size()),
                                    array(Type::getInt64Ty(context), shape, "qopt_shape"),
                                    texts({spec.dimNames.begin(), spec.dimNames.end()}, "qopt_dim_names")});
  }
  Constant *values(ArrayRef<ValueSpec> specs, const Twine &name) {
    SmallVector<Constant *> entries;
    for (const ValueSpec &spec : specs)
      entries.push_back(value(spec));
    return entries.empty() ? null : array(entries[0]->getType(), entries, name);
  }

  GlobalVariable *descriptor(const Signature &signature, ArrayRef<std::string> kernels, const CPUTarget &target,
                             const ArtifactInfo &info) {
    auto *api = cast<GlobalVariable>(code.getOrInsertGlobal("qopt_rt_artifact_api", Type::getInt8Ty(context)));
    api->setVisibility(GlobalValue::HiddenVisibility);
    Constant *fields[] = {number32(QOPT_ABI_VERSION),
                          number32(signature.inputs.size()),
                          number32(signature.outputs.size()),
                          number32(kernels.size()),
                          number64(target.required),
                          text(info.model),
                          text(target.name),
                          info.provenance.empty() ? null : text(info.provenance),
                          values(signature.inputs, "qopt_inputs"),
                          values(signature.outputs, "qopt_outputs"),
                          texts(kernels, "qopt_kernel_names"),
                          code.getFunction(entrySymbolName),
                          api};
    Constant *value = ConstantStruct::getAnon(fields);
    return new GlobalVariable(code, value->getType(), true, GlobalValue::ExternalLinkage, value,
                              QOPT_DESCRIPTOR_SYMBOL);
  }

  /// `PREFIX_name(arguments…)` calls `target`, with the descriptor in front where asked.
  void forward(const Twine &name, StringRef target, Type *result, ArrayRef<Type *> arguments, Constant *first) {
    SmallVector<Type *> types;
    if (first)
      types.push_back(pointer);
    types.append(arguments.begin(), arguments.end());
    FunctionCallee callee = code.getOrInsertFunction(target, FunctionType::get(result, types, false));
    auto *function = Function::Create(FunctionType::get(result, arguments, false), GlobalValue::ExternalLinkage, name,
                                      code);
    IRBuilder<> builder(BasicBlock::Create(context, "", function));
    SmallVector<Value *> values;
    if (first)
      values.push_back(first);
    for (Argument &argument : function->args())
      values.push_back(&argument);
    Value *returned = builder.CreateCall(callee, values);
    result->isVoidTy() ? builder.CreateRetVoid() : builder.CreateRet(returned);
  }

  void functions(GlobalVariable *descriptor, const std::string &prefix) {
    Type *i32 = Type::getInt32Ty(context), *i64 = Type::getInt64Ty(context), *none = Type::getVoidTy(context);
    forward(prefix + "_load", "qopt_artifact_load", pointer, {i32, pointer, i64}, descriptor);
    forward(prefix + "_run", "qopt_artifact_run", i32, {pointer, pointer, pointer}, nullptr);
    forward(prefix + "_shape", "qopt_artifact_shape", i32, {i32, i32, pointer, pointer}, descriptor);
    forward(prefix + "_error", "qopt_artifact_error", pointer, {pointer}, nullptr);
    forward(prefix + "_release", "qopt_artifact_release", none, {pointer}, nullptr);
    forward(prefix + "_free", "qopt_artifact_free", none, {pointer}, nullptr);
  }

private:
  Module &code;
  LLVMContext &context;
  PointerType *pointer;
  Constant *null;
};

} // namespace

void addDescriptor(Module &code, const Signature &signature, ArrayRef<std::string> kernels, const CPUTarget &target,
                   const ArtifactInfo &info) {
  DescriptorWriter writer(code);
  writer.functions(writer.descriptor(signature, kernels, target, info), info.prefix);
}

} // namespace qopt
