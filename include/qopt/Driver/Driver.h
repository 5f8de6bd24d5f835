// The product as a library: one function for a whole command line, and what its commands are made of.
#pragma once
#include "qopt/Driver/Options.h"
#include <functional>

namespace mlir {
class PassManager;
} // namespace mlir

namespace qopt {

enum ExitStatus { Done = 0, InputAtFault = 1, CommandLineAtFault = 2, ThresholdMissed = 3, OurBug = 70 };

/// Where a command writes, and how the tool around it wants passes run.
struct Session {
  llvm::raw_ostream &out;
  llvm::raw_ostream &err;
  /// Called on every pass manager before it runs (IR printing, timing).
  std::function<void(mlir::PassManager &)> configurePasses;
};

struct Command {
  llvm::StringRef name;
  llvm::StringRef usage;
  llvm::StringRef summary;
  llvm::ArrayRef<Option> options;
  llvm::StringRef examples;
  /// The exit status. A UsageError becomes status 2, any other error 1.
  llvm::Expected<int> (*run)(const Arguments &arguments, Session &session);
};

/// Every command, in the order of --help.
llvm::ArrayRef<const Command *> commands();

/// `qopt WORDS…`: finds the command, runs it, prints errors as `qopt: error: …`.
int runDriver(llvm::ArrayRef<llvm::StringRef> words, Session &session);

} // namespace qopt
