// Numbers as Coq reads them, each exactly.
#pragma once

#include <string>
#include <string_view>

#include "base/decimal.h"

namespace axiom {

/// A finite double as hexadecimal literal without rounding: "0x3p-1", "-0x1p-1074", "-0" (the sign of zero counts).
/// Negative ones need parentheses where they are arguments.
std::string coq_float(double value);

/// A decimal as literal of Q, digit by digit: "0.303531156", "-1e-7".
std::string coq_rational(const Decimal& value);

/// Bytes seven to a number, the first one least significant: the argument of `unpack` in Compact.v.
std::string coq_word(std::string_view seven_bytes);

/// A text that is safe in a Coq comment and on one line of it.
std::string coq_comment(std::string_view text);

}  // namespace axiom
