// The words of a verdict. Nothing here decides anything: `decide` alone makes a Verdict (certificate/certify.h).
#include "cli/verdict.h"

#include <algorithm>

namespace axiom::cli {
namespace {

constexpr size_t kShownNumbers = 12;

/// The shortest digits that read back the same: as binary32 where it is one.
std::string number_text(double value) {
  const float single = static_cast<float>(value);
  return single == value ? fmt::format("{}", single) : fmt::format("{}", value);
}

template <typename T>
std::string numbers_text(std::string_view name, const std::vector<T>& values) {
  std::string out = fmt::format("  {} =", name);
  const size_t shown = values.size() <= kShownNumbers ? values.size() : kShownNumbers - 2;
  for (size_t i = 0; i < shown; ++i) out += " " + number_text(values[i]);
  if (shown < values.size()) out += fmt::format(" ... ({} numbers; --json gives all)", values.size());
  return out + "\n";
}

std::string certificate_text(const Decision& decision) {
  const std::string kept =
      decision.certificate_path.empty() ? "(checked, then deleted)" : "in " + decision.certificate_path;
  return fmt::format("cert sha256:{} {}", decision.certificate_digest, kept);
}

/// What to try when the engine itself has no advice.
std::string_view remedy(UnknownReason reason) {
  switch (reason) {
    case UnknownReason::kTime:
      return "give it more time (--timeout) or a smaller box";
    case UnknownReason::kMemory:
      return "give it more memory, fewer threads or a smaller box";
    case UnknownReason::kNoCertifiedMeaning:
      return "axiom inspect MODEL lists the nodes; export the model without them";
    case UnknownReason::kRelaxationGap:
      return "try a smaller box";
    case UnknownReason::kRoundingMargin:
      return "the margin is within rounding; --semantics real, or a smaller box";
    case UnknownReason::kOverflow:
      return "float32 may overflow in the box; try a smaller box";
    case UnknownReason::kInterrupted:
      return "it was stopped; run it again";
    case UnknownReason::kCertificateRejected:
      return "the checker rejected the proof: a bug of axiom; please report it";
    case UnknownReason::kNone:
      return "";
  }
  return "";
}

std::string unknown_text(const Decision& decision) {
  const std::string_view why =
      decision.explanation.empty() ? remedy(decision.reason) : std::string_view(decision.explanation);
  return fmt::format("{}: {}", reason_name(decision.reason), why);
}

std::string decision_text(const Decision& decision, const std::string& subject) {
  const std::string leaves = count_text(decision.leaves, "leaf", "leaves");
  const std::string middle =
      fmt::format("{} {} {} {}", subject, seconds_text(decision.seconds), leaves, semantics_name(decision.semantics));
  switch (decision.verdict) {
    case Verdict::kVerified:
      return fmt::format("{} {} {}\n", verdict_word(decision.verdict), middle, certificate_text(decision));
    case Verdict::kViolated:
      return fmt::format("{} {} {}", verdict_word(decision.verdict), middle,
                         decision.witness ? witness_text(*decision.witness) : "\n");
    case Verdict::kUnknown:
      break;
  }
  return fmt::format("{} {} {}\n{}", verdict_word(decision.verdict), middle, unknown_text(decision),
                     decision.checkpoint_path.empty()
                         ? ""
                         : fmt::format("  the search is saved in {}; the same command with --resume goes on\n",
                                       decision.checkpoint_path));
}

}  // namespace

Verdict overall(const DecisionReport& report) {
  const auto any = [&](Verdict verdict) {
    return std::any_of(report.decisions.begin(), report.decisions.end(),
                       [&](const Decision& decision) { return decision.verdict == verdict; });
  };
  if (any(Verdict::kViolated)) return Verdict::kViolated;
  return any(Verdict::kUnknown) || report.decisions.empty() ? Verdict::kUnknown : Verdict::kVerified;
}

std::string verdict_word(Verdict verdict) {
  switch (verdict) {
    case Verdict::kVerified:
      return coloured("VERIFIED", Colour::kGreen);
    case Verdict::kViolated:
      return coloured("VIOLATED", Colour::kRed);
    case Verdict::kUnknown:
      break;
  }
  return coloured("UNKNOWN", Colour::kYellow);
}

int exit_code(Verdict verdict) {
  switch (verdict) {
    case Verdict::kVerified:
      return kExitSuccess;
    case Verdict::kViolated:
      return kExitViolated;
    case Verdict::kUnknown:
      return kExitUnknown;
  }
  return kExitUnknown;
}

std::string verdict_text(const DecisionReport& report) {
  const std::string subject = short_name(report.model_path) + " " + short_name(report.property_path);
  std::string out;
  for (const Decision& decision : report.decisions) out += decision_text(decision, subject);
  if (!report.property_description.empty())
    out += fmt::format("  {}: {}\n", report.property_path, report.property_description);
  return out;
}

Json decision_json(const Decision& decision) {
  Json out = {{"semantics", semantics_name(decision.semantics)},
              {"verdict", verdict_name(decision.verdict)},
              {"seconds", decision.seconds},
              {"search_seconds", decision.search_seconds},
              {"check_seconds", decision.check_seconds},
              {"nodes", decision.nodes},
              {"leaves", decision.leaves}};
  if (decision.verdict == Verdict::kVerified) {
    out["certificate"] = {{"sha256", decision.certificate_digest}, {"bytes", decision.certificate_bytes}};
    if (!decision.certificate_path.empty()) out["certificate"]["path"] = decision.certificate_path;
  }
  if (decision.verdict == Verdict::kViolated && decision.witness) out["witness"] = witness_json(*decision.witness);
  if (decision.verdict == Verdict::kUnknown) {
    out["reason"] = reason_name(decision.reason);
    out["explanation"] = decision.explanation.empty() ? std::string(remedy(decision.reason)) : decision.explanation;
    out["best_bound"] = number_json(decision.best_bound);
    out["closed_share"] = decision.closed_share;
    if (!decision.checkpoint_path.empty()) out["checkpoint"] = decision.checkpoint_path;
  }
  if (decision.earlier_seconds > 0) out["earlier_seconds"] = decision.earlier_seconds;
  return out;
}

Json verdict_json(const DecisionReport& report) {
  Json results = Json::array();
  for (const Decision& decision : report.decisions) results.push_back(decision_json(decision));
  Json property = {{"path", report.property_path}, {"sha256", report.property_digest}};
  if (!report.property_description.empty()) property["description"] = report.property_description;
  return {{"schema", "axiom.verdict.v1"},
          {"axiom", AXIOM_VERSION},
          {"model", {{"path", report.model_path}, {"sha256", report.model_digest}}},
          {"property", std::move(property)},
          {"verdict", verdict_name(overall(report))},
          {"load_seconds", report.load_seconds},
          {"results", std::move(results)}};
}

std::string vnncomp_text(const DecisionReport& report) {
  const Verdict verdict = overall(report);
  if (verdict == Verdict::kVerified) return "unsat\n";
  bool timeout = false;
  for (const Decision& decision : report.decisions) {
    if (decision.verdict == Verdict::kViolated && decision.witness) return vnncomp_witness(*decision.witness);
    timeout |= decision.verdict == Verdict::kUnknown && decision.reason == UnknownReason::kTime;
  }
  return timeout ? "timeout\n" : "unknown\n";
}

std::string witness_text(const Witness& witness) {
  const std::string_view box =
      witness.inside_exact_box ? "inside the exact box" : "inside the box as rounded to float32";
  const std::string_view robust = witness.robust ? "robust" : "within rounding noise";
  return fmt::format("witness: margin {:.3g} at line {}, {}, {}, found by {}\n", witness.margin,
                     witness.constraint_line, robust, box, witness.origin) +
         numbers_text("X", witness.input) + numbers_text("Y", witness.output);
}

Json witness_json(const Witness& witness) {
  return {{"input", numbers_json<double>(witness.input)},
          {"output", numbers_json<float>(witness.output)},
          {"disjunct", witness.disjunct},
          {"constraint_line", witness.constraint_line},
          {"margin", number_json(witness.margin)},
          {"robust", witness.robust},
          {"inside_exact_box", witness.inside_exact_box},
          {"origin", witness.origin}};
}

std::string vnncomp_witness(const Witness& witness) {
  std::string numbers;
  for (size_t i = 0; i < witness.input.size(); ++i)
    numbers += fmt::format("(X_{} {})\n", i, number_text(witness.input[i]));
  for (size_t i = 0; i < witness.output.size(); ++i) numbers += fmt::format("(Y_{} {})\n", i, witness.output[i]);
  if (!numbers.empty()) numbers.pop_back();
  return "sat\n(" + numbers + ")\n";
}

}  // namespace axiom::cli
