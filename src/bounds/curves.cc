// Convex functions lie between their tangents and their chord, concave ones the other way round; sine and cosine are
// sampled like sigmoid; products have the planes of McCormick (1976) through three corners of their box, or the mean of
// two of them. Slopes are whatever these formulas give in binary64; offsets are computed for the slopes, with values
// from truncated series whose error is below the margin.
#include "bounds/curves.h"

#include <array>
#include <cmath>

#include "bounds/hull.h"

namespace axiom {
namespace {

constexpr double kValueMargin = 0x1p-44;
const std::pair<Lines, LineBounds> kNothing = {{0, -kInfinity, 0, kInfinity}, {-kInfinity, kInfinity, 0}};

// Horner's scheme with divisions: 1 + r/1 (1 + r/2 (1 + ... r/13)).
double exp_value(double x) {
  if (x < -700) return 0;
  const double n = std::floor(x * 0x1.71547652b82fep+0 + 0.5);
  const double r = (x - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33;
  double y = 1;
  for (int k = 13; k >= 1; --k) y = 1 + (r * y) / k;
  return std::ldexp(y, static_cast<int>(n));
}

// sin(x + turns * pi / 2); Cody and Waite's reduction by a three-part pi / 2.
double sin_value(double x, int turns) {
  const double n = std::floor(x * 0x1.45f306dc9c883p-1 + 0.5);
  double r = x - n * 0x1.921fb544p+0;
  r -= n * 0x1.0b4611a6p-34;
  r -= n * 0x1.3198a2e037073p-69;
  const double square = r * r;
  const int quadrant = static_cast<int>((static_cast<int64_t>(n) + turns) & 3);
  double y = 1;
  if (quadrant % 2 == 0) {
    for (int k = 14; k >= 2; k -= 2) y = 1 - (y * square) / (k * (k + 1));
    y = r * y;
  } else {
    for (int k = 15; k >= 1; k -= 2) y = 1 - (y * square) / (k * (k + 1));
  }
  return quadrant < 2 ? y : -y;
}

// What float32 may be off by: a share of the value, and an absolute amount.
std::pair<double, double> budget_of(UnaryKind kind, Semantics semantics) {
  if (semantics == Semantics::kReal) return {0, 0};
  switch (kind) {
    case UnaryKind::kExp:
      return {0x1p-20, 2 * kFloatTiny};
    case UnaryKind::kReciprocal:
      return {0x1p-22, 2 * kFloatTiny};
    case UnaryKind::kSqrt:
      return {0x1p-22, 0x1p-62};
    default:
      return {0, 0x1p-20};
  }
}

std::pair<double, double> value_and_derivative(UnaryKind kind, double x) {
  if (kind == UnaryKind::kExp) {
    const double y = exp_value(x);
    return {y, y};
  }
  if (kind == UnaryKind::kReciprocal) {
    const double y = 1 / x;
    return {y, -(y / x)};
  }
  const double y = std::sqrt(x);
  return {y, 0.5 / y};
}

std::pair<Lines, LineBounds> curved_lines(UnaryKind kind, double l, double h, Semantics semantics) {
  const auto [share, amount] = budget_of(kind, semantics);
  if (kind == UnaryKind::kSqrt && h == 0) return {{0, 0, 0, 0}, {0 - amount, amount, amount}};
  const double middle = (l + h) * 0.5, magnitude = spec_max(std::fabs(l), std::fabs(h));
  const auto [value, derivative] = value_and_derivative(kind, middle);
  const double left = value_and_derivative(kind, l).first, right = value_and_derivative(kind, h).first;
  const double greatest = spec_max(std::fabs(left), std::fabs(right));
  const double chord = h > l ? (right - left) / (h - l) : derivative;

  const double tangent_offset = value - derivative * middle;
  const double tangent_margin = (std::fabs(value) + std::fabs(derivative) * magnitude) * kValueMargin;
  const double chord_margin = (greatest + std::fabs(chord) * magnitude) * kValueMargin;
  const double left_offset = left - chord * l, right_offset = right - chord * h;
  Lines lines;
  if (kind == UnaryKind::kExp || (kind == UnaryKind::kReciprocal && l > 0)) {
    lines = {derivative, lower(tangent_offset, tangent_margin), chord,
             upper(spec_max(left_offset, right_offset), chord_margin)};
  } else {
    lines = {chord, lower(spec_min(left_offset, right_offset), chord_margin), derivative,
             upper(tangent_offset, tangent_margin)};
  }
  const double low = spec_min(left, right), high = spec_max(left, right);
  LineBounds bounds;
  bounds.lo = lower(low, std::fabs(low) * (share + kValueMargin) + amount);
  bounds.hi = upper(high, std::fabs(high) * (share + kValueMargin) + amount);
  if (kind == UnaryKind::kExp) bounds.lo = spec_max(0, bounds.lo);
  bounds.error = (greatest * share) * (1 + 0x1p-40) + amount;
  return {lines, bounds};
}

std::pair<Lines, LineBounds> wave_lines(int turns, double l, double h, double e) {
  const double magnitude = spec_max(std::fabs(l), std::fabs(h));
  if (!(magnitude <= 0x1p20 && h - l <= 8 && l <= h)) return {{0, -1, 0, 1}, {-1 - e, 1 + e, e}};
  constexpr int kParts = 31;  // Odd: the middle, where an edge of the hull is sought, is no point.
  HullPoints points;
  double size = 0, low = 1, high = -1;
  for (int i = 0; i <= kParts; ++i) {
    const double p = i == kParts ? h : l + (h - l) * (i / double{kParts});
    const double y = sin_value(p, turns);
    points.add(p, y - kValueMargin, y + kValueMargin);
    size = spec_max(size, std::fabs(y));
    low = spec_min(low, y - kValueMargin);
    high = spec_max(high, y + kValueMargin);
  }
  const double step = (h - l) / kParts + magnitude * 0x1p-49;
  points.delta = (step * step) * 0.12501 * spec_min(1, (size + step) + 0x1p-40);
  const Lines lines = hull_lines(points, (l + h) * 0.5);
  return {lines, {spec_max(-1, lower(low, points.delta)) - e, spec_min(1, upper(high, points.delta)) + e, e}};
}

double product_error(double x, double y, Semantics semantics) {
  if (semantics == Semantics::kReal) return 0;
  return ((x * y) * 0x1p-23 + (2 * kFloatTiny) * ((1 + x) + y)) * (1 + 0x1p-50);
}

// A plane over_x x + over_y y + offset under (side 1) or over (side -1) the product, where the offset is `side *
// least_gap`.
struct Plane {
  double over_x = 0, over_y = 0, least_gap = 0, worst = -kInfinity;
};

// side * (x y - over_x x - over_y y) is least at a corner.
Plane plane_with(FactorBounds x, FactorBounds y, double over_x, double over_y, double side) {
  const auto gap = [=](double a, double b) { return side * ((a * b - over_x * a) - over_y * b); };
  Plane plane{over_x, over_y};
  plane.least_gap = spec_min(spec_min(gap(x.lo, y.lo), gap(x.lo, y.hi)), spec_min(gap(x.hi, y.lo), gap(x.hi, y.hi)));
  const double from_x = spec_min(side * (over_x * x.lo), side * (over_x * x.hi));
  const double from_y = spec_min(side * (over_y * y.lo), side * (over_y * y.hi));
  plane.worst = (from_x + from_y) + plane.least_gap;
  return plane;
}

// All have the same volume between them and the product; the one whose worst value in the box is best goes on.
Plane choose_plane(FactorBounds x, FactorBounds y, double side) {
  const bool below = side > 0;
  const std::array<Plane, 3> planes = {plane_with(x, y, below ? y.lo : y.hi, x.lo, side),
                                       plane_with(x, y, below ? y.hi : y.lo, x.hi, side),
                                       plane_with(x, y, (y.lo + y.hi) * 0.5, (x.lo + x.hi) * 0.5, side)};
  size_t best = 0;
  for (size_t k = 1; k < planes.size(); ++k) {
    if (planes[k].worst > planes[best].worst) best = k;
  }
  return planes[best];
}

}  // namespace

bool is_smooth(UnaryKind kind) {
  switch (kind) {
    case UnaryKind::kExp:
    case UnaryKind::kReciprocal:
    case UnaryKind::kSqrt:
    case UnaryKind::kSin:
    case UnaryKind::kCos:
      return true;
    default:
      return false;
  }
}

bool is_defined(UnaryKind kind, double l, double h) {
  switch (kind) {
    case UnaryKind::kExp:
      return l >= -0x1p128 && h <= 88;
    case UnaryKind::kReciprocal:
      return (l >= kFloatTiny && h <= 0x1p128) || (h <= -kFloatTiny && l >= -0x1p128);
    case UnaryKind::kSqrt:
      return l >= 0 && h <= 0x1p128;
    default:
      return true;
  }
}

std::pair<Lines, LineBounds> smooth_lines(UnaryKind kind, double l, double h, Semantics semantics) {
  if (kind == UnaryKind::kSin || kind == UnaryKind::kCos)
    return wave_lines(kind == UnaryKind::kCos ? 1 : 0, l, h, budget_of(kind, semantics).second);
  return is_defined(kind, l, h) && l <= h ? curved_lines(kind, l, h, semantics) : kNothing;
}

ProductLines product_lines(FactorBounds x, FactorBounds y, Semantics semantics) {
  const double size_x = x.magnitude(), size_y = y.magnitude();
  if (!(size_x <= kCoefficientCap && size_y <= kCoefficientCap)) return {kNothing.first, {}, kNothing.second};
  const Plane below = choose_plane(x, y, 1), above = choose_plane(x, y, -1);
  const double margin = (size_x * size_y) * 0x1p-48, e = product_error(size_x, size_y, semantics);
  const double a = x.lo * y.lo, b = x.lo * y.hi, c = x.hi * y.lo, d = x.hi * y.hi;
  const Lines lines = {below.over_x, lower(below.least_gap, margin), above.over_x, upper(-above.least_gap, margin)};
  return {lines,
          {below.over_y, above.over_y},
          {lower(spec_min(spec_min(a, b), spec_min(c, d)), e), upper(spec_max(spec_max(a, b), spec_max(c, d)), e), e}};
}

// 1 / (1 + sum exp(x_j - x_own)) falls with the sum: its tangent, over the chords of the exponentials.
ShareLine share_line(std::span<const FactorBounds> sources, size_t own, Semantics semantics) {
  const auto n = static_cast<double>(sources.size());
  ShareLine share;
  share.bounds = softmax_bounds(sources.size(), semantics);
  const double most = share.bounds.hi;
  share.bounds.error = semantics == Semantics::kReal ? 0 : 0x1p-18 + share.bounds.error;
  const double e = share.bounds.error;
  std::vector<Lines> powers(sources.size());
  double low = 1, high = 1;
  for (size_t j = 0; j < sources.size(); ++j) {
    if (j == own) continue;
    const double l = lower(sources[j].lo - sources[own].hi, 0), h = upper(sources[j].hi - sources[own].lo, 0);
    if (!(is_defined(UnaryKind::kExp, l, h) && l <= h)) return share;
    const auto [lines, bounds] = curved_lines(UnaryKind::kExp, l, h, Semantics::kReal);
    powers[j] = lines;
    low += bounds.lo;
    high += bounds.hi;
  }
  low = spec_max(1, lower(low, (n * kUnit) * low));
  high = upper(high, (n * kUnit) * high);
  const auto [inverse, range] = curved_lines(UnaryKind::kReciprocal, low, high, Semantics::kReal);
  share.bounds.lo = spec_max(0, lower(range.lo, e));
  share.bounds.hi = spec_min(most, upper(range.hi, e));
  const double fall = inverse.lower_slope, start = inverse.lower_offset;
  std::vector<double> slopes(sources.size());
  double sum = 0, offsets = 1, sizes = 1, weights = 0, middle = 0;
  for (size_t j = 0; j < sources.size(); ++j) {
    if (j == own) continue;
    const double a = slopes[j] = fall * powers[j].upper_slope;
    sum += a;
    offsets += powers[j].upper_offset;
    sizes += std::fabs(powers[j].upper_offset);
    weights += std::fabs(a) * (sources[j].magnitude() + sources[own].magnitude());
    middle += a * ((sources[j].lo + sources[j].hi) * 0.5);
  }
  slopes[own] = -sum;
  middle -= sum * ((sources[own].lo + sources[own].hi) * 0.5);
  const double size = weights + (std::fabs(start) + std::fabs(fall) * sizes);
  const double offset = lower(start + fall * offsets, ((n + 4) * (2 * kUnit)) * size);
  if (!(offset + middle > 0)) return share;  // That no element is negative says more.
  share.slopes = std::move(slopes);
  share.offset = offset;
  share.size = size + 2;
  return share;
}

// x x >= s x - s s / 4 for every s: the tangent at s / 2; and the chord.
ProductLines square_lines(FactorBounds x, Semantics semantics) {
  const double l = x.lo, h = x.hi, size = x.magnitude();
  if (!(size <= kCoefficientCap)) return {kNothing.first, {}, kNothing.second};
  const double s = l + h, e = product_error(size, size, semantics);
  const double margin = (size * size + std::fabs(s) * size) * 0x1p-50;
  const Lines lines = {s, lower(-((s * s) * 0.25), 0), s, upper(spec_max(l * l - s * l, h * h - s * h), margin)};
  const double least = l <= 0 && h >= 0 ? 0 : spec_min(l * l, h * h);
  return {lines, {}, {spec_max(0, lower(least, e)), upper(spec_max(l * l, h * h), e), e}};
}

}  // namespace axiom
