#include "qopt/Driver/Driver.h"

#include "CommonOptions.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;

namespace qopt {

static void printHelp(raw_ostream &os) {
  os << "usage: qopt COMMAND …\n\ncommands:\n";
  for (const Command *command : commands())
    os << "  " << left_justify(command->name, 12) << command->summary << '\n';
  os << "\n`qopt COMMAND --help` shows a command's options and examples; --version the versions.\n";
}

static void printHelp(raw_ostream &os, const Command &command) {
  os << "usage: qopt " << command.name << ' ' << command.usage << "\n\n" << command.summary << "\n\n";
  printOptions(os, command.options);
  os << "\nof every command:\n";
  printOptions(os, commonOptions());
  if (!command.examples.empty())
    os << "\nexamples:\n" << command.examples;
}

static void printVersion(raw_ostream &os) {
  os << "qopt " << QOPT_VERSION << " (LLVM " << LLVM_VERSION_STRING << ", host " << sys::getDefaultTargetTriple()
     << ")\n";
}

static int report(Error error, Session &session) {
  int status = error.isA<UsageError>() ? CommandLineAtFault : InputAtFault;
  session.err << "qopt: ";
  session.err.changeColor(raw_ostream::RED, /*Bold=*/true) << "error: ";
  session.err.resetColor() << toString(std::move(error)) << '\n';
  return status;
}

static Error unknownCommand(StringRef name) {
  std::vector<std::string> names;
  for (const Command *command : commands())
    names.push_back(command->name.str());
  return usageError("there is no command '" + name + "'; known are " + join(names, ", "));
}

int runDriver(ArrayRef<StringRef> words, Session &session) {
  chooseColors(words, session);
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    printHelp(words.empty() ? session.err : session.out);
    return words.empty() ? CommandLineAtFault : Done;
  }
  if (words[0] == "--version") {
    printVersion(session.out);
    return Done;
  }
  auto found = find_if(commands(), [&](const Command *command) { return command->name == words[0]; });
  if (found == commands().end())
    return report(unknownCommand(words[0]), session);
  const Command &command = **found;
  if (is_contained(words, "--help")) {
    printHelp(session.out, command);
    return Done;
  }
  std::vector<Option> options(command.options);
  append_range(options, commonOptions());
  auto arguments = Arguments::parse(options, words.drop_front());
  if (!arguments)
    return report(arguments.takeError(), session);
  if (Error error = applyCommonOptions(*arguments, session))
    return report(std::move(error), session);
  auto status = command.run(*arguments, session);
  if (!status)
    return report(status.takeError(), session);
  return *status;
}

} // namespace qopt
