// The arithmetic of spec/certificate.md section 2: binary64, every operation
// rounded once. Compiled with -ffp-contract=off.
#pragma once

#include <cmath>

namespace checker {

constexpr double kU = 0x1p-52, kTau = 0x1p-990, kSingleU = 0x1p-24, kEta = 0x1p-126;

// These keep `a` when `b` is NaN, so a bound that did not work out changes nothing.
inline double least(double a, double b) { return b < a ? b : a; }
inline double greatest(double a, double b) { return a < b ? b : a; }

inline double lower(double x, double e) { return x - ((e + (std::fabs(x) + e) * 0x1p-50) + kTau); }
inline double upper(double x, double e) { return x + ((e + (std::fabs(x) + e) * 0x1p-50) + kTau); }

// Takes a charge t, and the rounding of taking it, off the constant c of a sweep.
inline double charge(double c, double t) { return c - (t + (4 * kU) * (std::fabs(c) + t)); }

}  // namespace checker
