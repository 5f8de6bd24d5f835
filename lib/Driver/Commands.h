// The commands, one file each.
#pragma once
#include "qopt/Driver/Driver.h"

namespace qopt {

const Command &runCommand();
const Command &targetsCommand();
const Command &schemesCommand();
const Command &explainCommand();

} // namespace qopt
