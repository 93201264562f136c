// An instance as a process of its own, and what its answer says.
#include "cli/sweep_settings.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "cli/options.h"
#include "cli/output.h"

namespace axiom::cli {
namespace {

constexpr double kDefaultTimeout = 60;
constexpr double kGrace = 10;  ///< Seconds beyond its limit after which a child is ended from outside.

/// The limit of an instance: its own, capped by --timeout.
double limit_of(const Instance& instance, const SweepSettings& settings) {
  if (instance.timeout_seconds <= 0) return settings.timeout > 0 ? settings.timeout : kDefaultTimeout;
  return settings.timeout > 0 ? std::min(settings.timeout, instance.timeout_seconds) : instance.timeout_seconds;
}

std::string own_program() {
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  return length > 0 ? std::string(path, static_cast<size_t>(length)) : "axiom";
}

/// Why a child that left no verdict did not.
void explain_failure(const ChildExit& exit, const Json& answer, SweepRow& row) {
  row.verdict = "error";
  if (answer.is_object() && answer.contains("message")) {
    row.reason = answer["message"].get<std::string>();
  } else if (exit.timed_out) {
    row.verdict = "unknown";
    row.reason = fmt::format("time: ended from outside after {:.0f} s", exit.seconds);
  } else if (exit.signal == SIGKILL) {
    row.verdict = "unknown";
    row.reason = "memory: killed by the system";
  } else if (exit.signal != 0) {
    row.reason = fmt::format("crashed: {}", strsignal(exit.signal));
  } else {
    row.reason = fmt::format("exit code {}: {}", exit.code, exit.errors.substr(0, 300));
  }
}

void take_result(const Json& result, SweepRow& row) {
  row.verdict = result.at("verdict").get<std::string>();
  row.seconds = result.at("seconds").get<double>();
  row.check_seconds = result.at("check_seconds").get<double>();
  row.leaves = result.at("leaves").get<uint64_t>();
  if (row.verdict == "verified") row.certificate_bytes = result.at("certificate").at("bytes").get<uint64_t>();
  if (row.verdict == "unknown") {
    row.reason = result.at("reason").get<std::string>() + ": " + result.at("explanation").get<std::string>();
  }
  if (row.verdict == "violated" && result.contains("witness")) {
    const Json& witness = result["witness"];
    row.reason = fmt::format("witness by {}, {}, {}", witness.at("origin").get<std::string>(),
                             witness.at("robust").get<bool>() ? "robust" : "within rounding noise",
                             witness.at("inside_exact_box").get<bool>() ? "inside exact box" : "inside rounded box");
  }
}

}  // namespace

std::vector<std::string> sweep_command_for(const Instance& instance, const SweepSettings& settings) {
  const int threads = settings.threads > 0 ? settings.threads : std::max(1, thread_count(0) / settings.jobs);
  return {own_program(),
          "verify",
          instance.folder + "/" + instance.onnx,
          instance.folder + "/" + instance.vnnlib,
          "--json",
          "--semantics",
          settings.semantics,
          "--timeout",
          fmt::format("{}", limit_of(instance, settings)),
          "--threads",
          std::to_string(threads),
          "--seed",
          std::to_string(settings.seed)};
}

double outer_limit(const Instance& instance, const SweepSettings& settings) {
  return limit_of(instance, settings) + kGrace;
}

std::vector<SweepRow> sweep_rows_of(const Instance& instance, const ChildExit& exit, const SweepSettings& settings) {
  const Json answer = Json::parse(exit.output, nullptr, false);
  const bool judged = answer.is_object() && answer.contains("results");
  std::vector<SweepRow> rows;
  const std::vector<Semantics> wanted = semantics_of(settings.semantics);
  for (size_t i = 0; i < wanted.size(); ++i) {
    SweepRow& row = rows.emplace_back();
    row.family = instance.family;
    row.onnx = instance.onnx;
    row.vnnlib = instance.vnnlib;
    row.semantics = semantics_name(wanted[i]);
    const std::string_view expected = instance.expected_in(row.semantics);
    row.expected = expected.empty() ? "open" : std::string(expected);
    row.seconds = exit.seconds;
    row.peak_mb = exit.peak_mb;
    if (judged) {
      take_result(answer["results"].at(i), row);
    } else {
      explain_failure(exit, answer, row);
    }
    std::replace(row.reason.begin(), row.reason.end(), '\n', ' ');
  }
  return rows;
}

void SweepTally::add(const SweepRow& row) {
  verified_ += row.verdict == "verified";
  violated_ += row.verdict == "violated";
  unknown_ += row.verdict == "unknown";
  const std::string name = fmt::format("{}/{} {} {}", row.family, row.onnx, row.vnnlib, row.semantics);
  if (row.wrong()) print_error("sweep", fmt::format("{}: {}, but expected {}", name, row.verdict, row.expected));
  if (row.verdict == "error") print_error("sweep", fmt::format("{}: {}", name, row.reason));
}

std::string SweepTally::text() const {
  return fmt::format("{} verified, {} violated, {} unknown", verified_, violated_, unknown_);
}

}  // namespace axiom::cli
