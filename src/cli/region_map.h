// Region maps: which parts of the input set are proved, which hold a counterexample, which are open.
//
// The parts are the boxes into which the search has cut the input set. In a verified question the certificate covers
// all of them; otherwise "proved" is the word of the search alone, and the map says so.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "certificate/certify.h"
#include "cli/output.h"

namespace axiom::cli {

/// axiom.regions.v1
Json regions_json(const DecisionReport& report);

/// Two inputs to draw: those given, or the two that were cut most often. Nothing where only one input varies.
struct RegionAxes {
  size_t x = 0, y = 0;
};
std::optional<RegionAxes> region_axes(const Decision& decision, const std::optional<RegionAxes>& wanted);

/// HTML of one decision: shares, and the map when there is something to draw.
std::string regions_html(const Decision& decision, const std::optional<RegionAxes>& wanted);

/// A page of its own.
std::string regions_page(const DecisionReport& report, const std::optional<RegionAxes>& wanted);

}  // namespace axiom::cli
