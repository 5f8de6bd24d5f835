//===- qopt.cpp - The driver -------------------------------------------------===//
#include "qopt/Driver/Driver.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/InitLLVM.h"

#include <csignal>
#include <new>
#include <unistd.h>

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

/// What the machine refuses is told like any other error, and leaves no half-written file: outputs get their names last.
[[noreturn]] static void endWithoutMemory() {
  constexpr char sentence[] = "qopt: error: there is not enough memory for this request; give it more, or ask for less (--batch, --samples, --threads)\n";
  (void)!write(STDERR_FILENO, sentence, sizeof(sentence) - 1);
  _exit(qopt::InputAtFault);
}

static void tellOfLimits() {
  std::set_new_handler(endWithoutMemory);
  llvm::CrashRecoveryContext::Enable(); // for the readers that ask for it; elsewhere a crash is one
  llvm::install_bad_alloc_error_handler([](void *, const char *, bool) { endWithoutMemory(); });
  std::signal(SIGXFSZ, SIG_IGN); // Writing past a limit is an error of that write.
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  tellOfLimits();
  std::vector<llvm::StringRef> words = takeMlirOptions(argc, argv);
  qopt::Session session{llvm::outs(), llvm::errs(),
                        [](mlir::PassManager &pm) {
                          (void)mlir::applyPassManagerCLOptions(pm);
                          mlir::applyDefaultTimingPassManagerCLOptions(pm);
                        }};
  return qopt::runDriver(words, session);
}
