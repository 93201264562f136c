// axiom sweep: many instances, each in a process of its own, so that one that crashes, hangs or eats the memory costs
// one row and no more. Rows are written as they come; --resume goes on where a sweep was stopped.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstring>
#include <memory>
#include <vector>

#include "base/files.h"
#include "base/progress.h"
#include "cli/child.h"
#include "cli/command.h"
#include "cli/instances.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/sweep_report.h"

namespace axiom::cli {
namespace {

constexpr double kDefaultTimeout = 60;
constexpr double kGrace = 10;  ///< Seconds beyond its limit after which a child is ended from outside.

struct Arguments {
  std::string path, semantics = "float32", csv, junit, filter;
  double timeout = 0;
  int threads = 0, jobs = 1;
  size_t limit = 0;
  uint64_t seed = 1;
  bool resume = false, strict = false, json = false;
};

/// The limit of an instance: its own, capped by --timeout.
double limit_of(const Instance& instance, const Arguments& arguments) {
  if (instance.timeout_seconds <= 0) return arguments.timeout > 0 ? arguments.timeout : kDefaultTimeout;
  return arguments.timeout > 0 ? std::min(arguments.timeout, instance.timeout_seconds) : instance.timeout_seconds;
}

std::string own_program() {
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  return length > 0 ? std::string(path, static_cast<size_t>(length)) : "axiom";
}

std::vector<std::string> command_for(const Instance& instance, const Arguments& arguments) {
  const int threads = arguments.threads > 0 ? arguments.threads : std::max(1, thread_count(0) / arguments.jobs);
  return {own_program(),
          "verify",
          instance.folder + "/" + instance.onnx,
          instance.folder + "/" + instance.vnnlib,
          "--json",
          "--semantics",
          arguments.semantics,
          "--timeout",
          fmt::format("{}", limit_of(instance, arguments)),
          "--threads",
          std::to_string(threads),
          "--seed",
          std::to_string(arguments.seed)};
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

std::vector<SweepRow> rows_of(const Instance& instance, const ChildExit& exit, const std::string& semantics) {
  const Json answer = Json::parse(exit.output, nullptr, false);
  const bool judged = answer.is_object() && answer.contains("results");
  std::vector<SweepRow> rows;
  const std::vector<Semantics> wanted = semantics_of(semantics);
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

/// One sweep: what is left to run, what is running, what is known.
class Sweep {
 public:
  Sweep(const Arguments& arguments, std::vector<Instance> instances, Ledger ledger)
      : arguments_(arguments), instances_(std::move(instances)), ledger_(std::move(ledger)) {
    for (size_t i = 0; i < instances_.size(); ++i) {
      if (!is_done(instances_[i])) open_.push_back(i);
    }
  }

  Status run() {
    Progress progress("sweep", "instances", static_cast<int64_t>(open_.size()));
    Children children;
    while (next_ < open_.size() || children.running() > 0) {
      if (interrupted()) {
        if (children.running() == 0) break;
        children.stop();
      } else {
        const Status started = start_some(children);
        if (!started) return started;
      }
      for (const ChildExit& exit : children.wait()) {
        if (interrupted()) continue;  // Not its own doing; --resume runs it again.
        progress.erase();
        const Status recorded = record(exit);
        if (!recorded) return recorded;
      }
      progress.update(static_cast<int64_t>(finished_), tally());
    }
    return {};
  }

  bool complete() const { return finished_ == open_.size(); }
  size_t missing() const { return open_.size() - finished_; }

  /// The rows of the chosen instances, in their order: those of a resumed file too.
  std::vector<SweepRow> rows() const {
    std::vector<SweepRow> rows;
    for (const Instance& instance : instances_) {
      for (const Semantics semantics : semantics_of(arguments_.semantics)) {
        const SweepRow* row = ledger_.find(instance, semantics_name(semantics));
        if (row) rows.push_back(*row);
      }
    }
    return rows;
  }

 private:
  bool is_done(const Instance& instance) const {
    const std::vector<Semantics> wanted = semantics_of(arguments_.semantics);
    return std::all_of(wanted.begin(), wanted.end(), [&](Semantics semantics) {
      return ledger_.find(instance, semantics_name(semantics)) != nullptr;
    });
  }

  Status start_some(Children& children) {
    while (next_ < open_.size() && children.running() < static_cast<size_t>(arguments_.jobs)) {
      const size_t index = open_[next_++];
      const Instance& instance = instances_[index];
      const Status started =
          children.start(index, command_for(instance, arguments_), limit_of(instance, arguments_) + kGrace);
      if (!started) return started;
    }
    return {};
  }

  Status record(const ChildExit& exit) {
    const Instance& instance = instances_[exit.tag];
    std::vector<SweepRow> rows = rows_of(instance, exit, arguments_.semantics);
    std::erase_if(rows, [&](const SweepRow& row) { return ledger_.find(instance, row.semantics) != nullptr; });
    for (const SweepRow& row : rows) announce(row);
    ++finished_;
    return ledger_.add(rows);
  }

  void announce(const SweepRow& row) {
    verified_ += row.verdict == "verified";
    violated_ += row.verdict == "violated";
    unknown_ += row.verdict == "unknown";
    const std::string name = fmt::format("{}/{} {} {}", row.family, row.onnx, row.vnnlib, row.semantics);
    if (row.wrong()) print_error("sweep", fmt::format("{}: {}, but expected {}", name, row.verdict, row.expected));
    if (row.verdict == "error") print_error("sweep", fmt::format("{}: {}", name, row.reason));
  }

  std::string tally() const {
    return fmt::format("{} verified, {} violated, {} unknown", verified_, violated_, unknown_);
  }

  const Arguments& arguments_;
  const std::vector<Instance> instances_;
  Ledger ledger_;
  std::vector<size_t> open_;  ///< Instances to run.
  size_t next_ = 0, finished_ = 0;
  size_t verified_ = 0, violated_ = 0, unknown_ = 0;
};

Status report(const Arguments& arguments, const std::vector<SweepRow>& rows, const Sweep& sweep) {
  if (arguments.json) {
    print_json(sweep_json(rows, sweep.complete()));
  } else {
    print(summary_table(summarize(rows)));
  }
  if (!sweep.complete()) {
    print_error("sweep", fmt::format("stopped with {} left; {}", count_text(sweep.missing(), "instance", "instances"),
                                     arguments.csv.empty() ? "with --csv FILE a sweep can be resumed"
                                                           : "the same command with --resume goes on"));
  }
  return arguments.junit.empty() ? Status() : write_file(arguments.junit, junit_xml(rows));
}

Result<int> run_sweep(const Arguments& arguments) {
  if (arguments.resume && arguments.csv.empty())
    return usage_error("--resume needs --csv FILE, the rows to go on from");
  const Result<std::vector<Instance>> all = read_instances(arguments.path);
  if (!all) return all.error();
  std::vector<Instance> chosen = select_instances(*all, arguments.filter, arguments.limit);
  if (chosen.empty()) {
    return usage_error(fmt::format("--filter '{}' matches none of {} instances", arguments.filter, all->size()));
  }
  Result<Ledger> ledger = Ledger::open(arguments.csv, arguments.resume);
  if (!ledger) return ledger.error();

  Sweep sweep(arguments, std::move(chosen), *std::move(ledger));
  const Status finished = sweep.run();
  const std::vector<SweepRow> rows = sweep.rows();
  const Status reported = report(arguments, rows, sweep);
  if (!finished) return print_late_error("sweep", finished.error());
  if (!reported) return print_late_error("sweep", reported.error());
  return sweep_exit_code(rows, sweep.complete(), arguments.strict);
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("PATH", arguments->path, "an instances.csv, a folder that holds one, or a folder of such folders")
      ->required();
  add_semantics(app, arguments->semantics, true);
  add_timeout(app, arguments->timeout, "cap on the time limits of the instances; default for those without one: 60");
  add_threads(app, arguments->threads, "threads of each instance; default: processors / jobs");
  app.add_option("--jobs", arguments->jobs, "instances at a time; default 1")
      ->option_text("N")
      ->check(CLI::Range(1, 1024));
  app.add_option("--limit", arguments->limit, "the first N instances of each family only")->option_text("N");
  app.add_option("--filter", arguments->filter, "instances with this in \"family/network property\" only")
      ->option_text("TEXT");
  add_seed(app, arguments->seed);
  app.add_option("--csv", arguments->csv, "one row an instance and semantics, written as they come")
      ->option_text("FILE");
  app.add_flag("--resume", arguments->resume, "keep the rows of the csv and run what is missing");
  app.add_option("--junit", arguments->junit, "JUnit XML at the end")->option_text("FILE");
  app.add_flag("--strict", arguments->strict, "unknown is not good enough: exit code 3");
  add_json(app, arguments->json);
  return [arguments] { return run_sweep(*arguments); };
}

}  // namespace

extern const Command sweep_command{
    .name = "sweep",
    .summary = "verify many instances and compare with the expected answers",
    .examples =
        "axiom sweep examples/hello/expected.csv\n"
        "axiom sweep benchmarks --semantics both --csv results.csv --junit results.xml\n"
        "axiom sweep benchmarks --csv results.csv --resume\n"
        "axiom sweep benchmarks/acasxu --limit 10 --timeout 20 --jobs 2\n",
    .notes =
        "An instances.csv has the columns onnx,vnnlib and, if known, timeout_s,expected (sat, unsat, open),\n"
        "expected_real; paths are relative to its folder. The family is the name of that folder.\n"
        "Exit codes: 0 no verdict contradicts the expected one, 1 one does, 5 a certificate was rejected,\n"
        "4 an instance could not be run, 3 stopped early (or, with --strict, some are unknown).",
    .declare = declare};

}  // namespace axiom::cli
