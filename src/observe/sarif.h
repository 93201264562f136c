// SARIF 2.1.0, the format in which code hosts and editors read the findings of analysers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace axiom {

/// Something to report about a property file.
struct Finding {
  std::string rule;      ///< An id of sarif_rules().
  std::string message;   ///< One or two sentences.
  std::string path;      ///< The property file, as the user names it.
  int line = 0;          ///< 1 is the first; 0: the file as a whole.
  std::string identity;  ///< The same for the same question in every run: lets readers tell old findings from new ones.
  nlohmann::ordered_json properties;  ///< Figures; null: none.
};

/// What a finding may be about. The ids never change their meaning: those of axiom.verdict.v1, behind "axiom/".
struct SarifRule {
  std::string_view id, name, summary, help;
  std::string_view level;  ///< "error", "warning", or "none" for what passes.
};
const std::vector<SarifRule>& sarif_rules();

/// The document; findings about verified properties have the kind `pass`.
nlohmann::ordered_json sarif_document(const std::string& version, const std::vector<Finding>& findings);

}  // namespace axiom
