// Files: reading them whole or in a stream, decompressed on the way, and replacing them in one step.
//
// All functions report what the operating system refused as kIo, a damaged gzip stream as kInvalidInput and a cap
// that was reached as kResource; the message starts with the path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/sha256.h"

namespace axiom {

/// No file is read beyond this many bytes, counted after decompression, unless the caller says otherwise.
inline constexpr uint64_t kMaxFileBytes = uint64_t{2} << 30;

/// An open file descriptor, closed with its owner.
class FileDescriptor {
 public:
  explicit FileDescriptor(int number = -1) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();
  int get() const { return number_; }

 private:
  int number_;
};

/// A stream of the bytes of a file. gzip is recognised by its first bytes, whatever the name, and decompressed; what
/// comes out is hashed on the way. Memory is independent of the size of the file. One thread at a time.
class FileReader {
 public:
  static Result<FileReader> open(const std::string& path, uint64_t cap = kMaxFileBytes);
  /// Takes over an open descriptor; `path` is for messages.
  static Result<FileReader> adopt(FileDescriptor file, const std::string& path, uint64_t cap = kMaxFileBytes);
  FileReader(FileReader&&) noexcept;
  ~FileReader();

  /// The next bytes, valid until the next call; empty at the end of the file.
  Result<std::span<const std::byte>> next();
  uint64_t bytes_read() const;   ///< After decompression.
  const Sha256& digest() const;  ///< Of all bytes that next() gave.

 private:
  struct State;
  explicit FileReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The whole file, decompressed when it is gzip.
Result<std::string> read_file(const std::string& path, uint64_t cap = kMaxFileBytes);

/// A file that appears under its name complete or not at all: written beside it under a temporary name, then synced
/// and renamed by commit(). Without commit() the temporary file is removed. A path that exists and is no regular
/// file (a pipe, /dev/stdout) is written to directly.
class AtomicFile {
 public:
  static Result<AtomicFile> create(const std::string& path);
  AtomicFile(AtomicFile&& other) noexcept;
  ~AtomicFile();

  Status write(std::string_view bytes);
  Status commit();

 private:
  AtomicFile(FileDescriptor file, std::string path, std::string temporary);
  FileDescriptor file_;
  std::string path_;
  std::string temporary_;  ///< Empty when writing directly, and after commit().
};

/// create, write, commit.
Status write_file(const std::string& path, std::string_view bytes);

/// Message of an errno value, e.g. "No such file or directory".
std::string errno_message(int error);

}  // namespace axiom
