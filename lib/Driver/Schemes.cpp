// `qopt schemes`: what ships, and each one's recipe to copy.
#include "Commands.h"
#include "Tensors.h"
#include "qopt/Recipe/Recipe.h"
#include "qopt/Support/Json.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace qopt {
namespace {

constexpr Option options[] = {
    {"--json", "FILE", "write the schemes as JSON; - is standard output"},
};

json::Value toJson(const Scheme &scheme) {
  return json::Object{{"name", scheme.name},
                      {"description", scheme.description},
                      {"weights", scheme.weights ? json::Value(describe(*scheme.weights)) : nullptr},
                      {"activations", scheme.activations ? json::Value(describe(*scheme.activations)) : nullptr},
                      {"needs_calibration", scheme.needsCalibration()}};
}

Expected<int> run(const Arguments &arguments, Session &session) {
  if (arguments.positional().size() > 1)
    return usageError("`qopt schemes` takes one scheme at most");
  if (arguments.positional().size() == 1) {
    StringRef name = arguments.positional()[0];
    if (auto known = recipeForScheme(name); !known)
      return known.takeError();
    session.out << shippedRecipeText(name);
    return Done;
  }
  if (auto path = arguments.get("--json")) {
    json::Array all;
    for (const Scheme &scheme : shippedSchemes())
      all.push_back(toJson(scheme));
    if (Error error = writeText(*path, qopt::toJson(json::Object{{"schemes", std::move(all)}}) + "\n", session))
      return std::move(error);
    return Done;
  }
  for (const Scheme &scheme : shippedSchemes())
    session.out << left_justify(scheme.name, 14) << scheme.description
                << (scheme.needsCalibration() ? " [needs calibration data]" : "") << '\n';
  return Done;
}

} // namespace

const Command &schemesCommand() {
  static const Command command = {"schemes",
                                  "[SCHEME]",
                                  "List the schemes; with a name, print its recipe",
                                  options,
                                  "  qopt schemes\n"
                                  "  qopt schemes W4A16 > mine.yaml\n",
                                  run};
  return command;
}

} // namespace qopt
