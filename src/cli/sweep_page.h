// Pages about sweeps: one sweep, and what changed from one to another.
#pragma once

#include <string>
#include <vector>

#include "cli/sweep_row.h"

namespace axiom::cli {

/// The page of `axiom sweep --html` and of `axiom report` with one file.
std::string sweep_page(const std::vector<SweepRow>& rows, bool complete);

/// The same instance under the same semantics in two sweeps.
struct RowPair {
  const SweepRow* before = nullptr;
  const SweepRow* after = nullptr;
};

/// What changed between two sweeps. Refers to the rows it was made of.
struct SweepComparison {
  std::vector<RowPair> both;           ///< In both, in the order of the second.
  std::vector<RowPair> gained;         ///< Decided only in the second.
  std::vector<RowPair> lost;           ///< Decided only in the first.
  std::vector<RowPair> contradicting;  ///< Verified in one, violated in the other.
  std::vector<const SweepRow*> only_before, only_after;

  /// Nothing that was decided is lost or contradicted.
  bool good() const { return lost.empty() && contradicting.empty(); }
};
SweepComparison compare_sweeps(const std::vector<SweepRow>& before, const std::vector<SweepRow>& after);

/// Of the rows that are decided in both: geometric mean of (time after) / (time before), times below a hundredth of a
/// second counted as that. 1 when there are none.
double time_ratio(const std::vector<RowPair>& pairs);

std::string comparison_page(const SweepComparison& comparison, const std::string& before, const std::string& after);
/// A table by family and the rows whose verdict changed.
std::string comparison_text(const SweepComparison& comparison);
/// axiom.comparison.v1
Json comparison_json(const SweepComparison& comparison);

}  // namespace axiom::cli
