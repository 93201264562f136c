// The program `axiom`.
#include "cli/command.h"

int main(int argc, char** argv) { return axiom::cli::run_command_line(argc, argv); }
