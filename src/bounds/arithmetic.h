// The fixed arithmetic of spec/certificate.md, section 2: binary64, round to nearest, never fused.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace axiom {

/// Which executions a claim is about (spec/operators.md, section 5).
enum class Semantics : uint8_t { kReal = 0, kFloat32 = 1 };

inline constexpr double kUnit = 0x1p-52;            ///< U
inline constexpr double kTau = 0x1p-990;            ///< tau
inline constexpr double kFloatUnit = 0x1p-24;       ///< u
inline constexpr double kFloatTiny = 0x1p-126;      ///< eta
inline constexpr double kCoefficientCap = 0x1p500;  ///< cap on sweep coefficients
inline constexpr double kConstantCap = 0x1p1000;    ///< cap on the constant of a sweep
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

inline double spec_min(double a, double b) { return b < a ? b : a; }
inline double spec_max(double a, double b) { return a < b ? b : a; }

inline double lower(double x, double e) { return x - ((e + (std::fabs(x) + e) * 0x1p-50) + kTau); }
inline double upper(double x, double e) { return x + ((e + (std::fabs(x) + e) * 0x1p-50) + kTau); }
inline double charge(double c, double t) { return c - (t + (4 * kUnit) * (std::fabs(c) + t)); }

}  // namespace axiom
