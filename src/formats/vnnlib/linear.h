// Linear terms and atoms of VNN-LIB, and their normal form.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/decimal.h"
#include "base/result.h"
#include "graph/property.h"

namespace axiom::vnnlib {

/// A sum of terms (in any order, variables may repeat) and a constant.
struct Linear {
  std::vector<Term> terms;
  Decimal constant;
};

/// Exact arithmetic with a limit on the work that one property may cause.
class Arithmetic {
 public:
  /// *a += b; *a -= b; *a *= b. The error is the part of a message after the line.
  Status add(Linear& a, Linear b);
  Status subtract(Linear& a, Linear b);
  Status multiply(Linear& a, Linear b);
  /// Sorts terms (X by index, then Y by index), combines equal variables and drops zero coefficients.
  Status combine(std::vector<Term>& terms);

 private:
  Status add(Decimal& a, const Decimal& b);
  Status scale(Linear& a, const Decimal& factor);
  Status charge(const Decimal& a, const Decimal& b);
  int64_t work_ = 0;
};

/// A comparison in normal form.
struct Atom {
  enum class Kind { kFalse, kTrue, kInputBound, kConstraint };
  Kind kind = Kind::kTrue;
  LinearConstraint constraint;  ///< For kInputBound one X term with coefficient +1 (upper) or -1 (lower, negated).
};

/// left <= right.
Result<Atom> make_atom(Arithmetic& arithmetic, Linear left, Linear right, int line);

}  // namespace axiom::vnnlib
