// Points through the core program, in double arithmetic: what attacks and branching evaluate, thousands of times a
// second.
//
// The results are those of the real semantics up to double rounding: good enough to choose points, never to decide.
#pragma once

#include <span>
#include <vector>

#include "bounds/bound_program.h"
#include "verify/problem.h"

namespace axiom {

class Evaluator {
 public:
  explicit Evaluator(const BoundProgram& program);

  /// Values of all elements for an input point (input_count doubles). Valid until the next call.
  std::span<const double> forward(std::span<const double> input);

  /// Gradient with respect to the inputs of sum seed over elements, at the last forward point.
  std::span<const double> backward(std::span<const std::pair<ElementId, double>> seed);

 private:
  const BoundProgram& program_;
  std::vector<double> value_, gradient_;
  std::vector<uint32_t> active_;
};

/// Slack of a constraint at a point: bound - sum; >= 0 means the constraint holds (towards violation).
double slack(const NumericConstraint& constraint, std::span<const double> values);

/// Least slack over the constraints: >= 0 means the point is unsafe.
double least_slack(const NumericDisjunct& disjunct, std::span<const double> values);

/// Sum of the negative slacks: what is missing for all constraints to hold, <= 0. `terms` receives the terms of those
/// constraints: the direction in which the sum falls.
double shortfall(const NumericDisjunct& disjunct, std::span<const double> values,
                 std::vector<std::pair<ElementId, double>>& terms);

}  // namespace axiom
