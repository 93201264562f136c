// The axioms that a theorem rests on, compared with those that it may rest on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace axiom {

struct CoqAssumption {
  std::string name, type;
  friend bool operator==(const CoqAssumption& a, const CoqAssumption& b) = default;
};

/// Reads entries "name : type" as Print Assumptions prints them: an entry begins at the start of a line, further lines
/// of it are indented. White space is collapsed. Lines that begin with '#' and the heading "Axioms:" are skipped.
std::vector<CoqAssumption> parse_coq_assumptions(std::string_view text);

/// The committed list proofs/assumptions.txt.
const std::vector<CoqAssumption>& allowed_coq_assumptions();

/// Those that are not in the list with this name and this type.
std::vector<CoqAssumption> unexpected_coq_assumptions(const std::vector<CoqAssumption>& found);

/// What Coq says of a theorem without any axiom.
inline constexpr std::string_view kNoCoqAssumptions = "Closed under the global context";

}  // namespace axiom
