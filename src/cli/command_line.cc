// From argv to an exit code. CLI11 (H. Schreiner) parses the options of the one chosen command; what it objects to
// becomes one line that ends in the remedy.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/suggest.h"

namespace axiom::cli {
namespace {

const Command* find_command(std::string_view name) {
  for (const Command* command : commands()) {
    if (command->name == name) return command;
  }
  return nullptr;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command* command : commands()) names.emplace_back(command->name);
  return names;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// What CLI11 could not place, if anything: the likeliest reason of every other complaint.
std::string unexpected(const CLI::App& app, const std::string& remedy) {
  const std::vector<std::string> rest = app.remaining();
  for (const std::string& word : rest) {
    if (word.size() < 2 || word[0] != '-') continue;
    const std::string name = word.substr(0, word.find('='));
    return fmt::format("unknown option {}; {}", name, suggestion(name, option_names(app), remedy));
  }
  return rest.empty() ? "" : fmt::format("unexpected argument '{}'; {}", rest.front(), remedy);
}

Error parse_failure(const Command& command, const CLI::App& app, const std::string& complaint) {
  const std::string remedy = fmt::format("{}; more by axiom {} --help", usage_line(command, app), command.name);
  const std::string what = unexpected(app, remedy);
  return usage_error(what.empty() ? fmt::format("{}; {}", complaint, remedy) : what);
}

/// Runs the command's work. Only the standard library throws, when memory ends or by a mistake of ours.
Result<int> run_action(const Action& action) {
  try {
    return action();
  } catch (const std::bad_alloc&) {
    return resource_error("out of memory; try a smaller model or fewer threads");
  } catch (const std::exception& exception) {
    return internal_error(fmt::format("{}; please report this", exception.what()));
  }
}

Result<int> parse_and_run(const Command& command, int argc, char** argv) {
  CLI::App app{std::string(command.summary), "axiom " + std::string(command.name)};
  app.allow_extras();
  app.set_help_flag("--help,-h", "this text");
  const Action action = command.declare(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    print(command_help(command, app));
    return kExitSuccess;
  } catch (const CLI::ParseError& error) {
    return parse_failure(command, app, error.what());
  }
  if (!app.remaining().empty()) return parse_failure(command, app, "");
  catch_interrupts();
  return run_action(action);
}

bool wants_json(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) return true;
  }
  return false;
}

int report_error(std::string_view command, const Error& error, bool json) {
  if (json) print_json(error_json(error));
  print_error(command, error.message);
  return exit_code(error.kind);
}

int run_command_by_name(int argc, char** argv) {
  const std::string_view name = argv[1];
  const bool json = wants_json(argc, argv);
  const Command* command = find_command(name);
  if (!command) {
    const std::string remedy = suggestion(name, command_names(), "axiom --help lists the commands");
    const std::string_view what = name.starts_with("-") ? "option" : "command";
    return report_error("", usage_error(fmt::format("unknown {} '{}'; {}", what, name, remedy)), json);
  }
  const Result<int> code = parse_and_run(*command, argc - 1, argv + 1);
  return code ? *code : report_error(name, code.error(), json);
}

int answer(int argc, char** argv) {
  if (argc < 2) {
    std::fputs(program_help().c_str(), stderr);
    return kExitUsage;
  }
  const std::string_view first = argv[1];
  if (first == "--help" || first == "-h" || first == "help") {
    char help[] = "--help";
    char* of_command[] = {argv[0], argc > 2 ? argv[2] : argv[1], help, nullptr};
    if (argc > 2) return run_command_by_name(3, of_command);
    print(program_help());
    return kExitSuccess;
  }
  if (first == "--version" || first == "-V") {
    print("axiom " AXIOM_VERSION "\n");
    return kExitSuccess;
  }
  return run_command_by_name(argc, argv);
}

/// A failed AXIOM_CHECK has said what it must; the code of a mistake of ours is 70.
void on_abort(int) { _exit(kExitInternal); }

}  // namespace

int run_command_line(int argc, char** argv) {
  std::signal(SIGABRT, on_abort);
  const int code = answer(argc, argv);
  if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return code;
  print_error("", fmt::format("standard output: {}", std::strerror(errno)));
  return kExitInput;
}

}  // namespace axiom::cli
