// Text and JSON that all commands share.
#include "cli/output.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/files.h"
#include "base/progress.h"

namespace axiom::cli {

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUsage:
      return kExitUsage;
    case ErrorKind::kInvalidInput:
      return kExitInput;
    case ErrorKind::kNotCertifiable:
      return kExitUnknown;
    case ErrorKind::kCertificate:
      return kExitCertificate;
    case ErrorKind::kResource:
      return kExitResource;
    case ErrorKind::kIo:
      return kExitInput;
    case ErrorKind::kInternal:
      return kExitInternal;
  }
  return kExitInternal;
}

std::string_view kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUsage:
      return "usage";
    case ErrorKind::kInvalidInput:
      return "invalid-input";
    case ErrorKind::kNotCertifiable:
      return "not-certifiable";
    case ErrorKind::kCertificate:
      return "certificate";
    case ErrorKind::kResource:
      return "resource";
    case ErrorKind::kIo:
      return "io";
    case ErrorKind::kInternal:
      return "internal";
  }
  return "internal";
}

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

static std::string line_of(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void print_json(const Json& object) { print(line_of(object)); }

Status write_json(const std::string& path, const Json& object) { return write_file(path, line_of(object)); }

void print_error(std::string_view command, std::string_view message) {
  const bool colour = stderr_has_colour();
  fmt::print(stderr, "{}axiom{}{}:{} {}\n", colour ? "\x1b[31m" : "", command.empty() ? "" : " ", command,
             colour ? "\x1b[0m" : "", message);
}

int print_late_error(std::string_view command, const Error& error) {
  print_error(command, error.message);
  return exit_code(error.kind);
}

Json error_json(const Error& error) {
  return {{"schema", "axiom.error.v1"},
          {"kind", kind_name(error.kind)},
          {"message", error.message},
          {"exit_code", exit_code(error.kind)}};
}

Json number_json(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

std::string coloured(std::string_view text, Colour colour) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  static const bool terminal = isatty(STDOUT_FILENO) == 1;
  const bool wanted = terminal && (!no_color || !*no_color) && !(term && std::string_view(term) == "dumb");
  if (!wanted) return std::string(text);
  constexpr int kCodes[] = {32, 31, 33, 2};
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<int>(colour)], text);
}

std::string seconds_text(double seconds) {
  return seconds < 100 ? fmt::format("{:.2f} s", seconds) : fmt::format("{:.0f} s", seconds);
}

std::string bytes_text(uint64_t bytes) {
  if (bytes < 10'000) return fmt::format("{} bytes", bytes);
  if (bytes < 1'000'000) return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

std::string count_text(uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string short_name(const std::string& path) {
  std::filesystem::path name = std::filesystem::path(path).filename();
  if (name.extension() == ".gz") name.replace_extension();
  if (name.extension() == ".onnx" || name.extension() == ".vnnlib") name.replace_extension();
  return name.string();
}

}  // namespace axiom::cli
