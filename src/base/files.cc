// Files by POSIX calls: the reader inflates through zlib in fixed buffers; the writer follows the usual recipe for
// crash safety (temporary file in the same folder, write, fsync, rename, fsync of the folder).
#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <filesystem>
#include <random>
#include <system_error>
#include <vector>

namespace axiom {
namespace {

constexpr size_t kChunk = size_t{64} << 10;

Error refused(const std::string& path, const char* action, int error) {
  return io_error(path + ": cannot " + action + ": " + errno_message(error));
}

/// Reads until `size` bytes are there or the file ends.
Result<size_t> read_full(int file, std::byte* data, size_t size, const std::string& path) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(file, data + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refused(path, "read", errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

}  // namespace

std::string errno_message(int error) { return std::system_category().message(error); }

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (number_ >= 0) ::close(number_);
}

struct FileReader::State {
  FileDescriptor file;
  std::string path;
  uint64_t cap = 0, total = 0;
  Sha256 digest;
  std::vector<std::byte> raw = std::vector<std::byte>(kChunk);
  size_t raw_size = 0;  ///< Bytes of `raw` that hold input.
  bool compressed = false;
  bool member_open = true;  ///< Inside a gzip member; a file may hold several, one after the other.
  z_stream zlib = {};
  std::vector<std::byte> inflated;

  ~State() {
    if (compressed) inflateEnd(&zlib);
  }

  /// Replaces `raw` by the next part of the file.
  Status refill() {
    const auto got = read_full(file.get(), raw.data(), raw.size(), path);
    if (!got) return got.error();
    raw_size = *got;
    return {};
  }

  Status start() {
    if (auto filled = refill(); !filled) return filled;
    if (raw_size < 2 || raw[0] != std::byte{0x1f} || raw[1] != std::byte{0x8b}) return {};
    constexpr int gzip_window = 15 + 16;  // zlib's spelling of "gzip header and trailer, any window".
    if (inflateInit2(&zlib, gzip_window) != Z_OK) return resource_error(path + ": no memory to decompress it");
    compressed = true;
    inflated.resize(kChunk);
    feed();
    return {};
  }

  void feed() {
    zlib.next_in = reinterpret_cast<Bytef*>(raw.data());
    zlib.avail_in = static_cast<uInt>(raw_size);
  }

  Result<std::span<const std::byte>> next_inflated();
  Error damaged(const char* why) const { return invalid_input(path + ": damaged gzip file: " + why); }
};

Result<std::span<const std::byte>> FileReader::State::next_inflated() {
  zlib.next_out = reinterpret_cast<Bytef*>(inflated.data());
  zlib.avail_out = static_cast<uInt>(inflated.size());
  while (zlib.avail_out > 0) {
    if (zlib.avail_in == 0) {
      if (auto filled = refill(); !filled) return filled.error();
      feed();
      if (raw_size == 0 && member_open) return damaged("it ends too early");
      if (raw_size == 0) break;
    }
    if (!member_open && inflateReset(&zlib) != Z_OK) return damaged("it cannot be continued");
    member_open = true;
    const int code = inflate(&zlib, Z_NO_FLUSH);
    if (code == Z_STREAM_END) {
      member_open = false;
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      return damaged(zlib.msg != nullptr ? zlib.msg : "it cannot be decompressed");
    }
  }
  return std::span<const std::byte>(inflated.data(), inflated.size() - zlib.avail_out);
}

FileReader::FileReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
FileReader::FileReader(FileReader&&) noexcept = default;
FileReader::~FileReader() = default;

Result<FileReader> FileReader::open(const std::string& path, uint64_t cap) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return refused(path, "open", errno);
  return adopt(std::move(file), path, cap);
}

Result<FileReader> FileReader::adopt(FileDescriptor file, const std::string& path, uint64_t cap) {
  auto state = std::make_unique<State>();
  state->file = std::move(file);
  state->path = path;
  state->cap = cap;
  if (auto started = state->start(); !started) return started.error();
  return FileReader(std::move(state));
}

Result<std::span<const std::byte>> FileReader::next() {
  State& s = *state_;
  std::span<const std::byte> chunk;
  if (s.compressed) {
    auto inflated = s.next_inflated();
    if (!inflated) return inflated.error();
    chunk = *inflated;
  } else {
    // start() filled the first chunk; every later call fetches its own.
    if (s.total > 0) {
      if (auto filled = s.refill(); !filled) return filled.error();
    }
    chunk = {s.raw.data(), s.raw_size};
  }
  s.total += chunk.size();
  if (s.total > s.cap) {
    return resource_error(s.path + ": larger than " + std::to_string(s.cap) + " bytes" +
                          (s.compressed ? " when decompressed" : ""));
  }
  s.digest.update(chunk.data(), chunk.size());
  return chunk;
}

uint64_t FileReader::bytes_read() const { return state_->total; }
const Sha256& FileReader::digest() const { return state_->digest; }

Result<std::string> read_file(const std::string& path, uint64_t cap) {
  auto reader = FileReader::open(path, cap);
  if (!reader) return reader.error();
  std::string bytes;
  for (;;) {
    const auto chunk = reader->next();
    if (!chunk) return chunk.error();
    if (chunk->empty()) return bytes;
    bytes.append(reinterpret_cast<const char*>(chunk->data()), chunk->size());
  }
}

AtomicFile::AtomicFile(FileDescriptor file, std::string path, std::string temporary)
    : file_(std::move(file)), path_(std::move(path)), temporary_(std::move(temporary)) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : file_(std::move(other.file_)),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, std::string())) {}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<AtomicFile> AtomicFile::create(const std::string& path) {
  std::error_code ignored;
  // A link is followed first, so that the file it names is replaced and not the link.
  const std::filesystem::path resolved = std::filesystem::weakly_canonical(path, ignored);
  const std::string target = resolved.empty() ? path : resolved.string();
  struct stat before = {};
  const bool exists = ::stat(target.c_str(), &before) == 0;
  if (exists && !S_ISREG(before.st_mode)) {
    FileDescriptor file(::open(target.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.get() < 0) return refused(path, "write", errno);
    return AtomicFile(std::move(file), target, "");
  }
  std::random_device random;
  for (;;) {
    std::string temporary = target + "." + std::to_string(random()) + ".tmp";
    FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (file.get() < 0 && errno == EEXIST) continue;
    if (file.get() < 0) return refused(path, "create a file beside it", errno);
    AtomicFile result(std::move(file), target, std::move(temporary));
    if (exists && ::fchmod(result.file_.get(), before.st_mode & 07777) != 0)
      return refused(path, "keep its mode", errno);
    return result;
  }
}

Status AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(file_.get(), bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return refused(path_, "write", errno);
    bytes.remove_prefix(static_cast<size_t>(done));
  }
  return {};
}

Status AtomicFile::commit() {
  if (temporary_.empty()) return {};
  if (::fsync(file_.get()) != 0) return refused(path_, "write", errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return refused(path_, "replace", errno);
  temporary_.clear();
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  const FileDescriptor directory(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return refused(path_, "sync its folder", errno);
  return {};
}

Status write_file(const std::string& path, std::string_view bytes) {
  auto file = AtomicFile::create(path);
  if (!file) return file.error();
  if (auto written = file->write(bytes); !written) return written;
  return file->commit();
}

}  // namespace axiom
