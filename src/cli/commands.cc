// The list of commands. A new command is one file and one line here.
#include <array>

#include "cli/command.h"

namespace axiom::cli {

extern const Command verify_command, check_command, theorem_command, property_command, bounds_command, attack_command,
    run_command, inspect_command, sweep_command, report_command, doctor_command;

std::span<const Command* const> commands() {
  static constexpr std::array list = {&verify_command, &check_command,   &theorem_command, &property_command,
                                      &sweep_command,  &report_command,  &attack_command,  &bounds_command,
                                      &run_command,    &inspect_command, &doctor_command};
  return list;
}

}  // namespace axiom::cli
