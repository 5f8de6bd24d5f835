#include "Commands.h"

namespace qopt {

llvm::ArrayRef<const Command *> commands() {
  static const Command *const all[] = {&runCommand(), &targetsCommand(), &schemesCommand(), &explainCommand()};
  return all;
}

} // namespace qopt
