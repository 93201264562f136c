// A verification property: where the inputs may lie, and which outputs are unsafe.
//
// The unsafe set is a disjunction of conjunctions of closed linear constraints over X and Y (VNN-LIB: `sat` = some
// input is unsafe). Numbers stay exact decimals until a semantics decides how to round them (spec/certificate.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/decimal.h"

namespace axiom {

struct Term {
  bool is_output = false;  ///< Y_index when true, else X_index.
  uint32_t index = 0;
  Decimal coefficient;
};

/// sum terms <= bound (closed).
struct LinearConstraint {
  std::vector<Term> terms;
  Decimal bound;
  int line = 0;  ///< Line of the property text, for reports.
};

struct Interval {
  Decimal lower, upper;
  friend bool operator==(const Interval& a, const Interval& b) = default;
};

/// One interval per input, in order X_0, X_1, ... Immutable; copies share the intervals, because the disjuncts of a
/// property mostly have one box, and an image has thousands of inputs.
class Box {
 public:
  Box() = default;
  Box(std::vector<Interval> intervals)  // NOLINT: implicit on purpose
      : intervals_(std::make_shared<const std::vector<Interval>>(std::move(intervals))) {}

  size_t size() const { return intervals_ ? intervals_->size() : 0; }
  const Interval& operator[](size_t input) const { return (*intervals_)[input]; }
  const Interval* begin() const { return intervals_ ? intervals_->data() : nullptr; }
  const Interval* end() const { return begin() + size(); }
  /// True when both are copies of one box; then they are equal without looking.
  bool shares(const Box& other) const { return intervals_ == other.intervals_; }

 private:
  std::shared_ptr<const std::vector<Interval>> intervals_;
};

struct Disjunct {
  Box box;                                    ///< Every input is bounded; a lower end may exceed its upper end.
  std::vector<LinearConstraint> constraints;  ///< All of them hold at an unsafe point.
};

struct Property {
  uint32_t input_count = 0, output_count = 0;
  std::vector<Disjunct> disjuncts;
  std::string digest;  ///< Lower-case hex SHA-256 of the decompressed property text.
};

}  // namespace axiom
