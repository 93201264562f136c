// An answer of `axiom verify`, and a sweep, for programs that read findings: SARIF and JUnit.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "certificate/certify.h"
#include "cli/output.h"
#include "cli/sweep_row.h"

namespace axiom::cli {

/// SARIF 2.1.0 of an answer, or of why there is none (docs/schemas.md lists the rules).
Json verify_sarif(const Result<DecisionReport>& report, const std::string& property_path);
/// JUnit XML of the same: one test case a semantics.
std::string verify_junit(const Result<DecisionReport>& report, const std::string& model_path,
                         const std::string& property_path);
Json sweep_sarif(const std::vector<SweepRow>& rows);

}  // namespace axiom::cli
