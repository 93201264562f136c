// Exact decimal numbers: the numbers of a property, before they are rounded.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace checker {

enum class Round { nearest, down, up };  // nearest: ties to even

// (-1)^negative * magnitude * 10^exponent. Operations are exact; a number that
// would need more than 2,000 digits throws Malformed.
class Decimal {
 public:
  Decimal() = default;
  explicit Decimal(int value);

  // [+-] digits [. digits] [(e|E) [+-] digits], the whole of `text`; false if it is none.
  static bool parse(std::string_view text, Decimal& out);

  bool is_zero() const { return magnitude_.empty(); }
  bool is_one() const;  // +1 or -1
  bool is_negative() const { return negative_; }
  Decimal operator-() const;
  Decimal operator+(const Decimal& other) const;
  Decimal operator*(const Decimal& other) const;

  double to_double(Round mode) const;  // binary64
  double to_float(Round mode) const;   // binary32, as a double

 private:
  using Digits = std::vector<uint32_t>;  // base 2^32, least first, no leading zero
  struct Format;

  void rescale(int64_t exponent);
  double round(const Format& format, Round mode) const;

  bool negative_ = false;
  int64_t exponent_ = 0;
  Digits magnitude_;
};

}  // namespace checker
