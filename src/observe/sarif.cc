// One run of one tool; every rule is listed, so that a reader knows what was not found too.
#include "observe/sarif.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/result.h"
#include "base/sha256.h"

namespace axiom {
namespace {

using Json = nlohmann::ordered_json;

/// A path as a URI reference (RFC 3986): absolute ones as file:, relative ones as they are.
std::string uri_of(const std::string& path) {
  std::string out = path.starts_with('/') ? "file://" : "";
  for (const unsigned char c : path) {
    if (std::isalnum(c) || std::string_view("/-._~").find(static_cast<char>(c)) != std::string_view::npos) {
      out += static_cast<char>(c);
    } else {
      out += fmt::format("%{:02X}", c);
    }
  }
  return out;
}

Json rule_json(const SarifRule& rule) {
  return {{"id", rule.id},
          {"name", rule.name},
          {"shortDescription", {{"text", rule.summary}}},
          {"help", {{"text", rule.help}}},
          {"defaultConfiguration", {{"level", rule.level}}}};
}

Json result_json(const Finding& finding) {
  const std::vector<SarifRule>& rules = sarif_rules();
  const auto rule =
      std::find_if(rules.begin(), rules.end(), [&](const SarifRule& one) { return one.id == finding.rule; });
  AXIOM_CHECK(rule != rules.end());
  Json physical = {{"artifactLocation", {{"uri", uri_of(finding.path)}}}};
  if (finding.line > 0) physical["region"] = {{"startLine", finding.line}};
  Json out = {{"ruleId", rule->id},
              {"ruleIndex", rule - rules.begin()},
              {"kind", rule->level == "none" ? "pass" : "fail"},
              {"level", rule->level},
              {"message", {{"text", finding.message}}},
              {"locations", Json::array({Json{{"physicalLocation", std::move(physical)}}})},
              {"partialFingerprints", {{"axiomQuestion/v1", sha256_hex(finding.identity)}}}};
  if (!finding.properties.is_null()) out["properties"] = finding.properties;
  return out;
}

}  // namespace

const std::vector<SarifRule>& sarif_rules() {
  static const std::vector<SarifRule> rules = {
      {"axiom/verified", "Verified", "The property is proved; axiom-check has accepted the certificate.",
       "Nothing is to be done.", "none"},
      {"axiom/violated", "Violated", "An input of the stated region makes the network violate the property.",
       "Replay the witness with axiom run; change the network or the property.", "error"},
      {"axiom/time", "UnknownTime", "Neither proved nor refuted within the time limit.",
       "Give it more --timeout or --threads, or go on with --checkpoint and --resume.", "warning"},
      {"axiom/memory", "UnknownMemory", "Neither proved nor refuted within the memory.",
       "Give it more memory, fewer threads or a smaller box.", "warning"},
      {"axiom/no-certified-meaning", "UnknownNoCertifiedMeaning",
       "The network has a node that can be run but not proved about.",
       "axiom inspect lists these nodes; export the network without them.", "warning"},
      {"axiom/relaxation-gap", "UnknownRelaxationGap", "Nothing is left to split, and the bounds are too wide.",
       "Try a smaller box.", "warning"},
      {"axiom/rounding-margin", "UnknownRoundingMargin",
       "The property is too narrow for the rounding errors that float32 covers.",
       "Ask about --semantics real, or leave a margin in the property.", "warning"},
      {"axiom/overflow", "UnknownOverflow", "Overflow of float32 cannot be excluded.", "Try a smaller box.", "warning"},
      {"axiom/interrupted", "UnknownInterrupted", "Stopped on request before an answer was found.",
       "Run it again; --checkpoint and --resume go on where it stopped.", "warning"},
      {"axiom/certificate-rejected", "CertificateRejected", "axiom-check did not accept the proof.",
       "This is a bug of axiom; please report it.", "error"},
      {"axiom/wrong-verdict", "WrongVerdict", "The verdict contradicts the expected one.",
       "One of the two is wrong; replay the witness, check the certificate.", "error"},
      {"axiom/not-run", "NotRun", "The question could not be asked: a file cannot be read or run.",
       "The message names the place and the remedy.", "error"},
  };
  return rules;
}

Json sarif_document(const std::string& version, const std::vector<Finding>& findings) {
  Json rules = Json::array(), results = Json::array();
  for (const SarifRule& rule : sarif_rules()) rules.push_back(rule_json(rule));
  for (const Finding& finding : findings) results.push_back(result_json(finding));
  Json driver = {{"name", "axiom"}, {"version", version}, {"semanticVersion", version}, {"rules", std::move(rules)}};
  Json run = {
      {"tool", {{"driver", std::move(driver)}}}, {"columnKind", "utf16CodeUnits"}, {"results", std::move(results)}};
  return {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
          {"version", "2.1.0"},
          {"runs", Json::array({std::move(run)})}};
}

}  // namespace axiom
