// Everything here is computed from the rows, so that a resumed sweep reports as an uninterrupted one does.
#include "cli/sweep_report.h"

#include <algorithm>
#include <map>

#include "observe/html.h"

namespace axiom::cli {
namespace {

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

FamilySummary summarize_group(const std::string& family, const std::string& semantics,
                              const std::vector<const SweepRow*>& rows) {
  FamilySummary summary;
  summary.family = family;
  summary.semantics = semantics;
  std::vector<double> bytes_per_leaf;
  double check = 0, solve = 0;
  for (const SweepRow* row : rows) {
    ++summary.instances;
    summary.verified += row->verdict == "verified";
    summary.violated += row->verdict == "violated";
    summary.unknown += row->verdict == "unknown";
    summary.errors += row->verdict == "error";
    summary.wrong += row->wrong();
    summary.seconds += row->seconds;
    summary.peak_mb = std::max(summary.peak_mb, row->peak_mb);
    if (row->verdict != "verified") continue;
    summary.largest_certificate = std::max(summary.largest_certificate, row->certificate_bytes);
    check += row->check_seconds;
    solve += row->seconds - row->check_seconds;
    if (row->leaves > 0) {
      bytes_per_leaf.push_back(static_cast<double>(row->certificate_bytes) / static_cast<double>(row->leaves));
    }
  }
  summary.bytes_per_leaf = median(bytes_per_leaf);
  summary.check_per_solve = solve > 0 ? check / solve : 0;
  return summary;
}

Json to_json(const FamilySummary& summary) {
  return {{"family", summary.family},
          {"semantics", summary.semantics},
          {"instances", summary.instances},
          {"verified", summary.verified},
          {"violated", summary.violated},
          {"unknown", summary.unknown},
          {"errors", summary.errors},
          {"wrong", summary.wrong},
          {"seconds", summary.seconds},
          {"bytes_per_leaf", summary.bytes_per_leaf},
          {"check_per_solve", summary.check_per_solve},
          {"largest_certificate", summary.largest_certificate},
          {"peak_mb", summary.peak_mb}};
}

std::string junit_case(const SweepRow& row) {
  std::string outcome;
  if (row.verdict == "error") outcome = fmt::format("<error message=\"{}\"/>", html_escape(row.reason));
  if (row.verdict == "unknown") outcome = fmt::format("<skipped message=\"unknown: {}\"/>", html_escape(row.reason));
  if (row.wrong()) outcome = fmt::format("<failure message=\"{}, but expected {}\"/>", row.verdict, row.expected);
  return fmt::format("    <testcase classname=\"{}\" name=\"{} {} {}\" time=\"{:.3f}\">{}</testcase>\n",
                     html_escape(row.family), html_escape(row.onnx), html_escape(row.vnnlib), row.semantics,
                     row.seconds, outcome);
}

bool any(const std::vector<SweepRow>& rows, bool (*condition)(const SweepRow&)) {
  return std::any_of(rows.begin(), rows.end(), condition);
}

}  // namespace

std::vector<FamilySummary> summarize(const std::vector<SweepRow>& rows) {
  using Key = std::pair<std::string, std::string>;
  std::vector<Key> order;
  std::map<Key, std::vector<const SweepRow*>> groups;
  std::map<std::string, std::vector<const SweepRow*>> everything;
  for (const SweepRow& row : rows) {
    const Key key{row.family, row.semantics};
    if (groups[key].empty()) order.push_back(key);
    groups[key].push_back(&row);
    everything[row.semantics].push_back(&row);
  }
  std::vector<FamilySummary> summaries;
  for (const Key& key : order) summaries.push_back(summarize_group(key.first, key.second, groups[key]));
  if (order.size() > everything.size()) {
    for (const auto& [semantics, all] : everything) summaries.push_back(summarize_group("all", semantics, all));
  }
  return summaries;
}

std::string summary_table(const std::vector<FamilySummary>& summaries) {
  size_t width = 6;
  for (const FamilySummary& s : summaries) width = std::max(width, s.family.size());
  std::string out = fmt::format(
      "{:<{}}  semantics  decided  verified  violated  unknown  error  wrong    seconds  bytes/leaf  "
      "check/solve  largest certificate\n",
      "family", width);
  for (const FamilySummary& s : summaries) {
    const std::string decided = fmt::format("{}/{}", s.verified + s.violated, s.instances);
    const bool proved = s.verified > 0;
    out += fmt::format("{:<{}}  {:<9}  {:>7}  {:>8}  {:>8}  {:>7}  {:>5}  {:>5}  {:>9.2f}  {:>10}  {:>11}  {}\n",
                       s.family, width, s.semantics, decided, s.verified, s.violated, s.unknown, s.errors, s.wrong,
                       s.seconds, proved ? fmt::format("{:.1f}", s.bytes_per_leaf) : "-",
                       proved ? fmt::format("{:.2f}", s.check_per_solve) : "-",
                       proved ? bytes_text(s.largest_certificate) : "-");
  }
  return out;
}

Json sweep_json(const std::vector<SweepRow>& rows, bool complete) {
  Json out = {{"schema", "axiom.sweep.v1"}, {"axiom", AXIOM_VERSION}, {"complete", complete}};
  out["summary"] = Json::array();
  for (const FamilySummary& summary : summarize(rows)) out["summary"].push_back(to_json(summary));
  out["rows"] = Json::array();
  for (const SweepRow& row : rows) out["rows"].push_back(cli::to_json(row));
  return out;
}

std::string junit_xml(const std::vector<SweepRow>& rows) {
  std::vector<std::string> families;
  std::map<std::string, std::vector<const SweepRow*>> suites;
  for (const SweepRow& row : rows) {
    if (suites[row.family].empty()) families.push_back(row.family);
    suites[row.family].push_back(&row);
  }
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"axiom sweep\">\n";
  for (const std::string& family : families) {
    const FamilySummary s = summarize_group(family, "", suites[family]);
    out += fmt::format(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3f}\">\n",
        html_escape(family), s.instances, s.wrong, s.errors, s.unknown, s.seconds);
    for (const SweepRow* row : suites[family]) out += junit_case(*row);
    out += "  </testsuite>\n";
  }
  return out + "</testsuites>\n";
}

int sweep_exit_code(const std::vector<SweepRow>& rows, bool complete, bool strict) {
  if (any(rows, [](const SweepRow& row) { return row.wrong(); })) return kExitViolated;
  if (any(rows, [](const SweepRow& row) { return row.reason.starts_with("certificate-rejected"); })) {
    return kExitCertificate;
  }
  if (any(rows, [](const SweepRow& row) { return row.verdict == "error"; })) return kExitInput;
  const bool all_decided = !any(rows, [](const SweepRow& row) { return !row.decided(); });
  return complete && (all_decided || !strict) ? kExitSuccess : kExitUnknown;
}

}  // namespace axiom::cli
