// coqc as child processes.
#include "cli/coq.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "cli/child.h"
#include "cli/interrupt.h"
#include "cli/programs.h"

namespace axiom::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPackages = "on Debian: apt-get install coq libcoq-flocq";

bool is_compiled(const fs::path& library) { return fs::exists(library / "CheckSound.vo"); }

bool ran_out_of_memory(const CoqRun& run) {
  for (const std::string_view words : {"Out of memory", "out of memory", "Stack overflow", "cannot allocate"}) {
    if (run.errors.find(words) != std::string::npos) return true;
  }
  return false;
}

CoqRun run_of(const std::string& name, const ChildExit& exit, bool stopped) {
  CoqRun run;
  run.name = name;
  run.accepted = exit.code == 0;
  run.interrupted = stopped;
  run.timed_out = exit.timed_out && !stopped;
  run.seconds = exit.seconds;
  run.peak_mb = exit.peak_mb;
  run.output = exit.output;
  run.errors = exit.errors;
  run.out_of_memory = !run.accepted && !run.timed_out && (ran_out_of_memory(run) || exit.signal == 9);
  return run;
}

}  // namespace

Result<std::string> find_coqc() {
  if (std::optional<std::string> coqc = find_in_path("coqc")) return *coqc;
  return io_error(fmt::format("coqc is not installed; {}", kPackages));
}

Result<std::string> coqc_version(const std::string& coqc) {
  Children children;
  if (Status started = children.start(0, {coqc, "--version"}, 60); !started) return started.error();
  std::vector<ChildExit> ended;
  while (ended.empty()) ended = children.wait();
  if (ended.front().code != 0) return io_error(fmt::format("{} --version: exit code {}", coqc, ended.front().code));
  return ended.front().output.substr(0, ended.front().output.find('\n'));
}

Result<std::string> find_coq_library(const std::string& library) {
  fs::path folder = library;
  if (library.empty()) {
    std::error_code failure;
    const fs::path self = fs::read_symlink("/proc/self/exe", failure);
    folder = self.parent_path().parent_path().parent_path() / "proofs";
    if (failure || !fs::exists(folder / "CheckSound.v"))
      return usage_error("the proof library is not beside the program; name its folder with --library");
  }
  if (is_compiled(folder)) return fs::absolute(folder).lexically_normal().string();
  if (!fs::exists(folder / "CheckSound.v"))
    return io_error(folder.string() + ": holds no proof library; --library takes the folder proofs/ of Axiom's source");
  return io_error(fmt::format("{}: the proof library is not compiled; make -C {}", folder.string(), folder.string()));
}

Result<std::vector<CoqRun>> compile_coq(const CoqSetup& setup, const std::vector<std::string>& names, size_t jobs,
                                        const std::function<void(size_t)>& on_tick) {
  const auto start = std::chrono::steady_clock::now();
  const auto seconds_left = [&] {
    return setup.seconds - std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  Children children;
  std::vector<CoqRun> done;
  size_t next = 0;
  bool stopped = false;
  while (done.size() < names.size()) {
    for (; next < names.size() && children.running() < jobs; ++next) {
      const std::vector<std::string> command = {
          setup.coqc,    "-q", "-noglob",    "-R",          setup.library,
          "AxiomProofs", "-Q", setup.folder, "Certificate", fmt::format("{}/{}.v", setup.folder, names[next])};
      // A process without time would be one without a limit.
      const double seconds = std::max(seconds_left(), 0.1);
      if (Status started = children.start(next, command, seconds, setup.memory_bytes); !started) return started.error();
    }
    if (interrupted() && !stopped) {
      children.stop();
      stopped = true;
    }
    for (const ChildExit& exit : children.wait()) {
      done.push_back(run_of(names[exit.tag], exit, stopped));
      if (!done.back().accepted) return done;
    }
    on_tick(done.size());
  }
  std::sort(done.begin(), done.end(), [&](const CoqRun& a, const CoqRun& b) {
    return std::find(names.begin(), names.end(), a.name) < std::find(names.begin(), names.end(), b.name);
  });
  return done;
}

}  // namespace axiom::cli
