// The commands, one file each.
#pragma once
#include "qopt/Driver/Driver.h"

namespace qopt {

const Command &calibrateCommand();
const Command &checkCommand();
const Command &evalCommand();
const Command &quantizeCommand();
const Command &compileCommand();
const Command &runCommand();
const Command &targetsCommand();
const Command &schemesCommand();
const Command &explainCommand();
const Command &inspectCommand();
const Command &statsCommand();

} // namespace qopt
