#include "CommonOptions.h"

#include "qopt/Support/Progress.h"

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"

#include <cstdlib>

using namespace llvm;
using namespace qopt;

namespace {

constexpr Option kOptions[] = {
    {"--log-level", "LEVEL", "error (nothing else), info (progress and what came out, the default) or debug (each pass and its time too)"},
    {"--quiet", "", "the same as --log-level error"},
    {"--color", "WHEN", "auto (the default: on a terminal, unless NO_COLOR is set), always or never"},
};

/// A line for each pass that took part, with its time.
class TellPasses : public mlir::PassInstrumentation {
public:
  explicit TellPasses(raw_ostream &os) : os(os) {}
  void runBeforePass(mlir::Pass *, mlir::Operation *) override { started.emplace_back(); }
  void runAfterPass(mlir::Pass *pass, mlir::Operation *) override { tell(pass, ""); }
  void runAfterPassFailed(mlir::Pass *pass, mlir::Operation *) override { tell(pass, ", failed"); }

private:
  void tell(mlir::Pass *pass, StringRef outcome) {
    double seconds = started.pop_back_val().seconds();
    if (StringRef name = pass->getArgument(); !name.empty()) // Those without a name only run others.
      os << "pass " << name << ": " << formatSeconds(seconds) << outcome << '\n';
  }

  raw_ostream &os;
  SmallVector<Stopwatch> started; ///< passes nest
};

Error noSuchValue(StringRef option, StringRef value, StringRef choices) {
  return usageError(option + " is '" + value + "'; it must be " + choices);
}

/// The last value of --color among the words.
StringRef colorWord(ArrayRef<StringRef> words) {
  StringRef found = "auto";
  for (size_t i = 0; i < words.size(); ++i)
    if (StringRef word = words[i]; word.consume_front("--color="))
      found = word;
    else if (words[i] == "--color" && i + 1 < words.size())
      found = words[i + 1];
  return found;
}

} // namespace

ArrayRef<Option> qopt::commonOptions() { return kOptions; }

void qopt::chooseColors(ArrayRef<StringRef> words, Session &session) {
  StringRef when = colorWord(words);
  const char *none = std::getenv("NO_COLOR");
  bool fits = session.err.has_colors() && session.err.is_displayed() && !(none && *none);
  session.err.enable_colors(when == "always" || (when != "never" && fits));
}

Error qopt::applyCommonOptions(Arguments &arguments, Session &session) {
  if (StringRef when = arguments.get("--color", "auto"); when != "auto" && when != "always" && when != "never")
    return noSuchValue("--color", when, "auto, always or never");
  auto level = arguments.get("--log-level");
  if (!level)
    return Error::success();
  if (*level != "error" && *level != "info" && *level != "debug")
    return noSuchValue("--log-level", *level, "error, info or debug");
  if (*level != "error" && arguments.has("--quiet"))
    return usageError("--quiet is --log-level error; it and --log-level " + *level + " exclude each other");
  if (*level == "error")
    arguments.setFlag("--quiet");
  if (*level == "debug")
    session.configurePasses = [&session, others = session.configurePasses](mlir::PassManager &pm) {
      if (others)
        others(pm);
      pm.addInstrumentation(std::make_unique<TellPasses>(session.err));
    };
  return Error::success();
}
