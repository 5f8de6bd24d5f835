// The commands, one file each.
#pragma once
#include "qopt/Driver/Driver.h"

namespace qopt {

const Command &runCommand();

} // namespace qopt
