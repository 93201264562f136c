// How commands speak: data on stdout, the rest on stderr, colour only on terminals, one JSON object with --json.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace axiom::cli {

using Json = nlohmann::ordered_json;

/// Exit codes; docs/cli.md lists them.
enum ExitCode : int {
  kExitSuccess = 0,  ///< Verified, or done.
  kExitViolated = 1,
  kExitUsage = 2,
  kExitUnknown = 3,
  kExitInput = 4,
  kExitCertificate = 5,
  kExitResource = 6,
  kExitInternal = 70,
};

int exit_code(ErrorKind kind);
std::string_view kind_name(ErrorKind kind);  ///< "usage", "invalid-input", ...

/// Data, to stdout.
void print(std::string_view text);
/// The object on one line, to stdout.
void print_json(const Json& object);
/// The object on one line, as a file that appears whole.
Status write_json(const std::string& path, const Json& object);
/// One line "axiom verify: <message>" to stderr.
void print_error(std::string_view command, std::string_view message);
/// The same for a failure that comes after the answer was given; the value is its exit code.
int print_late_error(std::string_view command, const Error& error);
/// axiom.error.v1
Json error_json(const Error& error);

/// A number as JSON; "NaN", "Infinity" and "-Infinity" as strings.
Json number_json(double value);
template <typename T>
Json numbers_json(std::span<const T> values) {
  Json list = Json::array();
  for (const T value : values) list.push_back(number_json(static_cast<double>(value)));
  return list;
}

enum class Colour { kGreen, kRed, kYellow, kDim };
/// The text in colour if stdout is a terminal and NO_COLOR is unset, else as it is.
std::string coloured(std::string_view text, Colour colour);

/// "0.02 s", "1.24 s", "312 s": three digits that mean something.
std::string seconds_text(double seconds);
/// "213 bytes", "1.2 MB"
std::string bytes_text(uint64_t bytes);
/// "1 leaf", "312 leaves"
std::string count_text(uint64_t count, std::string_view one, std::string_view many);
/// File name without folder, ".gz" and the suffix of its format: how verdict lines call a model or property.
std::string short_name(const std::string& path);

}  // namespace axiom::cli
