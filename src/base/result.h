// Result<T>: the only way a function reports a failure that its input can cause.
//
// Error messages name the place, the numbers and the remedy. AXIOM_CHECK is for our own mistakes; it stays in
// release builds and ends the process. Nothing throws across a folder.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace axiom {

/// What kind of failure an Error is; decides the exit code of the command line (docs/cli.md).
enum class ErrorKind {
  kUsage,           ///< The caller asked for something that makes no sense (exit 2).
  kInvalidInput,    ///< A file is malformed, or holds an operator that cannot be run (exit 4).
  kNotCertifiable,  ///< Runnable, but without certified meaning: a claim about it is `unknown` (exit 3).
  kCertificate,     ///< A certificate was rejected (exit 5).
  kResource,        ///< A cap on memory, size or time was reached (exit 6).
  kIo,              ///< The operating system refused a read or a write (exit 4).
  kInternal,        ///< A bug of ours (exit 70).
};

struct Error {
  ErrorKind kind = ErrorKind::kInternal;
  std::string message;
};

inline Error invalid_input(std::string message) { return {ErrorKind::kInvalidInput, std::move(message)}; }
inline Error not_certifiable(std::string message) { return {ErrorKind::kNotCertifiable, std::move(message)}; }
inline Error usage_error(std::string message) { return {ErrorKind::kUsage, std::move(message)}; }
inline Error io_error(std::string message) { return {ErrorKind::kIo, std::move(message)}; }
inline Error resource_error(std::string message) { return {ErrorKind::kResource, std::move(message)}; }
inline Error internal_error(std::string message) { return {ErrorKind::kInternal, std::move(message)}; }

/// Either a value or an Error. `if (!r) return r.error();` passes a failure on.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : state_(std::move(error)) {}  // NOLINT: implicit on purpose

  explicit operator bool() const { return state_.index() == 0; }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

/// A Result without a value.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose

  explicit operator bool() const { return !error_.has_value(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

[[noreturn]] inline void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: internal error: %s does not hold\n", file, line, condition);
  std::abort();
}

}  // namespace axiom

#define AXIOM_CHECK(condition)                                               \
  do {                                                                       \
    if (!(condition)) ::axiom::check_failed(__FILE__, __LINE__, #condition); \
  } while (false)
