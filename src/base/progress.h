// One line on stderr that says how far a long run is; only on a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace axiom {

/// What the line shows.
struct ProgressState {
  std::string_view label;   ///< "verify"
  std::string_view unit;    ///< "leaves"
  std::string_view detail;  ///< Free text at the end, e.g. the bound so far; may be empty.
  int64_t done = 0;
  int64_t total = 0;  ///< 0 when nobody knows: no percentage and no remaining time.
  double seconds = 0.0;
};

/// "verify: 312/1000 leaves (31 %), 156/s, 4 s left, bound -0.2"
std::string progress_line(const ProgressState& state);

/// "4 s", "1 min 05 s", "2 h 03 min"
std::string duration_text(double seconds);

/// Draws the line over itself at most ten times a second, and erases it when destroyed. Where stderr is no terminal,
/// or TERM is "dumb", nothing is ever written. NO_COLOR leaves the line without colour. One thread at a time.
class Progress {
 public:
  Progress(std::string label, std::string unit, int64_t total = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(int64_t done, std::string_view detail = {});
  /// Call before anything else writes to the terminal; the next update draws the line again.
  void erase();

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_, unit_;
  int64_t total_;
  bool on_terminal_, colour_, drawn_ = false;
  Clock::time_point start_, last_;
};

/// Whether messages on stderr may carry colour: a terminal, NO_COLOR unset or empty, TERM not "dumb".
bool stderr_has_colour();

}  // namespace axiom
