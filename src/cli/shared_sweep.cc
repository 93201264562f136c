// Files of the folder: `sweep` says which sweep it is; of every instance KEY.claim, KEY.rows, and KEY.dead.N for claims
// that were taken over. Time stamps are compared with themselves alone, against our own clock, so that the clocks of
// the machines may differ. O_EXCL and rename are atomic on local file systems and on NFS from version 3 on.
#include "cli/shared_sweep.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/files.h"
#include "base/progress.h"
#include "base/sha256.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"

namespace axiom::cli {
namespace {

constexpr int kDeaths = 3;  // An instance whose workers died this often is not tried again.
constexpr auto kPause = std::chrono::milliseconds(100);
constexpr double kLookEvery = 0.5;  // Seconds between two looks for work that nobody has.

int number_in(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  int value = 0;
  if (text == nullptr) return otherwise;
  const std::string_view digits = text;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && end == digits.data() + digits.size() && value >= 0 ? value : otherwise;
}

std::string key_of(const Instance& instance, const SweepSettings& settings) {
  const std::string name = instance.family + "\n" + instance.onnx + "\n" + instance.vnnlib + "\n" + instance.folder +
                           "\n" + settings.semantics;
  return sha256_hex(name).substr(0, 24);
}

/// What all processes must agree about. The number of threads and jobs is everybody's own business.
std::string description(const std::vector<Instance>& instances, const SweepSettings& settings) {
  Sha256 digest;
  for (const Instance& instance : instances) {
    digest.update(fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n", instance.family, instance.onnx, instance.vnnlib,
                              instance.timeout_seconds, instance.expected, instance.expected_real));
  }
  return fmt::format("axiom sweep {}\nsemantics {}\ntimeout {}\nseed {}\ninstances {} sha256:{}\n", AXIOM_VERSION,
                     settings.semantics, settings.timeout, settings.seed, instances.size(), digest.hex());
}

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

}  // namespace

WorkerPlace worker_place() {
  for (const auto& [rank, count] :
       {std::pair{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"}, std::pair{"SLURM_PROCID", "SLURM_NTASKS"}}) {
    const int size = number_in(count, 0);
    if (std::getenv(rank) != nullptr && size > 0) return {number_in(rank, 0), size};
  }
  return {};
}

SharedSweep::SharedSweep(std::string folder, double lease, std::vector<Instance> instances,
                         const SweepSettings& settings)
    : folder_(std::move(folder)),
      owner_(fmt::format("{} {}\n", host_name(), getpid())),
      lease_(lease),
      instances_(std::move(instances)),
      settings_(settings),
      done_(instances_.size()) {
  for (const Instance& instance : instances_) keys_.push_back(key_of(instance, settings_));
}

Result<SharedSweep> SharedSweep::open(const std::string& folder, double lease, std::vector<Instance> instances,
                                      const SweepSettings& settings) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) return io_error(folder + ": " + failure.message());
  const std::string path = folder + "/sweep", wanted = description(instances, settings);
  if (!exists(path)) {  // Others may do the same now: they write the same, or one of us finds a difference below.
    if (Status written = write_file(path, wanted); !written) return written.error();
  }
  const Result<std::string> found = read_file(path);
  if (!found) return found.error();
  if (*found != wanted) {
    return usage_error(folder +
                       ": holds another sweep (other instances, semantics, time limit, seed or version of axiom, "
                       "see " +
                       path + "); name another folder, or remove this one");
  }
  return SharedSweep(folder, lease, std::move(instances), settings);
}

std::string SharedSweep::path(size_t index, const char* suffix) const { return folder_ + "/" + keys_[index] + suffix; }

bool SharedSweep::is_done(size_t index) {
  if (!done_[index]) done_[index] = exists(path(index, ".rows"));
  return done_[index];
}

/// True when the claim is ours now.
Result<bool> SharedSweep::create_claim(size_t index) {
  const std::string name = path(index, ".claim");
  const FileDescriptor file(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (file.get() < 0 && errno == EEXIST) return false;
  if (file.get() < 0) return io_error(name + ": " + errno_message(errno));
  const bool said = ::write(file.get(), owner_.data(), owner_.size()) >= 0;  // For people; nothing reads it.
  (void)said;
  sightings_.erase(index);
  return true;
}

bool SharedSweep::looks_dead(size_t index) {
  struct stat file = {};
  if (::stat(path(index, ".claim").c_str(), &file) != 0) return false;  // Given back just now.
  const int64_t touched = int64_t{file.st_mtim.tv_sec} * 1'000'000'000 + file.st_mtim.tv_nsec;
  const auto now = Clock::now();
  Sighting& seen = sightings_.try_emplace(index, Sighting{touched, file.st_ino, now}).first->second;
  if (seen.touched != touched || seen.inode != file.st_ino) seen = {touched, file.st_ino, now};
  return std::chrono::duration<double>(now - seen.since).count() > lease_;
}

/// Moves a dead claim out of the way. One process succeeds; that somebody else was faster is no error.
Status SharedSweep::take_over(size_t index) {
  const std::string name = path(index, ".claim");
  for (int deaths = 1;; ++deaths) {
    const std::string dead = path(index, fmt::format(".dead.{}", deaths).c_str());
    if (exists(dead)) continue;
    struct stat file = {};
    const auto seen = sightings_.find(index);
    const bool same = ::stat(name.c_str(), &file) == 0 && seen != sightings_.end() && seen->second.inode == file.st_ino;
    sightings_.erase(index);
    if (!same) return {};
    // link and unlink, since rename would replace the record of an earlier death.
    if (::link(name.c_str(), dead.c_str()) != 0) return {};
    ::unlink(name.c_str());
    return deaths >= kDeaths && !is_done(index) ? give_up(index, deaths) : Status();
  }
}

Status SharedSweep::give_up(size_t index, int deaths) {
  ChildExit exit;
  std::vector<SweepRow> rows = sweep_rows_of(instances_[index], exit, settings_);
  for (SweepRow& row : rows) {
    row.verdict = "error";
    row.reason = fmt::format("{} processes died while they ran it; run it alone to see why", deaths);
  }
  return write_rows(index, rows);
}

Result<bool> SharedSweep::claim(size_t index) {
  const Result<bool> claimed = create_claim(index);
  if (!claimed || *claimed) return claimed;
  if (!looks_dead(index)) return false;
  if (Status taken = take_over(index); !taken) return taken.error();
  if (is_done(index)) return false;
  return create_claim(index);
}

void SharedSweep::touch_claims(const std::vector<size_t>& mine) {
  if (Clock::now() < next_touch_) return;
  next_touch_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(lease_ / 5));
  for (const size_t index : mine) ::utimensat(AT_FDCWD, path(index, ".claim").c_str(), nullptr, 0);
}

Status SharedSweep::write_rows(size_t index, const std::vector<SweepRow>& rows) {
  std::string text = csv_line(sweep_columns());
  for (const SweepRow& row : rows) text += csv_line(to_csv(row));
  for (const SweepRow& row : rows) tally_.add(row);
  Status written = write_file(path(index, ".rows"), text);
  done_[index] = static_cast<bool>(written);
  return written;
}

Status SharedSweep::record(const ChildExit& exit) {
  if (is_done(exit.tag)) return {};  // Somebody who took us for dead was faster.
  if (Status written = write_rows(exit.tag, sweep_rows_of(instances_[exit.tag], exit, settings_)); !written)
    return written;
  ::unlink(path(exit.tag, ".claim").c_str());
  return {};
}

Status SharedSweep::start_some(Children& children, std::vector<size_t>& mine) {
  if (Clock::now() < next_look_) return {};
  for (size_t index = 0; index < instances_.size(); ++index) {
    if (children.running() >= static_cast<size_t>(settings_.jobs)) return {};
    if (is_done(index) || std::find(mine.begin(), mine.end(), index) != mine.end()) continue;
    const Result<bool> claimed = claim(index);
    if (!claimed) return claimed.error();
    if (!*claimed) continue;
    if (exists(path(index, ".rows"))) {  // Found between our look and our claim.
      ::unlink(path(index, ".claim").c_str());
      continue;
    }
    mine.push_back(index);
    const Instance& instance = instances_[index];
    const Status started =
        children.start(index, sweep_command_for(instance, settings_), outer_limit(instance, settings_));
    if (!started) return started;
  }
  next_look_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(kLookEvery));
  return {};
}

Status SharedSweep::run() {
  Progress progress("sweep", "instances", static_cast<int64_t>(instances_.size()));
  Children children;
  std::vector<size_t> mine;
  const auto work = [&]() -> Status {
    while (true) {
      if (interrupted()) {
        if (children.running() == 0) return {};
        children.stop();
      } else {
        if (Status started = start_some(children, mine); !started) return started;
        if (children.running() == 0 && missing() == 0) return {};
      }
      touch_claims(mine);
      if (children.running() == 0) std::this_thread::sleep_for(kPause);
      for (const ChildExit& exit : children.wait()) {
        if (interrupted()) continue;  // Not its own doing; somebody else runs it again.
        progress.erase();
        if (Status recorded = record(exit); !recorded) return recorded;
        std::erase(mine, exit.tag);
        next_look_ = {};
      }
      progress.update(static_cast<int64_t>(instances_.size() - missing()), tally_.text());
    }
  };
  Status status = work();
  for (const size_t index : mine) ::unlink(path(index, ".claim").c_str());
  return status;
}

size_t SharedSweep::missing() const { return static_cast<size_t>(std::count(done_.begin(), done_.end(), false)); }

Result<std::vector<SweepRow>> SharedSweep::rows() const {
  std::vector<SweepRow> all;
  for (size_t index = 0; index < instances_.size(); ++index) {
    if (!exists(path(index, ".rows"))) continue;
    Result<std::vector<SweepRow>> rows = read_sweep(path(index, ".rows"));
    if (!rows) return rows.error();
    all.insert(all.end(), rows->begin(), rows->end());
  }
  return all;
}

}  // namespace axiom::cli
