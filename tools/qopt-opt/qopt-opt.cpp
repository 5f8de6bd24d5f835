//===- qopt-opt.cpp - Runs qopt's passes on textual IR -----------------------===//
#include "qopt/Pipelines/Register.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  qopt::registerAllDialects(registry);
  qopt::registerAllPasses();
  qopt::registerAllPipelines();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "qopt optimizer driver\n", registry));
}
