// Exact numbers of the suite: GMP rationals, read from floats and decimals without rounding.
#pragma once

#include <gmpxx.h>

#include <cmath>
#include <string>

namespace axiom::soundness {

using Rational = mpq_class;

/// The exact value of a decimal such as "-1.25e-3".
inline Rational parse_decimal(const std::string& text) {
  size_t at = text[0] == '-' || text[0] == '+' ? 1 : 0;
  const size_t e = text.find_first_of("eE");
  long exponent = e == std::string::npos ? 0 : std::stol(text.substr(e + 1));
  std::string digits;
  bool fraction = false;
  for (; at < std::min(e, text.size()); ++at) {
    if (text[at] == '.') {
      fraction = true;
      continue;
    }
    digits.push_back(text[at]);
    exponent -= fraction;
  }
  mpz_class power;
  mpz_ui_pow_ui(power.get_mpz_t(), 10, static_cast<unsigned long>(std::labs(exponent)));
  Rational value{mpz_class(digits, 10)};
  if (exponent < 0)
    value /= power;
  else
    value *= power;
  return text[0] == '-' ? Rational(-value) : value;
}

/// The binary32 number nearest to a rational, ties to even.
inline float nearest_float(const Rational& value) {
  float guess = static_cast<float>(value.get_d());  // Truncated twice: at most one step away.
  float best = guess;
  Rational best_distance = abs(Rational(static_cast<double>(guess)) - value);
  for (const float next : {std::nextafterf(guess, -INFINITY), std::nextafterf(guess, INFINITY)}) {
    if (!std::isfinite(next)) continue;
    const Rational distance = abs(Rational(static_cast<double>(next)) - value);
    int exponent = 0;
    const bool even = std::fmod(std::ldexp(static_cast<double>(std::frexp(next, &exponent)), 24), 2.0) == 0;
    if (distance < best_distance || (distance == best_distance && even)) {
      best = next;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace axiom::soundness
