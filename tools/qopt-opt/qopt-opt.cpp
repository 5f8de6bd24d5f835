//===- qopt-opt.cpp - Runs qopt's passes on textual IR -----------------------===//
#include "qopt/Driver/Register.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  qopt::registerEverything(registry);
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "qopt optimizer driver\n", registry));
}
