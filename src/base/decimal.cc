// Exact decimal arithmetic, and its correctly rounded way out to binary floating point.
//
// A value is digits * 10^exponent, so reading, negating and comparing are work on text; products and aligned sums go
// through natural numbers in base 10^9. Rounding asks the C library for the nearest double (correct for any number
// of digits) and then compares exactly: a double m * 2^-k is the decimal m * 5^k * 10^-k.
#include "base/decimal.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

namespace axiom {
namespace {

constexpr uint64_t kBase = 1'000'000'000;
constexpr size_t kLimbDigits = 9;

/// A natural number in base 10^9, least significant limb first, without leading zero limbs.
using Natural = std::vector<uint32_t>;

void trim(Natural& n) {
  while (!n.empty() && n.back() == 0) n.pop_back();
}

Natural natural(std::string_view digits) {
  Natural n;
  for (size_t end = digits.size(); end > 0;) {
    const size_t begin = end > kLimbDigits ? end - kLimbDigits : 0;
    uint32_t limb = 0;
    for (size_t i = begin; i < end; ++i) limb = limb * 10 + static_cast<uint32_t>(digits[i] - '0');
    n.push_back(limb);
    end = begin;
  }
  trim(n);
  return n;
}

std::string digits_of(const Natural& n) {
  std::string text;
  for (size_t i = n.size(); i-- > 0;) {
    const std::string limb = std::to_string(n[i]);
    if (!text.empty()) text.append(kLimbDigits - limb.size(), '0');
    text += limb;
  }
  return text;
}

Natural product(const Natural& a, const Natural& b) {
  Natural result(a.size() + b.size(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    uint64_t carry = 0;
    for (size_t j = 0; j < b.size() || carry > 0; ++j) {
      const uint64_t term = j < b.size() ? uint64_t{a[i]} * b[j] : 0;
      const uint64_t sum = result[i + j] + term + carry;
      result[i + j] = static_cast<uint32_t>(sum % kBase);
      carry = sum / kBase;
    }
  }
  trim(result);
  return result;
}

Natural sum(const Natural& a, const Natural& b) {
  Natural result;
  uint64_t carry = 0;
  for (size_t i = 0; i < std::max(a.size(), b.size()) || carry > 0; ++i) {
    const uint64_t limb = (i < a.size() ? a[i] : 0) + uint64_t{i < b.size() ? b[i] : 0} + carry;
    result.push_back(static_cast<uint32_t>(limb % kBase));
    carry = limb / kBase;
  }
  return result;
}

/// a - b; needs a >= b.
Natural difference(const Natural& a, const Natural& b) {
  Natural result;
  int64_t borrow = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    int64_t limb = int64_t{a[i]} - (i < b.size() ? b[i] : 0) - borrow;
    borrow = limb < 0 ? 1 : 0;
    result.push_back(static_cast<uint32_t>(limb + borrow * static_cast<int64_t>(kBase)));
  }
  trim(result);
  return result;
}

int compare_naturals(const Natural& a, const Natural& b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  for (size_t i = a.size(); i-- > 0;) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

Natural power(uint32_t base, int exponent) {
  Natural result = {1}, square = {base};
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) result = product(result, square);
    square = product(square, square);
  }
  return result;
}

/// Splits [+-]digits[.digits][e[+-]digits] without judging sizes.
struct Literal {
  bool negative = false;
  std::string_view integer, fraction, exponent;
  bool exponent_negative = false;
};

bool take_sign(std::string_view& text) {
  const bool negative = !text.empty() && text.front() == '-';
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return negative;
}

std::string_view take_digits(std::string_view& text) {
  size_t count = 0;
  while (count < text.size() && text[count] >= '0' && text[count] <= '9') ++count;
  const std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

bool split_literal(std::string_view text, Literal& out) {
  out.negative = take_sign(text);
  out.integer = take_digits(text);
  if (out.integer.empty()) return false;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    out.fraction = take_digits(text);
    if (out.fraction.empty()) return false;
  }
  if (!text.empty() && (text.front() == 'e' || text.front() == 'E')) {
    text.remove_prefix(1);
    out.exponent_negative = take_sign(text);
    out.exponent = take_digits(text);
    if (out.exponent.empty()) return false;
  }
  return text.empty();
}

Error bad_number(std::string_view text, const char* why) {
  const bool is_long = text.size() > 40;
  return invalid_input("'" + std::string(text.substr(0, 40)) + (is_long ? "...'" : "'") + " " + why);
}

/// digits followed by a power of ten, in the spelling that strtod reads under any locale.
std::string plain_scientific(bool negative, const std::string& digits, int exponent) {
  return (negative ? "-" : "") + digits + "e" + std::to_string(exponent);
}

}  // namespace

Decimal Decimal::normalized(bool negative, std::string digits, int64_t exponent) {
  Decimal result;
  const size_t last = digits.find_last_not_of('0');
  if (last == std::string::npos) return result;
  exponent += static_cast<int64_t>(digits.size() - 1 - last);
  digits.erase(last + 1);
  digits.erase(0, digits.find_first_not_of('0'));
  AXIOM_CHECK(exponent == static_cast<int>(exponent));
  result.negative_ = negative;
  result.digits_ = std::move(digits);
  result.exponent_ = static_cast<int>(exponent);
  return result;
}

Result<Decimal> Decimal::parse(std::string_view text) {
  Literal literal;
  if (!split_literal(text, literal)) return bad_number(text, "is not a decimal number such as -0.25 or 1e-5");
  if (literal.integer.size() + literal.fraction.size() > 1000) return bad_number(text, "has more than 1,000 digits");
  int64_t exponent = 0;
  for (char c : literal.exponent) exponent = std::min<int64_t>(exponent * 10 + (c - '0'), 1'000'000);
  if (exponent > 10'000) return bad_number(text, "has an exponent beyond 10,000");
  if (literal.exponent_negative) exponent = -exponent;
  std::string digits(literal.integer);
  digits += literal.fraction;
  return normalized(literal.negative, std::move(digits), exponent - static_cast<int64_t>(literal.fraction.size()));
}

Decimal Decimal::exact(double value) {
  AXIOM_CHECK(std::isfinite(value));
  int exponent = 0;
  const double fraction = std::frexp(std::fabs(value), &exponent);
  auto mantissa = static_cast<uint64_t>(std::ldexp(fraction, 53));
  exponent -= 53;
  while (mantissa != 0 && mantissa % 2 == 0) mantissa /= 2, ++exponent;
  const Natural scale = exponent < 0 ? power(5, -exponent) : power(2, exponent);
  return normalized(std::signbit(value), digits_of(product(natural(std::to_string(mantissa)), scale)),
                    std::min(exponent, 0));
}

Decimal Decimal::operator-() const {
  Decimal result = *this;
  result.negative_ = !negative_ && !is_zero();
  return result;
}

Decimal operator+(const Decimal& a, const Decimal& b) {
  if (a.is_zero()) return b;
  if (b.is_zero()) return a;
  const int exponent = std::min(a.exponent_, b.exponent_);
  const auto aligned = [exponent](const Decimal& d) {
    return natural(d.digits_ + std::string(static_cast<size_t>(d.exponent_ - exponent), '0'));
  };
  const Natural x = aligned(a), y = aligned(b);
  if (a.negative_ == b.negative_) return Decimal::normalized(a.negative_, digits_of(sum(x, y)), exponent);
  const bool a_larger = compare_naturals(x, y) >= 0;
  const Natural rest = a_larger ? difference(x, y) : difference(y, x);
  return Decimal::normalized(a_larger ? a.negative_ : b.negative_, digits_of(rest), exponent);
}

Decimal operator*(const Decimal& a, const Decimal& b) {
  return Decimal::normalized(a.negative_ != b.negative_, digits_of(product(natural(a.digits_), natural(b.digits_))),
                             int64_t{a.exponent_} + b.exponent_);
}

// Long division of the digits, one decimal digit at a time; where the rest of a negative quotient is not zero, its size
// rounds up.
Decimal quotient_down(const Decimal& a, const Decimal& b, size_t digits) {
  AXIOM_CHECK(!b.is_zero() && digits > 0);
  if (a.is_zero()) return {};
  const Natural divisor = natural(b.digits_), ten = {10};
  Natural rest;
  std::string quotient;
  size_t significant = 0, taken = 0;
  for (; significant < digits && (taken < a.digits_.size() || !rest.empty()); ++taken) {
    rest = product(rest, ten);
    if (taken < a.digits_.size() && a.digits_[taken] != '0')
      rest = sum(rest, {static_cast<uint32_t>(a.digits_[taken] - '0')});
    char digit = '0';
    for (; compare_naturals(rest, divisor) >= 0; ++digit) rest = difference(rest, divisor);
    quotient += digit;
    significant += significant > 0 || digit != '0';
  }
  const bool negative = a.negative_ != b.negative_, exact = rest.empty() && taken >= a.digits_.size();
  Natural size = natural(quotient);
  if (negative && !exact) size = sum(size, {1});
  const int64_t shift = static_cast<int64_t>(a.digits_.size()) - static_cast<int64_t>(taken);
  return Decimal::normalized(negative, digits_of(size), int64_t{a.exponent_} - b.exponent_ + shift);
}

int compare(const Decimal& a, const Decimal& b) {
  const auto sign = [](const Decimal& d) { return d.is_zero() ? 0 : d.negative_ ? -1 : 1; };
  if (sign(a) != sign(b)) return sign(a) < sign(b) ? -1 : 1;
  // Leading digits at the same place compare like text; a prefix is smaller, since trailing zeros are not stored.
  const int64_t a_place = a.exponent_ + static_cast<int64_t>(a.digits_.size());
  const int64_t b_place = b.exponent_ + static_cast<int64_t>(b.digits_.size());
  const int larger = a_place != b_place ? (a_place < b_place ? -1 : 1) : a.digits_.compare(b.digits_);
  return sign(a) * (larger < 0 ? -1 : larger > 0 ? 1 : 0);
}

double Decimal::round_nearest() const {
  return is_zero() ? 0.0 : std::strtod(plain_scientific(negative_, digits_, exponent_).c_str(), nullptr);
}

float Decimal::round_nearest_float() const {
  return is_zero() ? 0.0f : std::strtof(plain_scientific(negative_, digits_, exponent_).c_str(), nullptr);
}

double Decimal::round_down() const {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double nearest = round_nearest();
  if (nearest == infinity) return std::numeric_limits<double>::max();
  if (nearest == -infinity || compare(exact(nearest), *this) <= 0) return nearest;
  return std::nextafter(nearest, -infinity);
}

double Decimal::round_up() const { return 0.0 - (-*this).round_down(); }

std::string Decimal::to_string() const {
  if (is_zero()) return "0";
  const std::string sign = negative_ ? "-" : "";
  const int64_t count = static_cast<int64_t>(digits_.size());
  const int64_t point = count + exponent_;  // Digits before the decimal point.
  if (exponent_ >= 0 && point <= 21) return sign + digits_ + std::string(static_cast<size_t>(exponent_), '0');
  if (point > 0 && point < count) return sign + digits_.substr(0, point) + "." + digits_.substr(point);
  if (point <= 0 && point > -6) return sign + "0." + std::string(static_cast<size_t>(-point), '0') + digits_;
  const std::string rest = count > 1 ? "." + digits_.substr(1) : "";
  return sign + digits_.substr(0, 1) + rest + "e" + std::to_string(point - 1);
}

}  // namespace axiom
