// coqc as a child process, one file at a time.
#include "cli/coq.h"

#include <fmt/format.h>

#include <filesystem>

#include "cli/child.h"
#include "cli/interrupt.h"
#include "cli/programs.h"

namespace axiom::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPackages = "on Debian: apt-get install coq libcoq-flocq libcoq-interval libcoq-coquelicot";

bool is_compiled(const fs::path& library) { return fs::exists(library / "CheckSound.vo"); }

bool ran_out_of_memory(const CoqRun& run) {
  for (const std::string_view words : {"Out of memory", "out of memory", "Stack overflow", "cannot allocate"}) {
    if (run.errors.find(words) != std::string::npos) return true;
  }
  return false;
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

Result<CoqRun> compile_coq(const CoqSetup& setup, std::string_view name, const std::function<void(double)>& on_tick) {
  Children children;
  const std::vector<std::string> command = {setup.coqc,    "-q",          "-R",
                                            setup.library, "AxiomProofs", "-Q",
                                            setup.folder,  "Certificate", fmt::format("{}/{}.v", setup.folder, name)};
  const Status started = children.start(0, command, setup.seconds, setup.memory_bytes);
  if (!started) return started.error();
  bool stopped = false;
  for (double ticks = 0;; ++ticks) {
    if (interrupted() && !stopped) {
      children.stop();
      stopped = true;
    }
    const std::vector<ChildExit> ended = children.wait();
    on_tick(ticks / 10);
    if (ended.empty()) continue;
    const ChildExit& exit = ended.front();
    CoqRun run;
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
}

}  // namespace axiom::cli
