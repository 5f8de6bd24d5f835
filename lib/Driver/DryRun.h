// --dry-run of `qopt quantize`: everything is checked, the plan is told, nothing is written.
#pragma once
#include "Models.h"

#include "qopt/Driver/Options.h"
#include "qopt/Recipe/Recipe.h"

namespace qopt {

inline constexpr Option dryRunOption = {"--dry-run", "", "check everything and print the plan (memory, disk, time, what each op gets); write nothing"};

/// Errors: what the run itself would refuse before its work. The plan goes to standard output; with --json as JSON to its file.
llvm::Expected<int> dryRun(const Arguments &arguments, const Recipe &recipe, const Model &model, Session &session);

} // namespace qopt
