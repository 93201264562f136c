// axiom report: what a sweep amounts to, and what changed from one sweep to another.
#include <CLI/CLI.hpp>
#include <memory>
#include <vector>

#include "base/files.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/sweep_page.h"
#include "cli/sweep_report.h"

namespace axiom::cli {
namespace {

struct Arguments {
  std::vector<std::string> files;
  std::string html, junit, sarif;
  bool json = false;
};

Result<int> report_one(const Arguments& arguments, const std::vector<SweepRow>& rows) {
  if (arguments.json) {
    print_json(sweep_json(rows, true));
  } else {
    print(summary_table(summarize(rows)));
  }
  if (!arguments.html.empty()) {
    if (Status written = write_file(arguments.html, sweep_page(rows, true)); !written) return written.error();
  }
  if (!arguments.junit.empty()) {
    if (Status written = write_file(arguments.junit, junit_xml(rows)); !written) return written.error();
  }
  if (!arguments.sarif.empty()) {
    if (Status written = write_json(arguments.sarif, sweep_sarif(rows)); !written) return written.error();
  }
  return sweep_exit_code(rows, true, false);
}

Result<int> report_two(const Arguments& arguments, const std::vector<SweepRow>& before,
                       const std::vector<SweepRow>& after) {
  if (!arguments.junit.empty() || !arguments.sarif.empty())
    return usage_error("--junit and --sarif are about one sweep; give one file");
  const SweepComparison comparison = compare_sweeps(before, after);
  if (comparison.both.empty())
    return usage_error("the two sweeps have no instance in common; compare sweeps of the same instances");
  if (arguments.json) {
    print_json(comparison_json(comparison));
  } else {
    print(comparison_text(comparison));
  }
  if (!arguments.html.empty()) {
    const std::string page = comparison_page(comparison, arguments.files[0], arguments.files[1]);
    if (Status written = write_file(arguments.html, page); !written) return written.error();
  }
  return comparison.good() ? kExitSuccess : kExitViolated;
}

Result<int> report(const Arguments& arguments) {
  std::vector<std::vector<SweepRow>> sweeps;
  for (const std::string& file : arguments.files) {
    Result<std::vector<SweepRow>> rows = read_sweep(file);
    if (!rows) return rows.error();
    if (rows->empty()) return invalid_input(file + ": no rows; name the file that axiom sweep --csv wrote");
    sweeps.push_back(std::move(*rows));
  }
  return sweeps.size() == 1 ? report_one(arguments, sweeps[0]) : report_two(arguments, sweeps[0], sweeps[1]);
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("CSV", arguments->files, "rows of a sweep; or of two, the earlier one first")
      ->required()
      ->expected(1, 2);
  app.add_option("--html", arguments->html, "one page for people")->option_text("FILE");
  app.add_option("--junit", arguments->junit, "JUnit XML of one sweep")->option_text("FILE");
  app.add_option("--sarif", arguments->sarif, "SARIF 2.1.0 of one sweep")->option_text("FILE");
  add_json(app, arguments->json);
  return [arguments] { return report(*arguments); };
}

}  // namespace

extern const Command report_command{
    .name = "report",
    .summary = "show what a sweep amounts to, or what changed between two",
    .examples =
        "axiom report results.csv --html sweep.html\n"
        "axiom report last_week.csv today.csv --html changes.html\n",
    .notes =
        "Exit codes: with one file those of axiom sweep; with two 0 when no verdict is lost or contradicted, else 1.",
    .declare = declare};

}  // namespace axiom::cli
