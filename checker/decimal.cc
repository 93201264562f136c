// Exact decimals and their correct rounding to binary, with schoolbook big
// integers: a value is a quotient of two of them, the rounded significand is
// their integer quotient at the right power of two, and the remainder decides.
// No digit is ever dropped, so hard halfway cases need no care.
#include "decimal.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "error.h"

namespace checker {
namespace {

using Digits = std::vector<uint32_t>;
constexpr int64_t kMaxExponent = 2'000;

void trim(Digits& a) {
  while (!a.empty() && a.back() == 0) a.pop_back();
}

// a = a * factor + carry
void multiply_small(Digits& a, uint32_t factor, uint32_t carry) {
  uint64_t rest = carry;
  for (uint32_t& digit : a) {
    rest += uint64_t(digit) * factor;
    digit = uint32_t(rest);
    rest >>= 32;
  }
  if (rest != 0) a.push_back(uint32_t(rest));
}

void multiply_power_of_ten(Digits& a, int64_t power) {
  for (; power >= 9; power -= 9) multiply_small(a, 1'000'000'000, 0);
  for (; power > 0; --power) multiply_small(a, 10, 0);
}

int compare(const Digits& a, const Digits& b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  for (size_t i = a.size(); i-- > 0;) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

Digits add(const Digits& a, const Digits& b) {
  Digits sum(std::max(a.size(), b.size()) + 1);
  uint64_t carry = 0;
  for (size_t i = 0; i < sum.size(); ++i) {
    carry += uint64_t(i < a.size() ? a[i] : 0) + (i < b.size() ? b[i] : 0);
    sum[i] = uint32_t(carry);
    carry >>= 32;
  }
  trim(sum);
  return sum;
}

// a -= b, where a >= b.
void subtract(Digits& a, const Digits& b) {
  int64_t borrow = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const int64_t digit = int64_t(a[i]) - (i < b.size() ? b[i] : 0) + borrow;
    a[i] = uint32_t(digit);
    borrow = digit < 0 ? -1 : 0;
  }
  trim(a);
}

Digits multiply(const Digits& a, const Digits& b) {
  Digits product(a.size() + b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    uint64_t carry = 0;
    for (size_t j = 0; j < b.size(); ++j) {
      carry += uint64_t(a[i]) * b[j] + product[i + j];
      product[i + j] = uint32_t(carry);
      carry >>= 32;
    }
    product[i + b.size()] = uint32_t(carry);
  }
  trim(product);
  return product;
}

int64_t bit_length(const Digits& a) { return a.empty() ? 0 : int64_t(a.size()) * 32 - std::countl_zero(a.back()); }

void shift_left(Digits& a, int64_t bits) {
  if (a.empty()) return;
  multiply_small(a, uint32_t(1) << (bits % 32), 0);
  a.insert(a.begin(), size_t(bits / 32), 0);
}

void halve(Digits& a) {
  uint32_t high = 0;
  for (size_t i = a.size(); i-- > 0;) {
    const uint32_t low = a[i] & 1;
    a[i] = a[i] >> 1 | high << 31;
    high = low;
  }
  trim(a);
}

// The integer quotient, known to be below 2^53; `numerator` becomes the remainder.
uint64_t divide(Digits& numerator, const Digits& denominator) {
  Digits shifted = denominator;
  shift_left(shifted, 53);
  uint64_t quotient = 0;
  for (int bit = 53; bit >= 0; --bit) {
    quotient <<= 1;
    if (compare(numerator, shifted) >= 0) {
      subtract(numerator, shifted);
      quotient |= 1;
    }
    halve(shifted);
  }
  return quotient;
}

void check_size(int64_t size) {
  if (size > kMaxExponent) throw Malformed(text("property: a number needs more than ", kMaxExponent, " digits"));
}

}  // namespace

struct Decimal::Format {
  int precision;         // bits of the significand
  int64_t min_exponent;  // of the least positive number
  double max;
};

Decimal::Decimal(int value) : negative_(value < 0) {
  if (value != 0) magnitude_.push_back(uint32_t(value < 0 ? -int64_t(value) : value));
}

bool Decimal::parse(std::string_view text, Decimal& out) {
  out = Decimal();
  size_t at = 0;
  const auto peek = [&] { return at < text.size() ? text[at] : '\0'; };
  const auto is_digit = [&] { return peek() >= '0' && peek() <= '9'; };
  bool negative = false;
  if (peek() == '+' || peek() == '-') negative = text[at++] == '-';
  check_size(int64_t(text.size()));
  size_t digits = 0;
  int64_t exponent = 0;
  for (; is_digit(); ++digits) multiply_small(out.magnitude_, 10, uint32_t(text[at++] - '0'));
  if (peek() == '.') {
    ++at;
    for (; is_digit(); ++digits, --exponent) multiply_small(out.magnitude_, 10, uint32_t(text[at++] - '0'));
  }
  if (digits == 0) return false;
  if (peek() == 'e' || peek() == 'E') {
    ++at;
    bool down = false;
    if (peek() == '+' || peek() == '-') down = text[at++] == '-';
    if (!is_digit()) return false;
    int64_t power = 0;
    while (is_digit()) power = std::min<int64_t>(power * 10 + (text[at++] - '0'), 2 * kMaxExponent);
    check_size(power);
    exponent += down ? -power : power;
  }
  if (at != text.size()) return false;
  out.negative_ = negative && !out.is_zero();
  out.exponent_ = out.is_zero() ? 0 : exponent;
  return true;
}

bool Decimal::is_one() const {
  Digits power{1};
  if (exponent_ <= 0) multiply_power_of_ten(power, -exponent_);
  return exponent_ <= 0 && magnitude_ == power;
}

Decimal Decimal::operator-() const {
  Decimal result = *this;
  result.negative_ = !negative_ && !is_zero();
  return result;
}

// Writes the same value with a smaller exponent.
void Decimal::rescale(int64_t exponent) {
  if (is_zero()) exponent_ = exponent;
  check_size(exponent_ - exponent);
  multiply_power_of_ten(magnitude_, exponent_ - exponent);
  check_size(int64_t(magnitude_.size()) * 9);
  exponent_ = exponent;
}

Decimal Decimal::operator+(const Decimal& other) const {
  if (is_zero()) return other;
  if (other.is_zero()) return *this;
  Decimal a = *this, b = other;
  const int64_t exponent = std::min(exponent_, other.exponent_);
  a.rescale(exponent);
  b.rescale(exponent);
  if (a.negative_ == b.negative_) {
    a.magnitude_ = add(a.magnitude_, b.magnitude_);
  } else {
    if (compare(a.magnitude_, b.magnitude_) < 0) std::swap(a, b);
    subtract(a.magnitude_, b.magnitude_);
  }
  if (a.is_zero()) return Decimal();
  return a;
}

Decimal Decimal::operator*(const Decimal& other) const {
  Decimal result;
  if (is_zero() || other.is_zero()) return result;
  result.negative_ = negative_ != other.negative_;
  result.exponent_ = exponent_ + other.exponent_;
  check_size(int64_t(magnitude_.size() + other.magnitude_.size()) * 9);
  check_size(std::abs(result.exponent_) / 2);
  result.magnitude_ = multiply(magnitude_, other.magnitude_);
  return result;
}

double Decimal::round(const Format& format, Round mode) const {
  if (is_zero()) return 0.0;
  Digits numerator = magnitude_, denominator{1};
  multiply_power_of_ten(exponent_ >= 0 ? numerator : denominator, std::abs(exponent_));

  // 2^leading <= |value| < 2^(leading + 1); the unit in the last place is 2^unit.
  int64_t leading = bit_length(numerator) - bit_length(denominator);
  Digits scaled = leading < 0 ? numerator : denominator;
  shift_left(scaled, std::abs(leading));
  if (leading < 0 ? compare(scaled, denominator) < 0 : compare(numerator, scaled) < 0) --leading;
  const int64_t unit = std::max(leading - (format.precision - 1), format.min_exponent);
  shift_left(unit < 0 ? numerator : denominator, std::abs(unit));

  uint64_t significand = divide(numerator, denominator);
  Digits twice = numerator;
  shift_left(twice, 1);
  const int half = compare(twice, denominator);
  const bool outward = mode == (negative_ ? Round::down : Round::up);
  if (mode == Round::nearest ? half > 0 || (half == 0 && significand % 2 == 1) : outward && !numerator.empty()) {
    ++significand;
  }
  double magnitude = unit > 2000 ? std::numeric_limits<double>::infinity() : std::ldexp(double(significand), int(unit));
  if (magnitude > format.max) {
    magnitude = mode == Round::nearest || outward ? std::numeric_limits<double>::infinity() : format.max;
  }
  return negative_ ? -magnitude : magnitude;
}

double Decimal::to_double(Round mode) const {
  return round({.precision = 53, .min_exponent = -1074, .max = std::numeric_limits<double>::max()}, mode);
}

double Decimal::to_float(Round mode) const {
  return round({.precision = 24, .min_exponent = -149, .max = double(std::numeric_limits<float>::max())}, mode);
}

}  // namespace checker
