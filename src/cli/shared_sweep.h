// A sweep whose work is shared by processes that see one folder: by `mpirun`, as a Slurm array, or started by hand.
//
// No process is in charge and none talks to another. An instance is claimed by creating a file, which can succeed for
// one process only; its owner touches the file while it works. A claim that nobody has touched for the time of the
// lease belongs to a process that is gone, and is taken over. The rows of an instance are a file that appears whole.
// Two processes that do work on the same instance (one was suspended, or an answer of the file server was stale) write
// the same kind of file under the same name: that costs time and nothing else.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/child.h"
#include "cli/sweep_settings.h"

namespace axiom::cli {

/// The place of this process among those that one command has started (`mpirun`, `srun`): {0, 1} if it is alone. It
/// decides who prints, and nothing else.
struct WorkerPlace {
  int rank = 0, count = 1;
};
WorkerPlace worker_place();

class SharedSweep {
 public:
  /// Creates the folder if need be. kUsage: it holds another sweep. `lease` in seconds.
  static Result<SharedSweep> open(const std::string& folder, double lease, std::vector<Instance> instances,
                                  const SweepSettings& settings);

  /// Works until all instances have their rows, whoever found them, or until an interrupt.
  Status run();
  /// Instances without rows.
  size_t missing() const;
  /// All rows that are there, in the order of the instances.
  Result<std::vector<SweepRow>> rows() const;

 private:
  using Clock = std::chrono::steady_clock;
  /// When a claim of another process was last seen to change.
  struct Sighting {
    int64_t touched = 0;  ///< Time stamp of the file, by the clock of its server: only compared with itself.
    uint64_t inode = 0;
    Clock::time_point since;
  };

  SharedSweep(std::string folder, double lease, std::vector<Instance> instances, const SweepSettings& settings);
  std::string path(size_t index, const char* suffix) const;
  bool is_done(size_t index);
  Result<bool> claim(size_t index);
  Result<bool> create_claim(size_t index);
  bool looks_dead(size_t index);
  Status take_over(size_t index);
  Status give_up(size_t index, int deaths);
  void touch_claims(const std::vector<size_t>& mine);
  Status start_some(Children& children, std::vector<size_t>& mine);
  Status record(const ChildExit& exit);
  Status write_rows(size_t index, const std::vector<SweepRow>& rows);

  std::string folder_, owner_;
  double lease_;
  std::vector<Instance> instances_;
  SweepSettings settings_;
  std::vector<std::string> keys_;
  std::vector<bool> done_;
  std::map<size_t, Sighting> sightings_;
  Clock::time_point next_touch_, next_look_;
  SweepTally tally_;
};

}  // namespace axiom::cli
