// Reading what Print Assumptions prints. The list inside the program is that of the source tree it was built from.
#include "certificate/export/coq/assumptions.h"

#include <algorithm>

#include "certificate/export/coq/shipped_files.h"

namespace axiom {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string collapsed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!is_space(c)) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

CoqAssumption split(const std::string& entry) {
  const size_t colon = entry.find(" : ");
  if (colon == std::string::npos) return {entry, ""};
  return {entry.substr(0, colon), entry.substr(colon + 3)};
}

}  // namespace

std::vector<CoqAssumption> parse_coq_assumptions(std::string_view text) {
  std::vector<std::string> entries;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
    const std::string words = collapsed(line);
    if (words.empty() || line.front() == '#' || words == "Axioms:") continue;
    if (is_space(line.front()) && !entries.empty()) {
      entries.back() += " " + words;
    } else {
      entries.push_back(words);
    }
  }
  std::vector<CoqAssumption> found;
  for (const std::string& entry : entries) found.push_back(split(collapsed(entry)));
  return found;
}

const std::vector<CoqAssumption>& allowed_coq_assumptions() {
  static const auto* const allowed = new std::vector<CoqAssumption>(parse_coq_assumptions(kAssumptionsText));
  return *allowed;
}

std::vector<CoqAssumption> unexpected_coq_assumptions(const std::vector<CoqAssumption>& found) {
  const std::vector<CoqAssumption>& allowed = allowed_coq_assumptions();
  std::vector<CoqAssumption> unexpected;
  for (const CoqAssumption& assumption : found) {
    if (std::find(allowed.begin(), allowed.end(), assumption) == allowed.end()) unexpected.push_back(assumption);
  }
  return unexpected;
}

}  // namespace axiom
