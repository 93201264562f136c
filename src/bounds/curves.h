// Relaxations of exp, reciprocal, sqrt, sin, cos and of products (spec/certificate.md, section 6).
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "bounds/lines.h"
#include "graph/program.h"

namespace axiom {

/// Whether a unary function is one of the five of this file.
bool is_smooth(UnaryKind kind);

/// Lines, bounds and error of a smooth function of an element in [l, h]; infinite outside its domain.
std::pair<Lines, LineBounds> smooth_lines(UnaryKind kind, double l, double h, Semantics semantics);
/// Whether every covered evaluation over [l, h] is defined and stays finite.
bool is_defined(UnaryKind kind, double l, double h);

struct FactorBounds {
  double lo = 0, hi = 0;
  double magnitude() const { return spec_max(std::fabs(lo), std::fabs(hi)); }
};

/// Slopes of the lines of a product over its second factor.
struct SecondSlopes {
  double lower = 0, upper = 0;
};

struct ProductLines {
  Lines first;  ///< Slopes over the first factor, and the offsets.
  SecondSlopes second;
  LineBounds bounds;
};

/// The lower line of an element of a softmax group over all sources of the group; empty slopes: there is none.
struct ShareLine {
  std::vector<double> slopes;
  double offset = 0, size = 0;  ///< `size` is S of the specification.
  LineBounds bounds;
};
ShareLine share_line(std::span<const FactorBounds> sources, size_t own, Semantics semantics);

ProductLines product_lines(FactorBounds x, FactorBounds y, Semantics semantics);
/// Of a product of an element with itself.
ProductLines square_lines(FactorBounds x, Semantics semantics);
inline bool product_stays_finite(FactorBounds x, FactorBounds y) { return x.magnitude() * y.magnitude() <= 0x1p126; }

}  // namespace axiom
