// The page of `axiom verify --html`: for a reader who has to decide what the answer is worth.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "certificate/certify.h"
#include "cli/region_map.h"

namespace axiom::cli {

/// How a search went: samples over time, thinned so that there are never too many. One thread at a time.
class SearchHistory {
 public:
  void add(const SearchProgress& sample);
  const std::vector<SearchProgress>& samples() const { return samples_; }

 private:
  std::vector<SearchProgress> samples_;
  size_t every_ = 1, seen_ = 0;
};

/// Reads model and property again for their words: `property_file` is the file that was decided, which differs from
/// the report's path for properties of the library.
Result<std::string> verify_page(const DecisionReport& report, const std::string& property_file,
                                const SearchHistory& history, const std::optional<RegionAxes>& axes);

}  // namespace axiom::cli
