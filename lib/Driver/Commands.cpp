#include "Commands.h"

namespace qopt {

llvm::ArrayRef<const Command *> commands() {
  static const Command *const all[] = {&runCommand()};
  return all;
}

} // namespace qopt
