// `qopt targets`: what can be compiled for, and what each target does with each scheme.
#include "Commands.h"
#include "Tensors.h"
#include "qopt/Recipe/Scheme.h"
#include "qopt/Support/Json.h"
#include "qopt/TargetInfo/Forms.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace qopt {
namespace {

constexpr Option options[] = {
    {"--json", "FILE", "write the targets as JSON; - is standard output"},
};

json::Value toJson(const Target &target) {
  json::Array schemes;
  for (const Scheme &scheme : shippedSchemes()) {
    Verdict verdict = judge(target, {scheme.weights, scheme.activations}, /*allowEmulation=*/false);
    schemes.push_back(json::Object{{"scheme", scheme.name},
                                   {"legal", bool(verdict)},
                                   {"form", verdict ? json::Value(formKindName(verdict.form->kind)) : nullptr},
                                   {"code", verdict.code},
                                   {"reason", verdict.reason}});
  }
  return json::Object{{"name", target.name},
                      {"summary", target.summary},
                      {"features", json::Array(featureList(target))},
                      {"vector_bits", int64_t(target.vectorBits)},
                      {"runs_here", runsHere(target)},
                      {"is_host", &target == &hostTarget()},
                      {"schemes", std::move(schemes)}};
}

void printAll(raw_ostream &os) {
  for (const Target &target : targets())
    os << left_justify(target.name, 12) << target.summary
       << (&target == &hostTarget() ? " [host]" : runsHere(target) ? "" : " [not on this machine]") << '\n';
}

void printOne(raw_ostream &os, const Target &target) {
  os << target.name << ": " << target.summary << '\n'
     << "features: " << (target.features.empty() ? "none beyond x86-64" : join(featureList(target), ", ")) << "\n\n";
  for (const Scheme &scheme : shippedSchemes()) {
    Verdict verdict = judge(target, {scheme.weights, scheme.activations}, /*allowEmulation=*/false);
    os << left_justify(scheme.name, 14) << left_justify(verdict ? formKindName(verdict.form->kind) : "refused", 10)
       << left_justify(verdict.code, 28) << verdict.reason << '\n';
  }
}

Expected<int> run(const Arguments &arguments, Session &session) {
  if (arguments.positional().size() > 1)
    return usageError("`qopt targets` takes one target at most");
  const Target *one = nullptr;
  if (arguments.positional().size() == 1) {
    auto found = findTarget(arguments.positional()[0]);
    if (!found)
      return found.takeError();
    one = *found;
  }
  if (auto path = arguments.get("--json")) {
    json::Array all;
    for (const Target &target : targets())
      if (!one || one == &target)
        all.push_back(toJson(target));
    if (Error error = writeText(*path, qopt::toJson(json::Object{{"targets", std::move(all)}}) + "\n", session))
      return std::move(error);
  } else if (one) {
    printOne(session.out, *one);
  } else {
    printAll(session.out);
  }
  return Done;
}

} // namespace

const Command &targetsCommand() {
  static const Command command = {"targets",
                                  "[TARGET]",
                                  "List the targets; with a name, what it does with each scheme",
                                  options,
                                  "  qopt targets\n"
                                  "  qopt targets avx512vnni\n"
                                  "  qopt targets host --json -\n",
                                  run};
  return command;
}

} // namespace qopt
