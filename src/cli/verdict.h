// A verdict in the three forms that leave the program: lines for people, axiom.verdict.v1, and the VNN-COMP file.
#pragma once

#include <string>

#include "certificate/certify.h"
#include "cli/output.h"

namespace axiom::cli {

/// The verdict over all semantics: violated beats unknown beats verified.
Verdict overall(const DecisionReport& report);
int exit_code(Verdict verdict);
/// "VERIFIED" in green, "VIOLATED" in red, "UNKNOWN" in yellow.
std::string verdict_word(Verdict verdict);

/// "VERIFIED net prop 1.24 s 312 leaves float32 cert sha256:..." for each semantics; a witness or a reason on further,
/// indented lines.
std::string verdict_text(const DecisionReport& report);
/// axiom.verdict.v1
Json verdict_json(const DecisionReport& report);
/// One element of its `results`.
Json decision_json(const Decision& decision);
/// "sat" with the witness, "unsat", "timeout" or "unknown".
std::string vnncomp_text(const DecisionReport& report);

std::string witness_text(const Witness& witness);
Json witness_json(const Witness& witness);
/// "sat\n((X_0 0.5)\n(X_1 1)\n(Y_0 2))\n"
std::string vnncomp_witness(const Witness& witness);

}  // namespace axiom::cli
