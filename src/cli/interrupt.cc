// The handler does only what POSIX allows in a signal handler: it stores a flag and calls write, signal and raise.
#include "cli/interrupt.h"

#include <unistd.h>

#include <csignal>
#include <string_view>

namespace axiom::cli {
namespace {

std::atomic<bool> stop{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void on_interrupt(int number) {
  if (stop.exchange(true)) {
    std::signal(number, SIG_DFL);
    std::raise(number);
    return;
  }
  constexpr std::string_view kMessage = "\naxiom: stopping; once more to quit at once\n";
  const bool said = write(STDERR_FILENO, kMessage.data(), kMessage.size()) >= 0;
  (void)said;  // There is nobody left to tell.
}

}  // namespace

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

const std::atomic<bool>& interrupted() { return stop; }

}  // namespace axiom::cli
