// Child processes with limits on their time and memory: isolation for `axiom sweep` and `axiom theorem`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace axiom::cli {

/// How a child ended.
struct ChildExit {
  size_t tag = 0;              ///< As given to start.
  int code = -1;               ///< Exit code; -1 if a signal ended it.
  int signal = 0;              ///< That signal.
  bool timed_out = false;      ///< Ended by us after its time.
  double seconds = 0;          ///< Wall clock.
  double peak_mb = 0;          ///< Greatest resident memory (10^6 bytes) of the child and of those it waited for.
  std::string output, errors;  ///< All of its stdout and stderr.
};

/// A number of running children. One thread. A child that outlives its time gets SIGTERM, two seconds later SIGKILL;
/// children die with this process. Each has a process group of its own, so that Ctrl-C reaches us alone.
class Children {
 public:
  Children();
  ~Children();  ///< Kills what still runs.
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  /// `memory_bytes`: cap on the child's address space, 0 for none; a child that meets it fails in its own way.
  Status start(size_t tag, const std::vector<std::string>& command, double limit_seconds, uint64_t memory_bytes = 0);
  size_t running() const;
  /// Waits up to a tenth of a second for children to end, and returns those that did.
  std::vector<ChildExit> wait();
  /// Asks all to stop now.
  void stop();

 private:
  struct Child;
  void enforce_limits();
  std::vector<Child> running_;
};

}  // namespace axiom::cli
