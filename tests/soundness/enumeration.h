// Exact decision of small piecewise-linear networks, in rationals.
//
// Every activation pattern that occurs in the input box is visited. The part of the box that belongs to a pattern is
// kept as the list of its vertices; cutting it by a half-space adds the points where edges cross. All of it is exact,
// so the answer is the truth.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "meaning.h"
#include "question.h"

namespace axiom::soundness {

/// coefficients * x + constant.
struct AffineForm {
  std::vector<Rational> coefficients;
  Rational constant;
  Rational at(const std::vector<Rational>& x) const;
};

/// A polytope given by points whose convex hull it is.
struct Cell {
  struct Corner {
    std::vector<Rational> x;
    uint64_t tight = 0;  ///< Half-spaces on whose border it lies.
  };
  std::vector<Corner> corners;
  int free_dimensions = 0;
  int half_spaces = 0;

  /// Empty if a lower end exceeds its upper end.
  static Cell box(const ExactBox& box);
  /// The part where the form is <= 0.
  Cell cut(const AffineForm& form) const;
};

/// Visits the cells of the box on which all scalars are affine, with their forms. False when there were more than
/// `cap`.
bool for_each_cell(const Meaning& meaning, const ExactBox& box, size_t cap,
                   const std::function<void(const Cell&, const std::vector<AffineForm>&)>& visit);

/// Least value of the sum of an inequality over the box.
std::optional<Rational> exact_minimum(const Meaning& meaning, const ExactBox& box, const Inequality& inequality,
                                      size_t cap);

struct Truth {
  bool safe = true;
  std::vector<Rational> unsafe_point;
};

/// Whether the real network is safe; over the boxes as fed in binary32 if asked for. Empty: too many cells.
std::optional<Truth> decide_exactly(const Meaning& meaning, const Question& question, bool fed_as_floats,
                                    size_t cap = 3000);

}  // namespace axiom::soundness
