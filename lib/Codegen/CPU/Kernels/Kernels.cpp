#include "Kernels.h"
#include "qopt/Codegen/CPU/Runtime.h"

using namespace mlir;
using namespace qopt::qcpu;

static StringRef kindName(KernelKind kind) {
  switch (kind) {
  case KernelKind::Gemm:
    return "gemm";
  case KernelKind::Batch:
    return "batch";
  case KernelKind::BatchTransposed:
    return "batch_t";
  case KernelKind::Conv:
    return "conv";
  case KernelKind::Depthwise:
    return "depthwise";
  }
  return "";
}

/// Which arguments are pointers, as one letter each ('p' or 'i').
static std::string signature(KernelKind kind, const KernelForm &form) {
  switch (kind) {
  case KernelKind::Gemm:
    return form.decodes() ? "pipppippiiii" : "pipppiiii";
  case KernelKind::Batch:
  case KernelKind::BatchTransposed:
    return "pipipiiii";
  case KernelKind::Conv:
  case KernelKind::Depthwise:
    return "ppppii" + std::string(ConvArgumentCount, 'i');
  }
  return "";
}

/// What a call costs (Codegen/CPU/Runtime.h): steps of the form's instruction.
static SmallVector<int64_t> work(KernelKind kind, const KernelForm &form) {
  int64_t perCycle = form.lanes * form.kPack, arguments = signature(kind, form).size();
  auto shape = [&](ConvArgument argument) { return arguments - ConvArgumentCount + argument; };
  constexpr int64_t columns = 5;
  switch (kind) {
  case KernelKind::Gemm:
  case KernelKind::Batch:
  case KernelKind::BatchTransposed:
    return {perCycle, arguments - 3, arguments - 2, arguments - 1};
  case KernelKind::Conv:
    return {perCycle, columns, shape(Rows), shape(Cols), shape(WindowH), shape(WindowW), shape(Channels)};
  case KernelKind::Depthwise: // each product widens its operands
    return {form.lanes / 2, columns, shape(Rows), shape(Cols), shape(WindowH), shape(WindowW)};
  }
  return {};
}

static std::string symbolName(KernelKind kind, const KernelForm &form, bool aUnsigned) {
  std::string name = ("qcpu_" + kindName(kind) + "_" + form.name).str();
  std::replace(name.begin(), name.end(), '.', '_');
  return aUnsigned ? name + "_u" : name;
}

static void emitBody(Emitter &e, KernelKind kind, const KernelForm &form, bool aUnsigned, ValueRange arguments) {
  switch (kind) {
  case KernelKind::Gemm:
    return emitGemm(e, form, aUnsigned, arguments);
  case KernelKind::Batch:
  case KernelKind::BatchTransposed:
    return emitBatch(e, form, kind == KernelKind::BatchTransposed, arguments);
  case KernelKind::Conv:
    return emitConv(e, form, aUnsigned, arguments);
  case KernelKind::Depthwise:
    return emitDepthwise(e, form, aUnsigned, arguments);
  }
}

func::FuncOp qopt::qcpu::getOrEmitKernel(ModuleOp module, KernelKind kind, const KernelForm &form, bool aUnsigned) {
  std::string name = symbolName(kind, form, aUnsigned);
  if (auto existing = module.lookupSymbol<func::FuncOp>(name))
    return existing;
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Emitter e(builder, NameLoc::get(builder.getStringAttr(name)));
  SmallVector<Type> types;
  for (char letter : signature(kind, form))
    types.push_back(letter == 'p' ? e.pointer() : e.i64());
  auto function = func::FuncOp::create(builder, e.loc, name, builder.getFunctionType(types, {}));
  function.setPrivate();
  // One copy of each kernel: callers are many, and a call costs nothing beside the work.
  function->setAttr("passthrough", builder.getStrArrayAttr({"noinline"}));
  function->setAttr(qopt::cpu::workAttrName, builder.getDenseI64ArrayAttr(work(kind, form)));
  builder.setInsertionPointToStart(function.addEntryBlock());
  emitBody(e, kind, form, aUnsigned, function.getArguments());
  func::ReturnOp::create(builder, e.loc);
  return function;
}
