// A sweep is seen as a cactus plot: how many instances are decided when each gets so much time.
#include "cli/sweep_page.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "cli/sweep_report.h"
#include "observe/html.h"
#include "observe/plot.h"

namespace axiom::cli {
namespace {

constexpr double kLeastSeconds = 0.01;  // What is faster differs by the noise of a machine.
constexpr size_t kShownReason = 160;

std::string tile(const std::string& name, const std::string& value, std::string_view kind = "") {
  return fmt::format("<div class=\"tile\"><b{}>{}</b><span class=\"dim\">{}</span></div>\n",
                     kind.empty() ? "" : fmt::format(" class=\"{}-text\"", kind), value, html_escape(name));
}

std::string_view kind_of(const SweepRow& row) {
  if (row.wrong() || row.verdict == "error") return "bad";
  if (row.verdict == "verified") return "good";
  return row.verdict == "violated" ? "plain" : "open";
}

std::string name_of(const SweepRow& row) {
  return fmt::format("{}/{} {} {}", row.family, row.onnx, row.vnnlib, row.semantics);
}

std::string verdict_cell(const SweepRow& row) {
  const std::string expected = row.wrong() ? "<br>expected " + row.expected : "";
  return html_badge(row.verdict, kind_of(row)) + expected;
}

std::string short_reason(const std::string& reason) {
  if (reason.size() <= kShownReason) return html_escape(reason);
  size_t end = kShownReason;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xc0) == 0x80) --end;  // Not inside a character.
  return html_escape(reason.substr(0, end)) + "…";
}

std::string rows_table(const std::vector<const SweepRow*>& rows) {
  std::vector<std::vector<std::string>> cells;
  for (const SweepRow* row : rows) {
    cells.push_back({html_escape(row->onnx), html_escape(row->vnnlib), row->semantics, verdict_cell(*row),
                     fmt::format("{:.2f}", row->seconds), std::to_string(row->leaves), short_reason(row->reason)});
  }
  return html_table({"network", "property", "semantics", "verdict", "s", "leaves", "remarks"}, cells);
}

std::string family_table(const std::vector<FamilySummary>& summaries) {
  std::vector<std::vector<std::string>> cells;
  for (const FamilySummary& s : summaries) {
    const bool proved = s.verified > 0;
    cells.push_back({html_escape(s.family), s.semantics, fmt::format("{}/{}", s.verified + s.violated, s.instances),
                     std::to_string(s.verified), std::to_string(s.violated), std::to_string(s.unknown),
                     std::to_string(s.errors), std::to_string(s.wrong), fmt::format("{:.2f}", s.seconds),
                     proved ? fmt::format("{:.1f}", s.bytes_per_leaf) : "-",
                     proved ? fmt::format("{:.2f}", s.check_per_solve) : "-", fmt::format("{:.0f}", s.peak_mb)});
  }
  return html_table({"family", "semantics", "decided", "verified", "violated", "unknown", "errors", "wrong", "sum of s",
                     "bytes/leaf", "check/solve", "peak MB"},
                    cells);
}

std::string cactus(const std::vector<SweepRow>& rows) {
  std::map<std::string, std::vector<double>> times;
  for (const SweepRow& row : rows) {
    if (row.decided() && !row.wrong()) times[row.semantics].push_back(std::max(row.seconds, 0.001));
  }
  std::vector<Series> series;
  for (auto& [semantics, seconds] : times) {
    std::sort(seconds.begin(), seconds.end());
    Series& one = series.emplace_back();
    one.name = semantics;
    one.kind = series.size() == 1 ? "plain" : "open";
    one.dashed = series.size() > 1;
    for (size_t k = 0; k < seconds.size(); ++k) one.points.emplace_back(static_cast<double>(k + 1), seconds[k]);
  }
  return line_plot({.title = "How many instances are decided when each gets so much time.",
                    .x = "instances decided",
                    .y = "time for each in s",
                    .log_y = true,
                    .from_zero_x = true},
                   series);
}

std::string pair_table(const std::vector<RowPair>& pairs) {
  std::vector<std::vector<std::string>> cells;
  for (const RowPair& pair : pairs) {
    cells.push_back({html_escape(name_of(*pair.after)), verdict_cell(*pair.before), verdict_cell(*pair.after),
                     fmt::format("{:.2f}", pair.before->seconds), fmt::format("{:.2f}", pair.after->seconds),
                     short_reason(pair.after->decided() ? pair.before->reason : pair.after->reason)});
  }
  return html_table({"instance", "before", "after", "s before", "s after", "remarks"}, cells);
}

struct FamilyChange {
  std::string family, semantics;
  size_t before = 0, after = 0, gained = 0, lost = 0, contradicting = 0;
  std::vector<RowPair> both;  ///< Decided in both.
};

std::vector<FamilyChange> by_family(const SweepComparison& comparison) {
  std::vector<FamilyChange> changes;
  const auto of = [&](const SweepRow& row) -> FamilyChange& {
    for (FamilyChange& change : changes) {
      if (change.family == row.family && change.semantics == row.semantics) return change;
    }
    return changes.emplace_back(FamilyChange{row.family, row.semantics, 0, 0, 0, 0, 0, {}});
  };
  for (const RowPair& pair : comparison.both) {
    FamilyChange& change = of(*pair.after);
    change.before += pair.before->decided();
    change.after += pair.after->decided();
    if (pair.before->decided() && pair.after->decided()) change.both.push_back(pair);
  }
  for (const RowPair& pair : comparison.gained) ++of(*pair.after).gained;
  for (const RowPair& pair : comparison.lost) ++of(*pair.after).lost;
  for (const RowPair& pair : comparison.contradicting) ++of(*pair.after).contradicting;
  return changes;
}

std::vector<RowPair> decided_in_both(const SweepComparison& comparison) {
  std::vector<RowPair> pairs;
  for (const RowPair& pair : comparison.both) {
    if (pair.before->decided() && pair.after->decided()) pairs.push_back(pair);
  }
  return pairs;
}

std::string times_plot(const std::vector<RowPair>& pairs) {
  std::map<std::string, Series> by_verdict;
  for (const RowPair& pair : pairs) {
    Series& series = by_verdict[pair.after->verdict];
    series.name = pair.after->verdict;
    series.kind = std::string(kind_of(*pair.after));
    series.points.emplace_back(std::max(pair.before->seconds, kLeastSeconds),
                               std::max(pair.after->seconds, kLeastSeconds));
    series.tips.push_back(fmt::format("{}: {:.3f} s before, {:.3f} s after", name_of(*pair.after), pair.before->seconds,
                                      pair.after->seconds));
  }
  std::vector<Series> series;
  for (auto& [verdict, one] : by_verdict) series.push_back(std::move(one));
  return scatter_plot(
      {.title = "Times of the instances that both sweeps have decided; below the dashed line the second "
                "one is faster.",
       .x = "s before",
       .y = "s after",
       .log_x = true,
       .log_y = true,
       .diagonal = true},
      series);
}

std::string unmatched(const std::vector<const SweepRow*>& rows, const std::string& where) {
  if (rows.empty()) return "";
  return fmt::format("<details><summary>{} only in the {} file</summary>\n{}</details>\n",
                     count_text(rows.size(), "row", "rows"), where, rows_table(rows));
}

}  // namespace

std::string sweep_page(const std::vector<SweepRow>& rows, bool complete) {
  const auto count = [&](auto condition) {
    return static_cast<size_t>(std::count_if(rows.begin(), rows.end(), condition));
  };
  const size_t verified = count([](const SweepRow&r) { return r.verdict == "verified"; }),
               violated = count([](const SweepRow&r) { return r.verdict == "violated"; }),
               unknown = count([](const SweepRow&r) { return r.verdict == "unknown"; }),
               errors = count([](const SweepRow&r) { return r.verdict == "error"; }),
               wrong = count([](const SweepRow&r) { return r.wrong(); });
  double seconds = 0;
  for (const SweepRow& row : rows) seconds += row.seconds;
  std::string body = "<h1>Sweep</h1>\n";
  if (!complete) body += "<p class=\"open-text\">The sweep was stopped: rows are missing.</p>\n";
  body += "<div class=\"tiles\">\n" + tile("rows", std::to_string(rows.size())) +
          tile("verified", std::to_string(verified), "good") + tile("violated", std::to_string(violated), "plain") +
          tile("unknown", std::to_string(unknown), "open") +
          tile("errors", std::to_string(errors), errors > 0 ? "bad" : "") +
          tile("against the expected verdict", std::to_string(wrong), wrong > 0 ? "bad" : "") +
          tile("sum of times", seconds_text(seconds)) + "</div>\n";
  std::vector<const SweepRow*> grave;
  std::vector<std::string> families;
  std::map<std::string, std::vector<const SweepRow*>> rows_of;
  for (const SweepRow& row : rows) {
    if (row.wrong() || row.verdict == "error") grave.push_back(&row);
    if (rows_of[row.family].empty()) families.push_back(row.family);
    rows_of[row.family].push_back(&row);
  }
  if (!grave.empty()) body += "<h2>Look at these first</h2>\n" + rows_table(grave);
  body +=
      "<h2>Families</h2>\n" + family_table(summarize(rows)) + "<h2>Time</h2>\n" + cactus(rows) + "<h2>All rows</h2>\n";
  for (const std::string& family : families) {
    body += fmt::format("<details><summary>{}, {}</summary>\n{}</details>\n", html_escape(family),
                        count_text(rows_of[family].size(), "row", "rows"), rows_table(rows_of[family]));
  }
  return html_page("axiom sweep", body);
}

SweepComparison compare_sweeps(const std::vector<SweepRow>& before, const std::vector<SweepRow>& after) {
  std::map<std::string, const SweepRow*> old;
  for (const SweepRow& row : before) old[name_of(row)] = &row;
  SweepComparison comparison;
  for (const SweepRow& row : after) {
    const auto found = old.find(name_of(row));
    if (found == old.end()) {
      comparison.only_after.push_back(&row);
      continue;
    }
    const RowPair pair{found->second, &row};
    old.erase(found);
    comparison.both.push_back(pair);
    if (pair.before->decided() && row.decided()) {
      if (pair.before->verdict != row.verdict) comparison.contradicting.push_back(pair);
    } else if (row.decided()) {
      comparison.gained.push_back(pair);
    } else if (pair.before->decided()) {
      comparison.lost.push_back(pair);
    }
  }
  for (const SweepRow& row : before) {
    if (old.contains(name_of(row))) comparison.only_before.push_back(&row);
  }
  return comparison;
}

double time_ratio(const std::vector<RowPair>& pairs) {
  double sum = 0;
  for (const RowPair& pair : pairs)
    sum += std::log(std::max(pair.after->seconds, kLeastSeconds) / std::max(pair.before->seconds, kLeastSeconds));
  return pairs.empty() ? 1 : std::exp(sum / static_cast<double>(pairs.size()));
}

std::string comparison_page(const SweepComparison& comparison, const std::string& before, const std::string& after) {
  const std::vector<RowPair> decided = decided_in_both(comparison);
  std::string body =
      "<h1>What changed between two sweeps</h1>\n" + html_facts({{"before", "<code>" + html_escape(before) + "</code>"},
                                                                 {"after", "<code>" + html_escape(after) + "</code>"}});
  body += "<div class=\"tiles\">\n" +
          tile("new verdicts", std::to_string(comparison.gained.size()), comparison.gained.empty() ? "" : "good") +
          tile("lost verdicts", std::to_string(comparison.lost.size()), comparison.lost.empty() ? "" : "bad") +
          tile("contradicting verdicts", std::to_string(comparison.contradicting.size()),
               comparison.contradicting.empty() ? "" : "bad") +
          tile("time after / before", fmt::format("{:.3g}", time_ratio(decided))) + "</div>\n";
  const std::vector<std::pair<std::string, const std::vector<RowPair>*>> sections = {
      {"Contradicting verdicts", &comparison.contradicting},
      {"Lost verdicts", &comparison.lost},
      {"New verdicts", &comparison.gained}};
  for (const auto& [title, pairs] : sections) {
    if (!pairs->empty()) body += "<h2>" + title + "</h2>\n" + pair_table(*pairs);
  }
  std::vector<std::vector<std::string>> cells;
  for (const FamilyChange& change : by_family(comparison)) {
    double was = 0, is = 0;
    for (const RowPair& pair : change.both) {
      was += pair.before->seconds;
      is += pair.after->seconds;
    }
    cells.push_back({html_escape(change.family), change.semantics, std::to_string(change.before),
                     std::to_string(change.after), std::to_string(change.gained), std::to_string(change.lost),
                     fmt::format("{:.2f}", was), fmt::format("{:.2f}", is),
                     fmt::format("{:.3g}", time_ratio(change.both))});
  }
  body +=
      "<h2>Families</h2>\n" +
      html_table(
          {"family", "semantics", "decided before", "after", "new", "lost", "sum of s before", "after", "time ratio"},
          cells) +
      "<p class=\"dim\">Times are of the instances that both sweeps have decided; the ratio is the geometric mean of "
      "after / before, where less than 0.01 s counts as that.</p>\n";
  body += "<h2>Times</h2>\n" + times_plot(decided);
  const std::string rest = unmatched(comparison.only_before, "first") + unmatched(comparison.only_after, "second");
  if (!rest.empty()) body += "<h2>Rows without a partner</h2>\n" + rest;
  return html_page("axiom report", body);
}

std::string comparison_text(const SweepComparison& comparison) {
  size_t width = 6;
  const std::vector<FamilyChange> changes = by_family(comparison);
  for (const FamilyChange& change : changes) width = std::max(width, change.family.size());
  std::string out =
      fmt::format("{:<{}}  semantics  decided before  after  new  lost  contradicting  time ratio\n", "family", width);
  for (const FamilyChange& change : changes) {
    out += fmt::format("{:<{}}  {:<9}  {:>14}  {:>5}  {:>3}  {:>4}  {:>13}  {:>10.3g}\n", change.family, width,
                       change.semantics, change.before, change.after, change.gained, change.lost, change.contradicting,
                       time_ratio(change.both));
  }
  for (const auto& [what, pairs] : {std::pair{"contradicting", &comparison.contradicting},
                                    std::pair{"lost", &comparison.lost}, std::pair{"new", &comparison.gained}}) {
    for (const RowPair& pair : *pairs)
      out += fmt::format("{}: {}: {} -> {}\n", what, name_of(*pair.after), pair.before->verdict, pair.after->verdict);
  }
  if (!comparison.only_before.empty() || !comparison.only_after.empty())
    out += fmt::format("without a partner: {} before, {} after\n", comparison.only_before.size(),
                       comparison.only_after.size());
  return out;
}

Json comparison_json(const SweepComparison& comparison) {
  const auto list = [](const std::vector<RowPair>& pairs) {
    Json out = Json::array();
    for (const RowPair& pair : pairs)
      out.push_back({{"before", to_json(*pair.before)}, {"after", to_json(*pair.after)}});
    return out;
  };
  Json families = Json::array();
  for (const FamilyChange& change : by_family(comparison)) {
    families.push_back({{"family", change.family},
                        {"semantics", change.semantics},
                        {"decided_before", change.before},
                        {"decided_after", change.after},
                        {"gained", change.gained},
                        {"lost", change.lost},
                        {"contradicting", change.contradicting},
                        {"time_ratio", time_ratio(change.both)}});
  }
  return {{"schema", "axiom.comparison.v1"},
          {"axiom", AXIOM_VERSION},
          {"time_ratio", time_ratio(decided_in_both(comparison))},
          {"families", std::move(families)},
          {"contradicting", list(comparison.contradicting)},
          {"lost", list(comparison.lost)},
          {"gained", list(comparison.gained)},
          {"only_before", comparison.only_before.size()},
          {"only_after", comparison.only_after.size()}};
}

}  // namespace axiom::cli
