// The rules of spec/certificate.md section 6: what the bounds of its sources say
// about one element of a unary, max-pool or constant operator.
#pragma once

#include <cstdint>

#include "arithmetic.h"
#include "property.h"
#include "sigmoid.h"

namespace checker {

// The slope of the lower line of a relu or leaky_relu whose sign is open.
struct Slope {
  enum Rule : uint8_t { adaptive = 0, zero = 1, one = 2, by_byte = 3 };
  Rule rule = adaptive;
  uint8_t byte = 0;
};

// Of one whose source is in [l, h], l < 0 < h; alpha is 0 for a relu.
inline double lower_slope(double l, double h, double alpha, Slope slope) {
  switch (slope.rule) {
    case Slope::adaptive:
      return h > -l ? 1 : alpha;
    case Slope::zero:
      return alpha;
    case Slope::one:
      return 1;
    case Slope::by_byte:
      break;
  }
  return greatest(alpha, double(slope.byte) / 128);
}

// Every rule gives bounds that already contain the error e, and lines that hold up to e.
inline Bounds relu_bounds(double l, double h) { return {l >= kEta ? l : 0, h > 0 ? h : 0}; }

inline double relu_error(Semantics semantics) { return semantics == Semantics::real ? 0 : kEta; }

inline Line relu_line(double l, double h, Slope slope) {
  if (h <= 0) return {0, 0, 0, 0};
  if (l >= 0) return {1, 1, 0, 0};
  const double s_hi = h / (h - l);
  const double k_hi = greatest(-(s_hi * l), (1 - s_hi) * h) * (1 + 0x1p-48) + kTau;
  return {lower_slope(l, h, 0, slope), s_hi, 0, k_hi};
}

Bounds leaky_relu_bounds(double l, double h, double alpha, double e);
Line leaky_relu_line(double l, double h, double alpha, Slope slope);
double leaky_relu_error(double x, double alpha, Semantics semantics);

double curve_error(Semantics semantics);  // sigmoid and tanh
Curve sigmoid(double l, double h, double e);
Curve tanh(double l, double h, double e);

// `source` is chosen among `count` elements with bounds lo[s], hi[s].
struct Pool {
  uint32_t source;
  Curve curve;
};
Pool maxpool(const uint32_t* sources, uint64_t count, const double* lo, const double* hi, double e);

// An execution's sum over a softmax group of n elements is within this of 1.
double softmax_error(double n, Semantics semantics);
Bounds softmax_bounds(double n, Semantics semantics);

// Q of an element whose operator has m elements; x is X[source], 0 without source.
inline double line_charge(const Line& line, double x, double e, double m) {
  const double s =
      greatest(std::fabs(line.k_lo), std::fabs(line.k_hi)) + greatest(std::fabs(line.s_lo), std::fabs(line.s_hi)) * x;
  return (e + ((m + 4) * kU) * s) + kTau;
}
// The same of an element over two sources, the second with slopes second_lo and second_hi.
double product_charge(const Line& line, double x1, double second_lo, double second_hi, double x2, double e, double m);

}  // namespace checker
