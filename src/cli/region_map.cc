// A plane of two inputs shows boxes of many: drawn over each other, a counterexample over what is open over what is
// proved, so that a colour holds for every value of the inputs that are not shown.
#include "cli/region_map.h"

#include <algorithm>
#include <array>

#include "observe/html.h"
#include "observe/plot.h"

namespace axiom::cli {
namespace {

constexpr size_t kDrawnBoxes = 20000, kDrawnPoints = 500, kToolTips = 3000;

enum class Standing { kProved, kOpen, kViolated };

Standing standing_of(const InputRegion& region) {
  if (region.state == NodeState::kClosed) return Standing::kProved;
  return region.state == NodeState::kViolated ? Standing::kViolated : Standing::kOpen;
}

std::string_view name_of(Standing standing) {
  constexpr std::array<std::string_view, 3> kNames = {"proved", "open", "violated"};
  return kNames[static_cast<size_t>(standing)];
}

std::string_view kind_of(Standing standing) {
  constexpr std::array<std::string_view, 3> kKinds = {"good", "open", "bad"};
  return kKinds[static_cast<size_t>(standing)];
}

/// The box that the regions of one disjunct are parts of.
struct Whole {
  size_t disjunct = 0;
  std::vector<double> lo, hi;
  std::array<double, 3> shares{};  ///< By Standing.
};

std::vector<Whole> wholes_of(const std::vector<InputRegion>& regions) {
  std::vector<Whole> wholes;
  for (const InputRegion& region : regions) {
    auto whole =
        std::find_if(wholes.begin(), wholes.end(), [&](const Whole& one) { return one.disjunct == region.disjunct; });
    if (whole == wholes.end()) whole = wholes.insert(wholes.end(), {region.disjunct, region.lo, region.hi, {}});
    for (size_t j = 0; j < region.lo.size(); ++j) {
      whole->lo[j] = std::min(whole->lo[j], region.lo[j]);
      whole->hi[j] = std::max(whole->hi[j], region.hi[j]);
    }
    whole->shares[static_cast<size_t>(standing_of(region))] += region.share;
  }
  return wholes;
}

/// Inputs in which regions differ from the whole, or else those that vary.
std::vector<size_t> varying_inputs(const std::vector<InputRegion>& regions) {
  std::vector<size_t> inputs;
  if (regions.empty()) return inputs;
  for (size_t j = 0; j < regions.front().lo.size(); ++j) {
    if (std::any_of(regions.begin(), regions.end(), [&](const InputRegion& r) { return r.lo[j] < r.hi[j]; }))
      inputs.push_back(j);
  }
  return inputs;
}

std::vector<double> pick(const std::vector<double>& values, const std::vector<size_t>& places) {
  std::vector<double> out;
  for (const size_t j : places) out.push_back(values[j]);
  return out;
}

Json result_json(const Decision& decision) {
  const std::vector<size_t> inputs = varying_inputs(decision.regions);
  Json disjuncts = Json::array(), regions = Json::array(), witnesses = Json::array();
  for (const Whole& whole : wholes_of(decision.regions)) {
    Json shares;
    for (const Standing standing : {Standing::kProved, Standing::kViolated, Standing::kOpen})
      shares[std::string(name_of(standing))] = whole.shares[static_cast<size_t>(standing)];
    disjuncts.push_back({{"disjunct", whole.disjunct},
                         {"lower", numbers_json<double>(whole.lo)},
                         {"upper", numbers_json<double>(whole.hi)},
                         {"shares", std::move(shares)}});
  }
  for (const InputRegion& region : decision.regions) {
    regions.push_back({{"disjunct", region.disjunct},
                       {"state", name_of(standing_of(region))},
                       {"share", region.share},
                       {"lower", numbers_json<double>(pick(region.lo, inputs))},
                       {"upper", numbers_json<double>(pick(region.hi, inputs))}});
  }
  for (const Witness& witness : decision.tree.violations) witnesses.push_back(numbers_json<double>(witness.input));
  return {{"semantics", semantics_name(decision.semantics)},
          {"verdict", verdict_name(decision.verdict)},
          {"checked", decision.verdict == Verdict::kVerified},
          {"inputs", inputs},
          {"disjuncts", std::move(disjuncts)},
          {"regions", std::move(regions)},
          {"witnesses", std::move(witnesses)}};
}

std::string percent(double share) { return fmt::format("{:.4g} %", 100 * share); }

std::string shares_table(const std::vector<Whole>& wholes) {
  std::vector<std::vector<std::string>> rows;
  for (const Whole& whole : wholes) {
    rows.push_back({std::to_string(whole.disjunct + 1), percent(whole.shares[0]), percent(whole.shares[2]),
                    percent(whole.shares[1])});
  }
  return html_table({"unsafe case", "proved", "with a counterexample", "open"}, rows);
}

std::string box_text(const InputRegion& region, const RegionAxes& axes) {
  return fmt::format("{}: X_{} in [{:.6g}, {:.6g}], X_{} in [{:.6g}, {:.6g}]", name_of(standing_of(region)), axes.x,
                     region.lo[axes.x], region.hi[axes.x], axes.y, region.lo[axes.y], region.hi[axes.y]);
}

std::string map_svg(const Decision& decision, const RegionAxes& axes) {
  PlaneDrawing plane;
  const bool tips = decision.regions.size() <= kToolTips;
  plane.x0 = plane.y0 = kInfinity;
  plane.x1 = plane.y1 = -kInfinity;
  for (const InputRegion& region : decision.regions) {
    plane.x0 = std::min(plane.x0, region.lo[axes.x]);
    plane.x1 = std::max(plane.x1, region.hi[axes.x]);
    plane.y0 = std::min(plane.y0, region.lo[axes.y]);
    plane.y1 = std::max(plane.y1, region.hi[axes.y]);
  }
  for (const Standing standing : {Standing::kProved, Standing::kOpen, Standing::kViolated}) {
    for (const InputRegion& region : decision.regions) {
      if (standing_of(region) != standing) continue;
      plane.boxes.push_back({region.lo[axes.x], region.hi[axes.x], region.lo[axes.y], region.hi[axes.y],
                             std::string(kind_of(standing)), tips ? box_text(region, axes) : ""});
    }
  }
  const size_t stride = decision.tree.violations.size() / kDrawnPoints + 1;
  for (size_t k = 0; k < decision.tree.violations.size(); k += stride) {
    const Witness& witness = decision.tree.violations[k];
    plane.points.emplace_back(witness.input[axes.x], witness.input[axes.y]);
  }
  if (plane.points.empty() && decision.witness)
    plane.points.emplace_back(decision.witness->input[axes.x], decision.witness->input[axes.y]);
  const std::string others = varying_inputs(decision.regions).size() > 2
                                 ? " A colour holds for every value of the inputs that are not shown: green where all "
                                   "boxes above the plane are proved, red where some box holds a counterexample."
                                 : "";
  const Axes frame{.title = fmt::format("{} boxes of the input set over X_{} and X_{}.{}", decision.regions.size(),
                                        axes.x, axes.y, others),
                   .x = fmt::format("X_{}", axes.x),
                   .y = fmt::format("X_{}", axes.y)};
  return legend({{"proved: no input of the box is unsafe", "good"},
                 {"holds a counterexample", "bad"},
                 {"open: neither proved nor refuted", "open"}}) +
         plane_plot(frame, plane);
}

}  // namespace

Json regions_json(const DecisionReport& report) {
  Json results = Json::array();
  for (const Decision& decision : report.decisions) results.push_back(result_json(decision));
  return {{"schema", "axiom.regions.v1"},
          {"axiom", AXIOM_VERSION},
          {"model", {{"path", report.model_path}, {"sha256", report.model_digest}}},
          {"property", {{"path", report.property_path}, {"sha256", report.property_digest}}},
          {"results", std::move(results)}};
}

std::optional<RegionAxes> region_axes(const Decision& decision, const std::optional<RegionAxes>& wanted) {
  const std::vector<size_t> inputs = varying_inputs(decision.regions);
  if (wanted || inputs.size() < 2) return inputs.size() < 2 ? std::nullopt : wanted;
  std::vector<uint64_t> cuts(decision.regions.front().lo.size());
  for (const SearchTree::Node& node : decision.tree.nodes) {
    if (node.state == NodeState::kSplit && node.split < cuts.size()) ++cuts[node.split];
  }
  std::vector<size_t> order = inputs;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return cuts[a] > cuts[b]; });
  return RegionAxes{std::min(order[0], order[1]), std::max(order[0], order[1])};
}

std::string regions_html(const Decision& decision, const std::optional<RegionAxes>& wanted) {
  if (decision.regions.empty()) return "<p>The search has left no boxes to show.</p>\n";
  std::string out = decision.verdict == Verdict::kVerified
                        ? "<p>The certificate covers all of the input set; the boxes are those of its proof.</p>\n"
                        : "<p>What is called proved here is what the search has proved so far: without the verdict "
                          "<em>verified</em> there is no certificate that axiom-check has accepted.</p>\n";
  out += shares_table(wholes_of(decision.regions));
  const std::optional<RegionAxes> axes = region_axes(decision, wanted);
  if (!axes) return out;
  if (decision.regions.size() > kDrawnBoxes)
    return out + fmt::format("<p>{} boxes are too many to draw; --regions FILE.json lists them.</p>\n",
                             decision.regions.size());
  return out + map_svg(decision, *axes);
}

std::string regions_page(const DecisionReport& report, const std::optional<RegionAxes>& wanted) {
  const std::string title =
      fmt::format("Region map: {}, {}", short_name(report.model_path), short_name(report.property_path));
  std::string body = fmt::format("<h1>{}</h1>\n", html_escape(title));
  for (const Decision& decision : report.decisions) {
    body += fmt::format("<h2>{}: {}</h2>\n", semantics_name(decision.semantics), verdict_name(decision.verdict)) +
            regions_html(decision, wanted);
  }
  return html_page(title, body);
}

}  // namespace axiom::cli
