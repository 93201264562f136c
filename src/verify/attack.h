// Attacks: the search for a counterexample by evaluating points.
//
// Centre, corners, random points, and projected gradient descent (Madry et al. 2018) on the sum of what is missing for
// the constraints to hold, with restarts. A candidate counts only after `confirm` has replayed it.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "verify/evaluator.h"
#include "verify/problem.h"
#include "verify/witness.h"

namespace axiom {

/// Replays a candidate point (input_count doubles, each a binary32 number) of a disjunct exactly; a witness if it
/// holds.
using Confirm =
    std::function<std::optional<Witness>(size_t disjunct, std::span<const double> point, const std::string& origin)>;

struct AttackPlan {
  int restarts = 20;
  int steps = 40;
  uint64_t seed = 1;
  std::function<bool()> stop;  ///< Checked between points.
};

/// A box of inputs.
struct Region {
  std::span<const double> lo, hi;
};

/// One descent from a point of the box, within it: at most plan.steps signed gradient steps on the sum of the negative
/// slacks.
std::optional<Witness> descend(const Problem& problem, size_t disjunct, Evaluator& evaluator, std::vector<double> point,
                               const Region& box, const AttackPlan& plan, const Confirm& confirm);

/// Attacks the given disjuncts, each within its box, in turn: first from the centre, then from random points.
std::optional<Witness> attack(const Problem& problem, std::span<const size_t> disjuncts, Evaluator& evaluator,
                              const AttackPlan& plan, const Confirm& confirm);

/// The point with each coordinate rounded to a binary32 number of [lo, hi], or to the nearest one where there is none.
void round_into_box(std::span<double> point, std::span<const double> lo, std::span<const double> hi);

/// Tries one point: evaluates, and asks `confirm` when it looks unsafe.
std::optional<Witness> try_point(const Problem& problem, size_t disjunct, Evaluator& evaluator, std::span<double> point,
                                 const std::string& origin, const Confirm& confirm);

}  // namespace axiom
