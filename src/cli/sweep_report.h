// What a sweep amounts to: a table, JSON, JUnit XML and the exit code.
#pragma once

#include <string>
#include <vector>

#include "cli/sweep_row.h"

namespace axiom::cli {

/// Figures of one family under one semantics.
struct FamilySummary {
  std::string family, semantics;
  size_t instances = 0, verified = 0, violated = 0, unknown = 0, errors = 0, wrong = 0;
  double seconds = 0;          ///< Sum over all rows.
  double bytes_per_leaf = 0;   ///< Median over the certificates; 0 without any.
  double check_per_solve = 0;  ///< Time to check / time to solve, summed over the certificates; 0 without any.
  uint64_t largest_certificate = 0;
  double peak_mb = 0;  ///< Greatest.
};

/// One summary for each family and semantics, in order of appearance; after several families the sum over all of them.
std::vector<FamilySummary> summarize(const std::vector<SweepRow>& rows);

std::string summary_table(const std::vector<FamilySummary>& summaries);
/// axiom.sweep.v1
Json sweep_json(const std::vector<SweepRow>& rows, bool complete);
/// One test suite a family, one test case a row: a wrong verdict fails, an unknown one is skipped.
std::string junit_xml(const std::vector<SweepRow>& rows);
/// docs/schemas.md, "Exit codes of axiom sweep".
int sweep_exit_code(const std::vector<SweepRow>& rows, bool complete, bool strict);

}  // namespace axiom::cli
