// Exact decimals: the numbers of a property, kept exact until a semantics rounds them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace axiom {

class Decimal;
Decimal quotient_down(const Decimal& a, const Decimal& b, size_t digits);

/// sign * digits * 10^exponent with arbitrary many digits; a value type with exact arithmetic.
class Decimal {
 public:
  Decimal() = default;  ///< Zero.
  /// Accepts [+-]digits[.digits][e[+-]digits]; caps: 1,000 digits, |exponent| <= 10,000.
  static Result<Decimal> parse(std::string_view text);
  /// The exact value of a finite double; AXIOM_CHECK on others.
  static Decimal exact(double value);

  Decimal operator-() const;
  friend Decimal operator+(const Decimal& a, const Decimal& b);
  friend Decimal operator*(const Decimal& a, const Decimal& b);
  /// -1, 0, 1 as a < b, a = b, a > b.
  friend int compare(const Decimal& a, const Decimal& b);
  friend bool operator==(const Decimal& a, const Decimal& b) = default;  ///< The form is unique.
  /// The greatest decimal of `digits` significant digits that is at most a / b; a / b itself where it has no more. `b`
  /// is not zero (AXIOM_CHECK).
  friend Decimal quotient_down(const Decimal& a, const Decimal& b, size_t digits);
  bool is_zero() const { return digits_.empty(); }
  bool is_negative() const { return negative_; }
  size_t digit_count() const { return digits_.size(); }
  /// A reader that does arithmetic refuses results that grow: sums cost as many digits as their exponents differ.
  bool is_small() const { return digits_.size() <= 2000 && exponent_ >= -20000 && exponent_ <= 20000; }

  double round_down() const;          ///< The largest double <= the value (-max is followed by -inf).
  double round_up() const;            ///< The smallest double >= the value.
  double round_nearest() const;       ///< Round to nearest even.
  float round_nearest_float() const;  ///< RN to binary32, directly (not through double).
  std::string to_string() const;      ///< Shortest form, e.g. "-0.303531156".

 private:
  static Decimal normalized(bool negative, std::string digits, int64_t exponent);
  bool negative_ = false;
  std::string digits_;  ///< Most significant first, no leading or trailing zeros; empty for zero.
  int exponent_ = 0;    ///< Of the last digit.
};

}  // namespace axiom
