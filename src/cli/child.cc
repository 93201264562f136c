// fork, exec and wait4, whose resource usage gives the peak memory. Output goes to unnamed temporary files: unlike
// pipes they never fill up, so nobody has to drain them. SIGCHLD is blocked and awaited, which wakes us at once without
// races.
#include "cli/child.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>

#include "base/files.h"

namespace axiom::cli {
namespace {

using Clock = std::chrono::steady_clock;
using File = std::unique_ptr<FILE, int (*)(FILE*)>;

constexpr double kSecondsToKill = 2;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::string contents(FILE* file) {
  std::string text;
  char block[65536];
  std::rewind(file);
  while (const size_t count = std::fread(block, 1, sizeof block, file)) text.append(block, count);
  return text;
}

sigset_t only_sigchld() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  return set;
}

/// Between fork and exec: only calls that are safe there.
[[noreturn]] void become(char* const* arguments, int output, int errors, pid_t parent, uint64_t memory_bytes) {
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  if (getppid() != parent) _exit(127);
  setpgid(0, 0);
  const sigset_t blocked = only_sigchld();
  sigprocmask(SIG_UNBLOCK, &blocked, nullptr);
  const int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  if (memory_bytes > 0) {
    const rlimit memory = {memory_bytes, memory_bytes};
    if (setrlimit(RLIMIT_AS, &memory) != 0) _exit(127);
  }
  execv(arguments[0], arguments);
  _exit(127);
}

}  // namespace

struct Children::Child {
  size_t tag;
  pid_t pid;
  Clock::time_point start;
  double limit;
  File output, errors;
  bool asked = false, killed = false;
};

Children::Children() {
  const sigset_t set = only_sigchld();
  sigprocmask(SIG_BLOCK, &set, nullptr);
}

Children::~Children() {
  for (const Child& child : running_) kill(-child.pid, SIGKILL);
  for (const Child& child : running_) waitpid(child.pid, nullptr, 0);
}

Status Children::start(size_t tag, const std::vector<std::string>& command, double limit_seconds,
                       uint64_t memory_bytes) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  File output(std::tmpfile(), std::fclose), errors(std::tmpfile(), std::fclose);
  for (const File* file : {&output, &errors}) {
    if (*file) fcntl(fileno(file->get()), F_SETFD, FD_CLOEXEC);
  }
  if (!output || !errors) return io_error("temporary file: " + errno_message(errno));
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return resource_error("cannot start a process: " + errno_message(errno) + "; try fewer --jobs");
  if (pid == 0) become(arguments.data(), fileno(output.get()), fileno(errors.get()), parent, memory_bytes);
  setpgid(pid, pid);
  running_.push_back({tag, pid, Clock::now(), limit_seconds, std::move(output), std::move(errors)});
  return {};
}

size_t Children::running() const { return running_.size(); }

void Children::enforce_limits() {
  for (Child& child : running_) {
    const double seconds = seconds_since(child.start);
    if (!child.asked && seconds > child.limit) {
      kill(child.pid, SIGTERM);  // Not its group: a checker that is cut short would look like a rejected certificate.
      child.asked = true;
    }
    if (child.asked && !child.killed && seconds > child.limit + kSecondsToKill) {
      kill(-child.pid, SIGKILL);
      child.killed = true;
    }
  }
}

std::vector<ChildExit> Children::wait() {
  const sigset_t set = only_sigchld();
  const timespec tenth = {0, 100'000'000};
  if (!running_.empty()) sigtimedwait(&set, nullptr, &tenth);
  enforce_limits();
  std::vector<ChildExit> ended;
  for (size_t i = 0; i < running_.size();) {
    Child& child = running_[i];
    int status = 0;
    rusage usage = {};
    if (wait4(child.pid, &status, WNOHANG, &usage) != child.pid) {
      ++i;
      continue;
    }
    ChildExit& result = ended.emplace_back();
    result.tag = child.tag;
    result.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    result.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    result.timed_out = child.asked;
    result.seconds = seconds_since(child.start);
    result.peak_mb = static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
    result.output = contents(child.output.get());
    result.errors = contents(child.errors.get());
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return ended;
}

void Children::stop() {
  for (Child& child : running_) child.limit = std::min(child.limit, seconds_since(child.start));
  enforce_limits();
}

}  // namespace axiom::cli
