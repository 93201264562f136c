// From the verdict down to the details: what was asked, what is known, how to check it, how the search went.
#include "cli/verify_page.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "cli/verdict.h"
#include "formats/onnx/onnx.h"
#include "formats/vnnlib/vnnlib.h"
#include "graph/infer.h"
#include "observe/html.h"
#include "observe/picture.h"
#include "observe/plot.h"

namespace axiom::cli {
namespace {

constexpr size_t kSamples = 1024;
constexpr size_t kShownInputs = 24, kShownCases = 12, kShownTerms = 12;
constexpr size_t kDrawnNodes = 400;

struct Question {
  Graph graph;
  Property property;
};

Result<Question> read_question(const std::string& model_path, const std::string& property_path) {
  Result<Graph> graph = read_onnx(model_path);
  if (!graph) return graph.error();
  if (Status inferred = infer_shapes(*graph); !inferred) return inferred.error();
  Result<Property> property = read_vnnlib(property_path, *graph);
  if (!property) return property.error();
  return Question{std::move(*graph), std::move(*property)};
}

std::string_view kind_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kVerified:
      return "good";
    case Verdict::kViolated:
      return "bad";
    case Verdict::kUnknown:
      break;
  }
  return "open";
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::toupper(c); });
  return out;
}

std::string arithmetic_words(Semantics semantics) {
  return semantics == Semantics::kReal
             ? "in exact arithmetic over the real numbers"
             : "for every result that a float32 program may compute, in any order of summation";
}

std::string verdict_words(const Decision& decision) {
  const std::string arithmetic = arithmetic_words(decision.semantics);
  switch (decision.verdict) {
    case Verdict::kVerified:
      return "No input of the stated set makes the network meet the unsafe condition, " + arithmetic +
             ". The independent program axiom-check has accepted the certificate.";
    case Verdict::kViolated:
      return "The input below belongs to the stated set and makes the network meet the unsafe condition.";
    case Verdict::kUnknown:
      break;
  }
  return "Neither proved nor refuted: " + decision.explanation + ".";
}

// --- What was asked ---

std::string term_text(const Term& term, bool first) {
  const bool negative = term.coefficient.is_negative();
  const std::string size = (negative ? -term.coefficient : term.coefficient).to_string();
  std::string out = first ? (negative ? "−" : "") : (negative ? " − " : " + ");
  if (size != "1") out += size + "·";
  return out + (term.is_output ? "Y" : "X") + "<sub>" + std::to_string(term.index) + "</sub>";
}

/// "Y_0 − Y_1 ≤ 3", with the sign that makes its first term positive.
std::string constraint_text(const LinearConstraint& constraint) {
  if (constraint.terms.empty()) return "0 ≤ " + html_escape(constraint.bound.to_string());
  const bool flip = constraint.terms.front().coefficient.is_negative();
  std::string out;
  for (size_t k = 0; k < std::min(constraint.terms.size(), kShownTerms); ++k) {
    Term term = constraint.terms[k];
    if (flip) term.coefficient = -term.coefficient;
    out += term_text(term, k == 0);
  }
  if (constraint.terms.size() > kShownTerms) out += fmt::format(" + … ({} terms)", constraint.terms.size());
  const Decimal bound = flip ? -constraint.bound : constraint.bound;
  return out + (flip ? " ≥ " : " ≤ ") + html_escape(bound.to_string());
}

std::string unsafe_condition(const Property& property) {
  if (property.disjuncts.empty()) return "<p>Nothing is unsafe.</p>\n";
  std::string out =
      property.disjuncts.size() == 1
          ? "<p>Unsafe is an output with</p>\n"
          : fmt::format("<p>Unsafe is an output that meets one of {} cases:</p>\n", property.disjuncts.size());
  out += "<ol>\n";
  for (size_t d = 0; d < std::min(property.disjuncts.size(), kShownCases); ++d) {
    const Disjunct& disjunct = property.disjuncts[d];
    std::string line;
    for (size_t k = 0; k < std::min(disjunct.constraints.size(), kShownCases); ++k)
      line += (k > 0 ? " and " : "") + constraint_text(disjunct.constraints[k]);
    if (disjunct.constraints.size() > kShownCases)
      line += fmt::format(" and … ({} conditions)", disjunct.constraints.size());
    if (disjunct.constraints.empty()) line = "any output";
    out += "<li>" + line + "</li>\n";
  }
  out += "</ol>\n";
  if (property.disjuncts.size() > kShownCases)
    out += fmt::format("<p class=\"dim\">and {} more.</p>\n", property.disjuncts.size() - kShownCases);
  return out;
}

struct Sides {
  std::vector<double> lo, hi;
};

/// The hull of the boxes of all disjuncts.
Sides hull_of(const Property& property) {
  Sides hull{std::vector<double>(property.input_count, kInfinity),
             std::vector<double>(property.input_count, -kInfinity)};
  for (size_t d = 0; d < property.disjuncts.size(); ++d) {
    const Box& box = property.disjuncts[d].box;
    if (d > 0 && box.shares(property.disjuncts[d - 1].box)) continue;
    for (size_t j = 0; j < box.size(); ++j) {
      hull.lo[j] = std::min(hull.lo[j], box[j].lower.round_nearest());
      hull.hi[j] = std::max(hull.hi[j], box[j].upper.round_nearest());
    }
  }
  return hull;
}

/// A bar with the side of the box as its length and a mark at the value.
std::string position_bar(double value, double lo, double hi) {
  if (!(lo < hi)) return "<span class=\"dim\">fixed</span>";
  const double at = 2 + 116 * std::clamp((value - lo) / (hi - lo), 0.0, 1.0);
  return fmt::format(
      "<svg viewBox=\"0 0 120 12\" style=\"width:120px\" role=\"img\" aria-label=\"at {:.0f} percent\"><line "
      "class=\"axis\" "
      "x1=\"2\" x2=\"118\" y1=\"6\" y2=\"6\"/><circle class=\"bad-fill\" cx=\"{:.1f}\" cy=\"6\" r=\"4\"/></svg>",
      100 * (at - 2) / 116, at);
}

std::string inputs_table(const Sides& hull, const Witness* witness) {
  std::vector<std::string> head = {"input", "from", "to"};
  if (witness != nullptr) head.insert(head.end(), {"counterexample", "place in the range"});
  std::vector<std::vector<std::string>> rows;
  for (size_t j = 0; j < std::min(hull.lo.size(), kShownInputs); ++j) {
    std::vector<std::string> row = {fmt::format("X<sub>{}</sub>", j), fmt::format("{:.9g}", hull.lo[j]),
                                    fmt::format("{:.9g}", hull.hi[j])};
    if (witness != nullptr) {
      row.push_back(fmt::format("{:.9g}", witness->input[j]));
      row.push_back(position_bar(witness->input[j], hull.lo[j], hull.hi[j]));
    }
    rows.push_back(std::move(row));
  }
  return html_table(head, rows);
}

std::string input_words(const Question& question, const Sides& hull) {
  const size_t count = hull.lo.size();
  size_t fixed = 0;
  double widest = 0;
  for (size_t j = 0; j < count; ++j) {
    fixed += !(hull.lo[j] < hull.hi[j]);
    widest = std::max(widest, hull.hi[j] - hull.lo[j]);
  }
  std::string shapes;
  for (const ValueId id : question.graph.inputs) {
    const Value& value = question.graph.values[static_cast<size_t>(id)];
    if (!value.type) continue;
    shapes += (shapes.empty() ? "" : ", ") + ("“" + html_escape(value.name)) + "” of shape [";
    for (size_t k = 0; k < value.type->shape.size(); ++k)
      shapes += (k > 0 ? ", " : "") + std::to_string(value.type->shape[k]);
    shapes += "]";
  }
  return fmt::format(
      "<p>{} ({}), each in a range of its own; {} of them are fixed, the widest range is {:.6g} wide.</p>\n",
      count_text(count, "input", "inputs"), shapes, fixed, widest);
}

// --- The counterexample ---

std::optional<PictureShape> picture_of(const Question& question) {
  if (question.graph.inputs.size() != 1) return std::nullopt;
  const Value& value = question.graph.values[static_cast<size_t>(question.graph.inputs.front())];
  return value.type ? picture_shape(value.type->shape) : std::nullopt;
}

std::string outputs_table(const Witness& witness) {
  std::vector<std::vector<std::string>> rows;
  for (size_t k = 0; k < std::min(witness.output.size(), kShownInputs); ++k)
    rows.push_back({fmt::format("Y<sub>{}</sub>", k), fmt::format("{}", witness.output[k])});
  return html_table({"output", "value there"}, rows);
}

std::string witness_pictures(const PictureShape& shape, const Witness& witness, const Sides& hull) {
  std::vector<double> centre(hull.lo.size()), change(hull.lo.size());
  double lo = kInfinity, hi = -kInfinity, greatest = 0;
  for (size_t j = 0; j < centre.size(); ++j) {
    centre[j] = hull.lo[j] + (hull.hi[j] - hull.lo[j]) * 0.5;
    change[j] = witness.input[j] - centre[j];
    greatest = std::max(greatest, std::fabs(change[j]));
    lo = std::min(lo, hull.lo[j]);
    hi = std::max(hi, hull.hi[j]);
  }
  return "<div class=\"pictures\">\n" + picture_html(shape, centre, lo, hi, "the middle of the input set") +
         picture_html(shape, witness.input, lo, hi, "the counterexample") +
         picture_html(shape, change, -greatest, greatest,
                      fmt::format("the difference; grey is none, black and white are {:.4g}", greatest)) +
         "</div>\n";
}

std::string witness_section(const Question& question, const Decision& decision, const Sides& hull) {
  const Witness& witness = *decision.witness;
  std::string out = "<h2>The counterexample</h2>\n";
  out += fmt::format(
      "<p>It meets case {} of the unsafe condition; the condition in line {} of the property is met most narrowly, by "
      "{:.6g}. {} It lies in the {}. It was found by {}.</p>\n",
      witness.disjunct + 1, witness.constraint_line, witness.margin,
      witness.robust ? "Every float32 program covered by this tool violates the property there."
                     : "The violation is so narrow that another order of summation may hide it.",
      witness.inside_exact_box ? "set as the property writes it"
                               : "set as rounded to float32 numbers, and not in the set "
                                 "of the decimals themselves",
      html_escape(witness.origin));
  if (const std::optional<PictureShape> shape = picture_of(question)) out += witness_pictures(*shape, witness, hull);
  const std::string table = inputs_table(hull, &witness);
  if (hull.lo.size() > kShownInputs) {
    out += fmt::format("<details><summary>The first {} of {} inputs</summary>\n{}</details>\n", kShownInputs,
                       hull.lo.size(), table);
  } else {
    out += table;
  }
  return out + outputs_table(witness);
}

// --- How the search went ---

/// The bounds span orders of magnitude where the first ones are far off; then their distance to 0 is drawn.
std::string bound_plot(Series bound) {
  std::erase_if(bound.points, [](const auto& point) { return !std::isfinite(point.second); });
  if (bound.points.size() < 3) return "";
  double least = kInfinity, greatest = 0;
  for (const auto& [seconds, value] : bound.points) {
    if (value < 0) least = std::min(least, -value);
    greatest = std::max(greatest, -value);
  }
  Axes axes{.title =
                "The least bound over the cases that are still open; a case is proved once its bound is above 0, and "
                "all are proved when none is left open.",
            .x = "time in s",
            .y = "bound",
            .from_zero_x = true};
  if (greatest > 50 * least) {
    for (auto& [seconds, value] : bound.points) value = -value;
    axes.title =
        "How far the least bound over the open cases is below 0; a case is proved once its bound is above 0, and "
        "all are proved when none is left open.";
    axes.y = "bound below 0 by";
    axes.log_y = true;
  } else {
    axes.mark_y = 0;
    axes.mark_name = "proved above";
  }
  return line_plot(axes, {bound});
}

std::string history_section(const Decision& decision, const SearchHistory& history) {
  Series bound{"least bound over the open cases", "plain", {}, false, {}}, share{"cases closed", "good", {}, false, {}};
  for (const SearchProgress& sample : history.samples()) {
    if (sample.semantics != decision.semantics) continue;
    if (sample.open > 0) bound.points.emplace_back(sample.seconds, sample.worst_bound);
    share.points.emplace_back(sample.seconds, 100 * sample.closed_share);
  }
  share.points.emplace_back(decision.search_seconds, 100 * decision.closed_share);
  if (share.points.size() < 3) return "";
  std::string out = "<h3>Over time</h3>\n" + bound_plot(std::move(bound));
  return out + line_plot({.title = "The share of the cases that the search has closed; each split halves the weight.",
                          .x = "time in s",
                          .y = "closed in %",
                          .mark_y = 100,
                          .mark_name = "",
                          .from_zero_x = true},
                         {share});
}

std::string margins_section(const SearchTree& tree) {
  std::vector<double> margins, open;
  for (const SearchTree::Node& node : tree.nodes) {
    if (node.state == NodeState::kClosed && node.bound > 0) margins.push_back(node.bound);
    if ((node.state == NodeState::kOpen || node.state == NodeState::kStuck) && std::isfinite(node.bound))
      open.push_back(node.bound);
  }
  if (margins.empty()) return "";
  std::string out = "<h3>Margins</h3>\n";
  if (margins.size() == 1)
    return out +
           fmt::format("<p>The one case that needed a bound is proved with a margin of {:.6g}.</p>\n", margins[0]);
  return out + histogram_plot({.title = fmt::format("By how much the {} cases that needed a bound are proved: the "
                                                    "smallest margin is {:.4g}.",
                                                    margins.size(), *std::min_element(margins.begin(), margins.end())),
                               .x = "margin above 0",
                               .y = "cases",
                               .log_x = true},
                              margins, "good");
}

std::string node_kind(const SearchTree::Node& node) {
  switch (node.state) {
    case NodeState::kClosed:
      return "good";
    case NodeState::kViolated:
      return "bad";
    case NodeState::kSplit:
      return "plain";
    case NodeState::kOpen:
    case NodeState::kStuck:
      break;
  }
  return "open";
}

std::string node_tip(const SearchTree::Node& node, size_t inputs) {
  const std::string bound = std::isfinite(node.bound) ? fmt::format(", bound {:.6g}", node.bound) : "";
  switch (node.state) {
    case NodeState::kClosed:
      return "proved" + bound;
    case NodeState::kViolated:
      return "counterexample";
    case NodeState::kOpen:
      return "open";
    case NodeState::kStuck:
      return "nothing left to split" + bound;
    case NodeState::kSplit:
      break;
  }
  if (node.split == kNoElement) return "split into the unsafe cases";
  if (node.split < inputs) return fmt::format("split: X_{} at {:.6g}{}", node.split, node.split_at, bound);
  return fmt::format("split: neuron {} at {:.6g}{}", node.split, node.split_at, bound);
}

std::string tree_section(const SearchTree& tree, size_t inputs) {
  if (tree.nodes.size() < 2) return "";
  std::string out = "<h3>Proof tree</h3>\n";
  const std::vector<std::pair<std::string, std::string>> names = {
      {"split", "plain"}, {"proved", "good"}, {"counterexample", "bad"}, {"open", "open"}};
  if (tree.nodes.size() <= kDrawnNodes) {
    TreeDrawing drawing;
    for (const SearchTree::Node& node : tree.nodes)
      drawing.nodes.push_back({node.parent, node_kind(node), node_tip(node, inputs)});
    return out + legend(names) +
           tree_plot(fmt::format("The {} nodes of the search; at the top all of the input set.", tree.nodes.size()),
                     drawing);
  }
  std::map<std::string, std::vector<uint64_t>> counts;
  for (const SearchTree::Node& node : tree.nodes) {
    std::vector<uint64_t>& row = counts[node_kind(node)];
    if (row.size() <= node.depth) row.resize(node.depth + 1);
    ++row[node.depth];
  }
  std::vector<std::string> shown, kinds;
  std::vector<std::vector<uint64_t>> rows;
  for (const auto& [name, kind] : names) {
    if (counts[kind].empty()) continue;
    shown.push_back(name);
    kinds.push_back(kind);
    rows.push_back(counts[kind]);
  }
  return out + stacked_bars({.title = fmt::format("The {} nodes of the search by their depth.", tree.nodes.size()),
                             .x = "depth",
                             .y = "nodes"},
                            shown, kinds, rows);
}

// --- The page ---

std::string check_section(const DecisionReport& report, const Decision& decision) {
  std::string out = "<h2>How to check this</h2>\n";
  const std::string model = html_escape(report.model_path), property = html_escape(report.property_path);
  if (decision.verdict == Verdict::kVerified && !decision.certificate_path.empty()) {
    return out + fmt::format(
                     "<p>Whoever has the network, the property and the certificate can decide for themselves, with a "
                     "program that shares no code with the search:</p>\n<pre class=\"code\">axiom-check {} --model {} "
                     "--property {}</pre>\n",
                     html_escape(decision.certificate_path), model, property);
  }
  if (decision.verdict == Verdict::kVerified)
    return out +
           "<p>The certificate was checked and then deleted; with <code>--certificate FILE</code> it is kept for "
           "others to check.</p>\n";
  if (decision.verdict == Verdict::kViolated)
    return out +
           "<p>The numbers of the counterexample are in the answer of <code>axiom verify --json</code>; "
           "<code>axiom run</code> evaluates the network on them.</p>\n";
  return "";
}

/// `asked` comes right after the verdict.
std::string decision_section(const DecisionReport& report, const Decision& decision, const Question& question,
                             const Sides& hull, const SearchHistory& history, const std::optional<RegionAxes>& axes,
                             const std::string& asked) {
  std::string out = fmt::format(
      "<div class=\"verdict {}\"><strong class=\"{}-text\">{}</strong> <span class=\"dim\">{}</span><p>{}</p></div>\n",
      kind_of(decision.verdict), kind_of(decision.verdict), upper(verdict_name(decision.verdict)),
      semantics_name(decision.semantics), html_escape(verdict_words(decision)));
  const auto tile = [](const std::string& name, const std::string& value) {
    return fmt::format("<div class=\"tile\"><b>{}</b><span class=\"dim\">{}</span></div>\n", value, name);
  };
  out += "<div class=\"tiles\">\n" + tile("time", seconds_text(decision.seconds));
  if (decision.leaves > 0) out += tile("cases proved", std::to_string(decision.leaves));
  if (decision.witness) out += tile("margin of the violation", fmt::format("{:.4g}", decision.witness->margin));
  if (decision.verdict == Verdict::kVerified)
    out += tile("certificate", bytes_text(decision.certificate_bytes)) +
           tile("time to check it", seconds_text(decision.check_seconds));
  if (decision.verdict == Verdict::kUnknown) {
    out += tile("of the cases closed", fmt::format("{:.3g} %", 100 * decision.closed_share));
    if (std::isfinite(decision.best_bound)) out += tile("best bound", fmt::format("{:.4g}", decision.best_bound));
  }
  out += "</div>\n";
  if (decision.verdict == Verdict::kVerified)
    out += fmt::format("<p class=\"dim\">Certificate sha256 <code>{}</code></p>\n", decision.certificate_digest);
  out += asked;
  if (decision.witness) out += witness_section(question, decision, hull);
  out += check_section(report, decision);
  const std::string search =
      history_section(decision, history) + margins_section(decision.tree) + tree_section(decision.tree, hull.lo.size());
  if (!search.empty()) out += "<h2>How the search went</h2>\n" + search;
  if (decision.regions.size() > 1) out += "<h2>Regions</h2>\n" + regions_html(decision, axes);
  return out;
}

}  // namespace

void SearchHistory::add(const SearchProgress& sample) {
  if (!samples_.empty() && samples_.back().semantics != sample.semantics) seen_ = 0;
  if (seen_++ % every_ != 0) return;
  samples_.push_back(sample);
  if (samples_.size() < kSamples) return;
  for (size_t k = 0; 2 * k < samples_.size(); ++k) samples_[k] = samples_[2 * k];
  samples_.resize((samples_.size() + 1) / 2);
  every_ *= 2;
}

Result<std::string> verify_page(const DecisionReport& report, const std::string& property_file,
                                const SearchHistory& history, const std::optional<RegionAxes>& axes) {
  const Result<Question> question = read_question(report.model_path, property_file);
  if (!question) return question.error();
  const Sides hull = hull_of(question->property);
  const std::string title = fmt::format("{}: {}", short_name(report.model_path), short_name(report.property_path));
  std::string body = fmt::format("<h1>{}</h1>\n", html_escape(title));
  if (report.decisions.size() > 1) {
    body += "<p>The question was asked about two arithmetics, one after the other.</p>\n";
  }
  std::string asked = "<h2>What was asked</h2>\n";
  if (!report.property_description.empty())
    asked += fmt::format("<p>The property <code>{}</code> of the library: {}.</p>\n", html_escape(report.property_path),
                         html_escape(report.property_description));
  asked += input_words(*question, hull);
  if (hull.lo.size() <= kShownInputs && !question->property.disjuncts.empty()) asked += inputs_table(hull, nullptr);
  asked += unsafe_condition(question->property);
  asked += html_facts({{"network", "<code>" + html_escape(report.model_path) + "</code>"},
                       {"its sha256", "<code>" + report.model_digest + "</code>"},
                       {"property", "<code>" + html_escape(report.property_path) + "</code>"},
                       {"its sha256", "<code>" + report.property_digest + "</code>"},
                       {"tool", std::string("axiom ") + AXIOM_VERSION}});
  for (size_t k = 0; k < report.decisions.size(); ++k) {
    body += decision_section(report, report.decisions[k], *question, hull, history, axes, k == 0 ? asked : "");
  }
  return html_page(title, body);
}

}  // namespace axiom::cli
