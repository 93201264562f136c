// A finding stands in the property file: that is what somebody has to look at. The line is known for counterexamples.
#include "cli/findings.h"

#include "cli/verdict.h"
#include "observe/html.h"
#include "observe/sarif.h"

namespace axiom::cli {
namespace {

std::string rule_of(const Decision& decision) {
  const bool unknown = decision.verdict == Verdict::kUnknown;
  return "axiom/" + std::string(unknown ? reason_name(decision.reason) : verdict_name(decision.verdict));
}

std::string message_of(const DecisionReport& report, const Decision& decision) {
  const std::string subject = fmt::format("{}, {}: ", report.model_path, semantics_name(decision.semantics));
  switch (decision.verdict) {
    case Verdict::kVerified:
      return subject +
             fmt::format("verified; axiom-check has accepted the certificate sha256:{}.", decision.certificate_digest);
    case Verdict::kViolated:
      return subject + (decision.witness ? fmt::format("violated by an input found by {}, with a margin of {:.6g}.",
                                                       decision.witness->origin, decision.witness->margin)
                                         : "violated.");
    case Verdict::kUnknown:
      break;
  }
  return subject + "neither proved nor refuted: " + decision.explanation + ".";
}

Finding finding_of(const DecisionReport& report, const Decision& decision) {
  Finding finding;
  finding.rule = rule_of(decision);
  finding.message = message_of(report, decision);
  finding.path = report.property_path;
  finding.line = decision.witness ? std::max(1, decision.witness->constraint_line) : 1;
  finding.identity =
      fmt::format("{} {} {}", report.model_digest, report.property_digest, semantics_name(decision.semantics));
  finding.properties = decision_json(decision);
  return finding;
}

Finding failure_of(const Error& error, const std::string& property_path) {
  return {"axiom/not-run", error.message, property_path, 1, property_path, nullptr};
}

/// The finding of a row; the reason of an unknown begins with its category.
Finding finding_of(const SweepRow& row) {
  Finding finding;
  const std::string subject = fmt::format("{}/{}, {}: ", row.family, row.onnx, row.semantics);
  finding.rule = "axiom/" + row.verdict;
  if (row.verdict == "unknown") finding.rule = "axiom/" + row.reason.substr(0, row.reason.find(':'));
  if (row.verdict == "error") finding.rule = "axiom/not-run";
  if (row.wrong()) finding.rule = "axiom/wrong-verdict";
  finding.message = subject + row.verdict + (row.wrong() ? ", but expected " + row.expected : "") +
                    (row.reason.empty() ? "." : ": " + row.reason + ".");
  finding.path = row.family + "/" + row.vnnlib;
  finding.line = 1;
  finding.identity = fmt::format("{} {} {} {}", row.family, row.onnx, row.vnnlib, row.semantics);
  finding.properties = to_json(row);
  return finding;
}

std::string junit_text(const std::string& name, size_t tests, size_t failures, size_t errors, size_t skipped,
                       const std::string& cases) {
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"axiom verify\">\n  <testsuite name=\"{}\" "
      "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n{}  </testsuite>\n</testsuites>\n",
      html_escape(name), tests, failures, errors, skipped, cases);
}

}  // namespace

Json verify_sarif(const Result<DecisionReport>& report, const std::string& property_path) {
  std::vector<Finding> findings;
  if (!report) {
    findings.push_back(failure_of(report.error(), property_path));
  } else {
    for (const Decision& decision : report->decisions) findings.push_back(finding_of(*report, decision));
  }
  return sarif_document(AXIOM_VERSION, findings);
}

std::string verify_junit(const Result<DecisionReport>& report, const std::string& model_path,
                         const std::string& property_path) {
  const std::string suite = short_name(model_path);
  if (!report) {
    return junit_text(
        suite, 1, 0, 1, 0,
        fmt::format("    <testcase classname=\"{}\" name=\"{}\"><error message=\"{}\"/></testcase>\n",
                    html_escape(suite), html_escape(short_name(property_path)), html_escape(report.error().message)));
  }
  std::string cases;
  size_t failures = 0, skipped = 0;
  for (const Decision& decision : report->decisions) {
    std::string outcome;
    if (decision.verdict == Verdict::kViolated) {
      ++failures;
      outcome = fmt::format("<failure message=\"{}\"/>", html_escape(message_of(*report, decision)));
    } else if (decision.verdict == Verdict::kUnknown) {
      ++skipped;
      outcome =
          fmt::format("<skipped message=\"{}: {}\"/>", reason_name(decision.reason), html_escape(decision.explanation));
    }
    cases += fmt::format("    <testcase classname=\"{}\" name=\"{} {}\" time=\"{:.3f}\">{}</testcase>\n",
                         html_escape(suite), html_escape(short_name(property_path)), semantics_name(decision.semantics),
                         decision.seconds, outcome);
  }
  return junit_text(suite, report->decisions.size(), failures, 0, skipped, cases);
}

Json sweep_sarif(const std::vector<SweepRow>& rows) {
  std::vector<Finding> findings;
  for (const SweepRow& row : rows) findings.push_back(finding_of(row));
  return sarif_document(AXIOM_VERSION, findings);
}

}  // namespace axiom::cli
