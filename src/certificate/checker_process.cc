// Starting axiom-check with posix_spawn and reading what it says.
#include "certificate/checker_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/files.h"

extern char** environ;

namespace axiom {
namespace {

bool is_gzip(const std::string& path) {
  FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return false;
  unsigned char magic[2] = {};
  const size_t got = std::fread(magic, 1, 2, file);
  std::fclose(file);
  return got == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
}

}  // namespace

Result<TemporaryFile> TemporaryFile::make(const char* suffix) {
  std::string name = (std::filesystem::temp_directory_path() / "axiom-XXXXXX").string() + suffix;
  const int file = mkstemps(name.data(), static_cast<int>(std::strlen(suffix)));
  if (file < 0) return io_error(name + ": cannot create a temporary file: " + std::strerror(errno));
  close(file);
  return TemporaryFile(std::move(name));
}

TemporaryFile::TemporaryFile(TemporaryFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TemporaryFile::~TemporaryFile() {
  if (!path_.empty()) unlink(path_.c_str());
}

Result<PlainFile> PlainFile::of(const std::string& path) {
  if (!is_gzip(path)) return PlainFile(path);
  Result<FileReader> reader = FileReader::open(path);
  if (!reader) return reader.error();
  Result<TemporaryFile> copy = TemporaryFile::make(".plain");
  if (!copy) return copy.error();
  PlainFile plain(std::move(*copy));
  FILE* out = std::fopen(plain.path_.c_str(), "wb");
  if (out == nullptr) return io_error(plain.path_ + ": " + std::strerror(errno));
  while (true) {
    auto chunk = reader->next();
    if (!chunk || chunk->empty()) {
      const bool closed = std::fclose(out) == 0;
      if (!chunk) return chunk.error();
      if (!closed) return io_error(plain.path_ + ": " + std::strerror(errno));
      return plain;
    }
    if (std::fwrite(chunk->data(), 1, chunk->size(), out) != chunk->size()) {
      const int reason = errno;
      std::fclose(out);
      return io_error(plain.path_ + ": cannot write: " + std::strerror(reason));
    }
  }
}

Result<PlainFile> PlainFile::holding(std::string_view bytes) {
  Result<TemporaryFile> copy = TemporaryFile::make(".plain");
  if (!copy) return copy.error();
  PlainFile plain(std::move(*copy));
  if (Status written = write_file(plain.path_, bytes); !written) return written.error();
  return plain;
}

Result<std::string> find_checker(const std::string& checker_path) {
  std::string path = checker_path;
  if (path.empty()) {
    std::error_code failure;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", failure);
    if (failure) return internal_error("cannot find the running program: " + failure.message());
    path = (self.parent_path() / "axiom-check").string();
  }
  if (access(path.c_str(), X_OK) != 0) {
    return internal_error(path +
                          ": the checker is missing or not executable; nothing can be verified without it. "
                          "Build or install it beside axiom");
  }
  return path;
}

Result<CheckOutcome> run_checker_on_plain_files(const std::string& certificate_path, const std::string& model_path,
                                                const std::string& property_path, std::optional<Semantics> semantics,
                                                const std::string& checker_path, int threads,
                                                const std::string& nodes_path) {
  Result<std::string> checker = find_checker(checker_path);
  if (!checker) return checker.error();
  std::array<int, 2> pipe_ends{};
  if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) return internal_error(std::string("pipe: ") + std::strerror(errno));
  std::vector<std::string> words{*checker, certificate_path, "--model", model_path, "--property", property_path};
  if (semantics) words.insert(words.end(), {"--semantics", std::string(semantics_name(*semantics))});
  if (threads > 1) words.insert(words.end(), {"--threads", std::to_string(threads)});
  if (!nodes_path.empty()) words.insert(words.end(), {"--nodes", nodes_path});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], 2);
  const auto start = std::chrono::steady_clock::now();
  pid_t child = 0;
  const int spawned = posix_spawn(&child, checker->c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pipe_ends[1]);
  if (spawned != 0) {
    close(pipe_ends[0]);
    return internal_error(*checker + ": cannot be started: " + std::strerror(spawned));
  }
  CheckOutcome outcome;
  std::array<char, 4096> buffer{};
  for (ssize_t got; (got = read(pipe_ends[0], buffer.data(), buffer.size())) != 0;) {
    if (got > 0)
      outcome.line.append(buffer.data(), static_cast<size_t>(got));
    else if (errno != EINTR)
      break;
  }
  close(pipe_ends[0]);
  int state = 0;
  while (waitpid(child, &state, 0) < 0 && errno == EINTR) {
  }
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  outcome.exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
  while (!outcome.line.empty() && outcome.line.back() == '\n') outcome.line.pop_back();
  outcome.accepted = outcome.exit_code == 0 && outcome.line.rfind("ACCEPTED ", 0) == 0;
  return outcome;
}

Result<CheckOutcome> run_checker(const std::string& certificate_path, const std::string& model_path,
                                 const std::string& property_path, std::optional<Semantics> semantics,
                                 const std::string& checker_path, int threads, const std::string& nodes_path) {
  Result<PlainFile> model = PlainFile::of(model_path);
  if (!model) return model.error();
  Result<PlainFile> property = PlainFile::of(property_path);
  if (!property) return property.error();
  return run_checker_on_plain_files(certificate_path, model->path(), property->path(), semantics, checker_path, threads,
                                    nodes_path);
}

}  // namespace axiom
