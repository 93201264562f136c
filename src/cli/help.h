// The text of --help: examples first, then usage, arguments, options, notes.
#pragma once

#include <string>

#include "cli/command.h"

namespace axiom::cli {

/// Help of the whole program: examples, and the list of commands.
std::string program_help();

/// Help of one command, whose options `app` holds.
std::string command_help(const Command& command, const CLI::App& app);

/// "Usage: axiom verify [OPTIONS] MODEL PROPERTY"
std::string usage_line(const Command& command, const CLI::App& app);

}  // namespace axiom::cli
