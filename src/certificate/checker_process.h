// Running the independent checker as a program of its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "certificate/certify.h"

namespace axiom {

/// A file without content that is removed with this object.
class TemporaryFile {
 public:
  static Result<TemporaryFile> make(const char* suffix);
  TemporaryFile(TemporaryFile&& other) noexcept;
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile();
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// A file that holds the decompressed bytes of `path`: the file itself when it is not gzip, else a temporary copy that
/// is removed with this object.
class PlainFile {
 public:
  static Result<PlainFile> of(const std::string& path);
  /// A temporary file with these bytes.
  static Result<PlainFile> holding(std::string_view bytes);
  const std::string& path() const { return path_; }

 private:
  explicit PlainFile(std::string path) : path_(std::move(path)) {}
  explicit PlainFile(TemporaryFile copy) : path_(copy.path()), copy_(std::move(copy)) {}
  std::string path_;
  std::optional<TemporaryFile> copy_;
};

/// `checker_path`, or `axiom-check` beside the running program when empty. kInternal when it is not there.
Result<std::string> find_checker(const std::string& checker_path);

/// Runs the checker on plain files; a claim about another semantics than the given one is rejected. Errors only when it
/// could not be run at all.
Result<CheckOutcome> run_checker_on_plain_files(const std::string& certificate_path, const std::string& model_path,
                                                const std::string& property_path, std::optional<Semantics> semantics,
                                                const std::string& checker_path, int threads = 1,
                                                const std::string& nodes_path = "");

}  // namespace axiom
