#include "qopt/Execution/JIT.h"
#include "HostDescriptor.h"
#include "qopt/Codegen/CPU/Artifact.h"
#include "qopt/Codegen/Common/ConstantBytes.h"
#include "qopt/Codegen/Common/Signature.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;

namespace qopt {

namespace {

/// All that the code in memory needs; members go in reverse order.
struct Program {
  std::shared_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<ConstantBytes> constants;
  std::vector<std::unique_ptr<char[]>> aligned;
  std::unique_ptr<orc::LLJIT> jit;
  std::unique_ptr<HostDescriptor> descriptor;
};

Expected<std::unique_ptr<MemoryBuffer>> compile(mlir::ModuleOp module, const CPUTarget &target, unsigned optLevel) {
  auto machine = createTargetMachine(target, optLevel);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  auto code = translateToLLVM(module, context, target, **machine);
  if (!code)
    return code.takeError();
  optimize(**code, **machine, optLevel);
  SmallVector<char, 0> object;
  raw_svector_ostream stream(object);
  if (Error error = emitCode(**code, **machine, CodeFile::Object, stream))
    return std::move(error);
  return std::make_unique<SmallVectorMemoryBuffer>(std::move(object), "qopt", /*RequiresNullTerminator=*/false);
}

/// The address of the constant's bytes; a copy when they do not lie at a multiple of the element's size.
const void *addressOf(const ConstantBytes &constant, Program &program) {
  const char *data = constant.bytes.data();
  if (reinterpret_cast<uintptr_t>(data) % std::max<int64_t>(constant.elementBytes, 1) == 0)
    return data;
  auto &copy = program.aligned.emplace_back(new char[constant.bytes.size()]);
  std::copy(constant.bytes.begin(), constant.bytes.end(), copy.get());
  return copy.get();
}

Error defineSymbols(Program &program) {
  orc::SymbolMap symbols;
  auto define = [&](StringRef name, const void *address) {
    symbols[program.jit->mangleAndIntern(name)] = {orc::ExecutorAddr::fromPtr(address), JITSymbolFlags::Exported};
  };
  size_t count = 0;
  const qopt_rt_symbol *functions = qopt_rt_symbols(&count);
  for (const qopt_rt_symbol &function : ArrayRef(functions, count))
    define(function.name, function.address);
  for (const ConstantBytes &constant : program.constants)
    define(constant.symbol, addressOf(constant, program));
  return program.jit->getMainJITDylib().define(orc::absoluteSymbols(std::move(symbols)));
}

} // namespace

Expected<std::unique_ptr<Executor>> createJITExecutor(mlir::OwningOpRef<mlir::ModuleOp> module,
                                                      std::shared_ptr<mlir::MLIRContext> context,
                                                      const JITOptions &options) {
  auto target = findCPUTarget(options.target);
  if (!target)
    return target.takeError();
  auto signature = readSignature(*module);
  if (!signature)
    return signature.takeError();
  auto constants = readConstants(*module);
  if (!constants)
    return constants.takeError();
  auto object = compile(*module, *target, options.optLevel);
  if (!object)
    return object.takeError();
  auto program = std::make_shared<Program>();
  program->context = std::move(context);
  program->module = std::move(module);
  program->constants = std::move(*constants);
  auto jit = orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  program->jit = std::move(*jit);
  if (Error error = defineSymbols(*program))
    return std::move(error);
  if (Error error = program->jit->addObjectFile(std::move(*object)))
    return std::move(error);
  auto entry = program->jit->lookup(entrySymbolName);
  if (!entry)
    return entry.takeError();
  program->descriptor = std::make_unique<HostDescriptor>(*signature, kernelNames(*program->module), *target,
                                                         entry->toPtr<qopt_entry_fn>());
  const qopt_artifact_desc *descriptor = program->descriptor->get();
  return Executor::create(descriptor, options.threads, std::move(program));
}

} // namespace qopt
