//===- embed.cpp - Another compiler that has qopt inside ----------------------===//
//
// Reads a module in qopt's dialects, runs a textual pipeline over it and prints the result:
//   embed FILE.mlir 'builtin.module(canonicalize)'
//
//===----------------------------------------------------------------------===//
#include "qopt/Pipelines/Register.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

int main(int argc, char **argv) {
  if (argc != 3) {
    llvm::errs() << "usage: embed FILE.mlir PIPELINE\n";
    return 2;
  }
  mlir::DialectRegistry registry;
  qopt::registerAllDialects(registry);
  qopt::registerAllPasses();
  qopt::registerAllPipelines();

  mlir::MLIRContext context(registry);
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(argv[1], &context);
  if (!module)
    return 1;
  auto passes = mlir::parsePassPipeline(argv[2]);
  if (mlir::failed(passes))
    return 2;
  mlir::PassManager manager(&context, mlir::ModuleOp::getOperationName());
  static_cast<mlir::OpPassManager &>(manager) = std::move(*passes);
  if (mlir::failed(manager.run(*module)))
    return 1;
  module->print(llvm::outs());
  return 0;
}
