// What a command of `axiom` is: its place in the help, its options, and the work they lead to.
//
// A command is one file that defines one `Command`, and one line in commands.cc. Only the chosen command declares its
// options, so that the others cost nothing at start.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "base/result.h"

namespace CLI {
class App;
}

namespace axiom::cli {

/// The work of a command whose options have been read; the value is the exit code of the process.
using Action = std::function<Result<int>()>;

struct Command {
  std::string_view name;
  std::string_view summary;   ///< One line: the list of commands, and the head of the command's help.
  std::string_view examples;  ///< Lines "axiom ...": first in --help.
  std::string_view notes;     ///< Last in --help: exit codes, formats.
  Action (*declare)(CLI::App& app);
};

/// All commands, in the order of the help.
std::span<const Command* const> commands();

/// The whole program: reads the command line, runs the command and reports its failure; the value is the exit code.
int run_command_line(int argc, char** argv);

}  // namespace axiom::cli
