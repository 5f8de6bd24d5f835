//===- qopt.cpp - The driver -------------------------------------------------===//
#include "qopt/Driver/Driver.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"

/// `--mlir-…` options belong to MLIR's own pass managers; all others are the driver's.
static std::vector<llvm::StringRef> takeMlirOptions(int argc, char **argv) {
  std::vector<const char *> forMlir = {argv[0]};
  std::vector<llvm::StringRef> words;
  for (char *word : llvm::ArrayRef(argv, argc).drop_front()) {
    if (llvm::StringRef(word).starts_with("--mlir-"))
      forMlir.push_back(word);
    else
      words.push_back(word);
  }
  mlir::registerAsmPrinterCLOptions();
  mlir::registerMLIRContextCLOptions();
  mlir::registerPassManagerCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  llvm::cl::ParseCommandLineOptions(forMlir.size(), forMlir.data());
  return words;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  std::vector<llvm::StringRef> words = takeMlirOptions(argc, argv);
  qopt::Session session{llvm::outs(), llvm::errs(),
                        [](mlir::PassManager &pm) {
                          (void)mlir::applyPassManagerCLOptions(pm);
                          mlir::applyDefaultTimingPassManagerCLOptions(pm);
                        }};
  return qopt::runDriver(words, session);
}
