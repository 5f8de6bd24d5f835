#include "Commands.h"

namespace qopt {

llvm::ArrayRef<const Command *> commands() {
  static const Command *const all[] = {&quantizeCommand(), &compileCommand(), &calibrateCommand(), &evalCommand(),
                                       &runCommand(),      &inspectCommand(), &checkCommand(),     &statsCommand(),
                                       &targetsCommand(),  &schemesCommand(), &explainCommand()};
  return all;
}

} // namespace qopt
