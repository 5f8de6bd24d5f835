#include "QuantizationReport.h"
#include "Tensors.h"

#include "qopt/Support/Json.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace qopt;

static std::string fileIn(StringRef folder, StringRef file) {
  SmallString<128> path(folder);
  sys::path::append(path, file);
  return path.str().str();
}

Error qopt::prepareReports(const Arguments &arguments) {
  if (arguments.get("--json", "") == "-" && arguments.get("-o", "") == "-")
    return usageError("-o - and --json - both want standard output; give one of them a file");
  auto folder = arguments.get("--report");
  if (!folder)
    return Error::success();
  if (std::error_code code = sys::fs::create_directories(*folder))
    return makeError("the report's folder '" + *folder + "' cannot be made: " + code.message());
  if (!sys::fs::is_directory(*folder))
    return makeError("the report's folder '" + *folder + "' cannot be made: a file of that name is there");
  return Error::success();
}

Error qopt::writeReports(const Arguments &arguments, const QuantizationReport &report, Session &session) {
  if (!arguments.has("--quiet"))
    printTable(session.err, report);
  std::string text = toJson(toJson(report)) + "\n";
  if (auto file = arguments.get("--json"))
    if (Error error = writeText(*file, text, session))
      return error;
  auto folder = arguments.get("--report");
  if (!folder)
    return Error::success();
  if (Error error = writeText(fileIn(*folder, "report.json"), text, session))
    return error;
  return writeText(fileIn(*folder, "report.html"), toHtml(report), session);
}
