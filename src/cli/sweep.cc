// axiom sweep: many instances, each in a process of its own, so that one that crashes, hangs or eats the memory costs
// one row and no more. Rows are written as they come; --resume goes on where a sweep was stopped.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <vector>

#include "base/files.h"
#include "base/progress.h"
#include "cli/child.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "cli/instances.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/shared_sweep.h"
#include "cli/sweep_page.h"
#include "cli/sweep_report.h"
#include "cli/sweep_settings.h"

namespace axiom::cli {
namespace {

struct Arguments {
  SweepSettings settings;
  std::string path, csv, junit, html, sarif, filter, shared;
  double lease = 60;
  size_t limit = 0;
  bool resume = false, strict = false, json = false;
};

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
      progress.update(static_cast<int64_t>(finished_), tally_.text());
    }
    return {};
  }

  bool complete() const { return finished_ == open_.size(); }
  size_t missing() const { return open_.size() - finished_; }

  /// The rows of the chosen instances, in their order: those of a resumed file too.
  std::vector<SweepRow> rows() const {
    std::vector<SweepRow> rows;
    for (const Instance& instance : instances_) {
      for (const Semantics semantics : semantics_of(arguments_.settings.semantics)) {
        const SweepRow* row = ledger_.find(instance, semantics_name(semantics));
        if (row) rows.push_back(*row);
      }
    }
    return rows;
  }

 private:
  bool is_done(const Instance& instance) const {
    const std::vector<Semantics> wanted = semantics_of(arguments_.settings.semantics);
    return std::all_of(wanted.begin(), wanted.end(), [&](Semantics semantics) {
      return ledger_.find(instance, semantics_name(semantics)) != nullptr;
    });
  }

  Status start_some(Children& children) {
    while (next_ < open_.size() && children.running() < static_cast<size_t>(arguments_.settings.jobs)) {
      const size_t index = open_[next_++];
      const Instance& instance = instances_[index];
      const Status started = children.start(index, sweep_command_for(instance, arguments_.settings),
                                            outer_limit(instance, arguments_.settings));
      if (!started) return started;
    }
    return {};
  }

  Status record(const ChildExit& exit) {
    const Instance& instance = instances_[exit.tag];
    std::vector<SweepRow> rows = sweep_rows_of(instance, exit, arguments_.settings);
    std::erase_if(rows, [&](const SweepRow& row) { return ledger_.find(instance, row.semantics) != nullptr; });
    for (const SweepRow& row : rows) tally_.add(row);
    ++finished_;
    return ledger_.add(rows);
  }

  const Arguments& arguments_;
  const std::vector<Instance> instances_;
  Ledger ledger_;
  std::vector<size_t> open_;  ///< Instances to run.
  size_t next_ = 0, finished_ = 0;
  SweepTally tally_;
};

/// What a sweep has come to.
struct Outcome {
  std::vector<SweepRow> rows;
  size_t missing = 0;  ///< Instances.
  Status status;       ///< Why it ended early, if it did.
  bool complete() const { return missing == 0; }
};

Status report(const Arguments& arguments, const Outcome& outcome) {
  const std::vector<SweepRow>& rows = outcome.rows;
  if (arguments.json) {
    print_json(sweep_json(rows, outcome.complete()));
  } else {
    print(summary_table(summarize(rows)));
  }
  if (!outcome.complete()) {
    print_error("sweep", fmt::format("stopped with {} left; {}", count_text(outcome.missing, "instance", "instances"),
                                     !arguments.shared.empty() ? "the same command goes on"
                                     : arguments.csv.empty()   ? "with --csv FILE a sweep can be resumed"
                                                               : "the same command with --resume goes on"));
  }
  if (!arguments.junit.empty()) {
    if (Status written = write_file(arguments.junit, junit_xml(rows)); !written) return written;
  }
  if (!arguments.sarif.empty()) {
    if (Status written = write_json(arguments.sarif, sweep_sarif(rows)); !written) return written;
  }
  return arguments.html.empty() ? Status() : write_file(arguments.html, sweep_page(rows, outcome.complete()));
}

Status check_options(const Arguments& arguments) {
  if (arguments.resume && !arguments.shared.empty())
    return usage_error("--shared goes on by itself from what is in its folder; leave --resume out");
  if (arguments.resume && arguments.csv.empty())
    return usage_error("--resume needs --csv FILE, the rows to go on from");
  if (arguments.shared.empty() && worker_place().count > 1)
    return usage_error(
        fmt::format("started {} times at once; --shared DIR lets the processes share the work", worker_place().count));
  return {};
}

Result<Outcome> sweep_alone(const Arguments& arguments, std::vector<Instance> chosen) {
  Result<Ledger> ledger = Ledger::open(arguments.csv, arguments.resume);
  if (!ledger) return ledger.error();
  Sweep sweep(arguments, std::move(chosen), *std::move(ledger));
  const Status finished = sweep.run();
  return Outcome{sweep.rows(), sweep.missing(), finished};
}

Result<Outcome> sweep_shared(const Arguments& arguments, const std::vector<Instance>& chosen) {
  Result<SharedSweep> sweep = SharedSweep::open(arguments.shared, arguments.lease, chosen, arguments.settings);
  if (!sweep) return sweep.error();
  const Status finished = sweep->run();
  Result<std::vector<SweepRow>> rows = sweep->rows();
  if (!rows) return rows.error();
  Outcome outcome{std::move(*rows), sweep->missing(), finished};
  if (!arguments.csv.empty() && worker_place().rank == 0) {
    std::string text = csv_line(sweep_columns());
    for (const SweepRow& row : outcome.rows) text += csv_line(to_csv(row));
    if (Status written = write_file(arguments.csv, text); !written) return written.error();
  }
  return outcome;
}

Result<int> run_sweep(const Arguments& arguments) {
  if (Status sensible = check_options(arguments); !sensible) return sensible.error();
  const Result<std::vector<Instance>> all = read_instances(arguments.path);
  if (!all) return all.error();
  std::vector<Instance> chosen = select_instances(*all, arguments.filter, arguments.limit);
  if (chosen.empty()) {
    return usage_error(fmt::format("--filter '{}' matches none of {} instances", arguments.filter, all->size()));
  }
  const Result<Outcome> outcome =
      arguments.shared.empty() ? sweep_alone(arguments, std::move(chosen)) : sweep_shared(arguments, chosen);
  if (!outcome) return outcome.error();
  if (worker_place().rank > 0) {  // The first process speaks for all; a code of ours would make mpirun end the others.
    return outcome->status ? Result<int>(kExitSuccess) : Result<int>(outcome->status.error());
  }
  const Status reported = report(arguments, *outcome);
  if (!outcome->status) return print_late_error("sweep", outcome->status.error());
  if (!reported) return print_late_error("sweep", reported.error());
  return sweep_exit_code(outcome->rows, outcome->complete(), arguments.strict);
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("PATH", arguments->path, "an instances.csv, a folder that holds one, or a folder of such folders")
      ->required();
  SweepSettings& settings = arguments->settings;
  add_semantics(app, settings.semantics, true);
  add_timeout(app, settings.timeout, "cap on the time limits of the instances; default for those without one: 60");
  add_threads(app, settings.threads, "threads of each instance; default: processors / jobs");
  app.add_option("--jobs", settings.jobs, "instances at a time; default 1")
      ->option_text("N")
      ->check(CLI::Range(1, 1024));
  app.add_option("--limit", arguments->limit, "the first N instances of each family only")->option_text("N");
  app.add_option("--filter", arguments->filter, "instances with this in \"family/network property\" only")
      ->option_text("TEXT");
  add_seed(app, settings.seed);
  app.add_option("--csv", arguments->csv, "one row an instance and semantics, written as they come")
      ->option_text("FILE");
  app.add_flag("--resume", arguments->resume, "keep the rows of the csv and run what is missing");
  app.add_option("--shared", arguments->shared,
                 "share the work with every process that names this folder, on this machine or on others: the claims\n"
                 "and rows are files in it; a process that was killed costs nothing but time")
      ->option_text("DIR");
  app.add_option("--lease", arguments->lease,
                 "with --shared: an instance is taken from a process that shows no life for this long; default 60")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.5, 86400.0));
  app.add_option("--junit", arguments->junit, "JUnit XML at the end")->option_text("FILE");
  app.add_option("--sarif", arguments->sarif, "SARIF 2.1.0 at the end")->option_text("FILE");
  app.add_option("--html", arguments->html, "one page for people at the end")->option_text("FILE");
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
        "mpirun -n 8 axiom sweep benchmarks --shared /scratch/sweep --csv results.csv\n"
        "axiom sweep benchmarks/acasxu --limit 10 --timeout 20 --jobs 2\n",
    .notes =
        "An instances.csv has the columns onnx,vnnlib and, if known, timeout_s,expected (sat, unsat, open),\n"
        "expected_real; paths are relative to its folder. The family is the name of that folder.\n"
        "Exit codes: 0 no verdict contradicts the expected one, 1 one does, 5 a certificate was rejected,\n"
        "4 an instance could not be run, 3 stopped early (or, with --strict, some are unknown).",
    .declare = declare};

}  // namespace axiom::cli
