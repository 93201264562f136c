// Ctrl-C once: stop and report what is known. Twice: quit.
#pragma once

#include <atomic>

namespace axiom::cli {

/// From now on SIGINT and SIGTERM set the flag of `interrupted` and say so on stderr; the second one ends the process.
void catch_interrupts();

const std::atomic<bool>& interrupted();

}  // namespace axiom::cli
