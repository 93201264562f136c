// Numbers as Coq reads them. The hexadecimal form is mantissa times a power of two with an odd integer mantissa: it
// needs no digits after a point and is the same for normal and subnormal numbers.
#include "certificate/export/coq/literals.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

#include "base/result.h"

namespace axiom {

std::string coq_float(double value) {
  AXIOM_CHECK(std::isfinite(value));
  const char* sign = std::signbit(value) ? "-" : "";
  if (value == 0) return fmt::format("{}0", sign);
  int exponent = 0;
  auto mantissa = static_cast<uint64_t>(std::ldexp(std::frexp(std::fabs(value), &exponent), 53));
  exponent -= 53;
  while (mantissa % 2 == 0) {
    mantissa /= 2;
    ++exponent;
  }
  return fmt::format("{}0x{:x}p{}", sign, mantissa, exponent);
}

std::string coq_rational(const Decimal& value) { return value.to_string(); }

std::string coq_word(std::string_view seven_bytes) {
  AXIOM_CHECK(seven_bytes.size() == 7);
  uint64_t word = 0;
  for (size_t i = 0; i < 7; ++i) word |= uint64_t{static_cast<uint8_t>(seven_bytes[i])} << (8 * i);
  return fmt::format("0x{:x}", word);
}

std::string coq_comment(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                       c == '-' || c == '.' || c == '/' || c == ' ' || c == ':';
    safe += plain ? c : '?';
  }
  return safe;
}

}  // namespace axiom
