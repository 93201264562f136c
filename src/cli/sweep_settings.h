// How the instances of a sweep are run: each by `axiom verify` in a process of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/child.h"
#include "cli/instances.h"
#include "cli/sweep_row.h"

namespace axiom::cli {

struct SweepSettings {
  std::string semantics = "float32";
  double timeout = 0;  ///< Cap on the limits of the instances; 0: none.
  int threads = 0;     ///< Of each instance; 0: processors / jobs.
  int jobs = 1;        ///< Instances at a time.
  uint64_t seed = 1;
};

std::vector<std::string> sweep_command_for(const Instance& instance, const SweepSettings& settings);
/// Seconds after which the process is ended from outside.
double outer_limit(const Instance& instance, const SweepSettings& settings);
/// One row for each semantics.
std::vector<SweepRow> sweep_rows_of(const Instance& instance, const ChildExit& exit, const SweepSettings& settings);

/// Counts rows for the progress line, and announces those that somebody should look at.
class SweepTally {
 public:
  void add(const SweepRow& row);
  std::string text() const;

 private:
  size_t verified_ = 0, violated_ = 0, unknown_ = 0;
};

}  // namespace axiom::cli
