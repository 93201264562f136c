// The progress line: formatting is a pure function, drawing is carriage return + erase-line around it.
#include "base/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace axiom {
namespace {

constexpr auto kInterval = std::chrono::milliseconds(100);
constexpr std::string_view kEraseLine = "\r\x1b[K";

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

bool stderr_is_terminal() { return isatty(STDERR_FILENO) == 1 && environment("TERM") != "dumb"; }

size_t terminal_width() {
  winsize size = {};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string rate_text(double per_second) {
  return per_second < 10.0 ? fmt::format("{:.1f}/s", per_second) : fmt::format("{:.0f}/s", per_second);
}

}  // namespace

bool stderr_has_colour() { return stderr_is_terminal() && environment("NO_COLOR").empty(); }

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::ceil(std::clamp(seconds, 0.0, 1e9)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string progress_line(const ProgressState& state) {
  std::string line = fmt::format("{}: {}", state.label, state.done);
  if (state.total > 0) line += fmt::format("/{}", state.total);
  if (!state.unit.empty()) line += fmt::format(" {}", state.unit);
  if (state.total > 0) line += fmt::format(" ({} %)", state.done * 100 / state.total);
  if (state.done > 0 && state.seconds > 0.0) {
    const double rate = static_cast<double>(state.done) / state.seconds;
    line += ", " + rate_text(rate);
    if (state.total > state.done) {
      line += ", " + duration_text(static_cast<double>(state.total - state.done) / rate) + " left";
    }
  }
  if (!state.detail.empty()) line += fmt::format(", {}", state.detail);
  return line;
}

Progress::Progress(std::string label, std::string unit, int64_t total)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      on_terminal_(stderr_is_terminal()),
      colour_(stderr_has_colour()),
      start_(Clock::now()),
      last_(start_) {}

Progress::~Progress() { erase(); }

void Progress::update(int64_t done, std::string_view detail) {
  if (!on_terminal_) return;
  const auto now = Clock::now();
  if (now - last_ < kInterval) return;
  last_ = now;
  const std::chrono::duration<double> elapsed = now - start_;
  std::string line = progress_line(
      {.label = label_, .unit = unit_, .detail = detail, .done = done, .total = total_, .seconds = elapsed.count()});
  line.resize(std::min(line.size(), terminal_width() - 1));
  if (colour_) line = "\x1b[36m" + line + "\x1b[0m";
  std::fprintf(stderr, "%s%s", kEraseLine.data(), line.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::erase() {
  if (!drawn_) return;
  std::fputs(kEraseLine.data(), stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace axiom
