// Questions of the suite: an unsafe set kept exactly, and its VNN-LIB text.
#pragma once

#include <string>
#include <vector>

#include "rational.h"

namespace axiom::soundness {

/// sum coefficient * variable <= bound; the numbers are decimals as they stand in the text.
struct Inequality {
  struct Term {
    bool output = true;
    int index = 0;
    std::string coefficient;
    Rational exact() const { return parse_decimal(coefficient); }
  };
  std::vector<Term> terms;
  std::string bound;

  /// bound - sum: >= 0 where the inequality holds.
  Rational slack(const std::vector<Rational>& x, const std::vector<Rational>& y) const;
};

struct Side {
  std::string lower, upper;
};

struct UnsafeCase {
  std::vector<Side> box;
  std::vector<Inequality> inequalities;
};

/// A model is unsafe at x if some case holds there.
struct Question {
  int inputs = 0, outputs = 0;
  std::vector<UnsafeCase> cases;

  std::string text() const;
};

/// A box as exact numbers: as written, or as the floats that its ends are fed as.
struct ExactBox {
  std::vector<Rational> lower, upper;
};
ExactBox exact_box(const std::vector<Side>& box);
ExactBox float_box(const std::vector<Side>& box);

/// All digits of a double, as a decimal.
std::string decimal_of(double value);
/// A decimal with a few digits.
std::string short_decimal(double value, int digits);

}  // namespace axiom::soundness
