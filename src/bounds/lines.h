// Relaxations of the operators that are not affine: two lines per element (spec/certificate.md, section 6).
#pragma once

#include <cstdint>
#include <utility>

#include "bounds/arithmetic.h"

namespace axiom {

/// y >= lower_slope * x + lower_offset - error and y <= upper_slope * x + upper_offset + error on [l, h].
struct Lines {
  double lower_slope = 0, lower_offset = 0, upper_slope = 0, upper_offset = 0;
};

/// Bounds of the element and the charge e of its semantics.
struct LineBounds {
  double lo = 0, hi = 0, error = 0;
};

/// How the lower slope of an unstable relu or leaky_relu is chosen; the values are those of the file format.
enum class SlopeRule : uint8_t { kAdaptive = 0, kZero = 1, kOne = 2, kExplicit = 3 };

/// Lower slope of an unstable (l < 0 < h) relu (alpha = 0) or leaky_relu under a rule; `byte` for kExplicit.
double lower_slope(SlopeRule rule, double l, double h, double alpha, uint8_t byte);

Lines relu_lines(double l, double h);  ///< Adaptive lower slope.
LineBounds relu_bounds(double l, double h, Semantics semantics);
Lines leaky_relu_lines(double l, double h, double alpha);  ///< Adaptive lower slope.
LineBounds leaky_relu_bounds(double l, double h, double alpha, double magnitude, Semantics semantics);
std::pair<Lines, LineBounds> sigmoid_lines(double l, double h, Semantics semantics);
std::pair<Lines, LineBounds> tanh_lines(double l, double h, Semantics semantics);
/// Of each of n elements of a softmax group, whatever its source; the error is that of their sum from 1.
LineBounds softmax_bounds(size_t n, Semantics semantics);

}  // namespace axiom
