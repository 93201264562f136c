// Each line holds for every double that the stated formula can give as slope:
// what is proved is the intercept. Of a convex function a tangent anywhere and
// the chord are lines; of a concave one they change sides; sin and cos are
// sampled. kMargin exceeds the relative error of every value computed here.
#include "curves.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "arithmetic.h"
#include "lines.h"

namespace checker {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr double kMargin = 0x1p-44;
constexpr double kLeast = 0x1p-126, kMost = 0x1p128;  // of operands of reciprocal and sqrt
constexpr Relaxation kUnbounded{{0, 0, -kInfinite, kInfinite}, {-kInfinite, kInfinite}, 0};

// exp(x) = 2^n exp(r) with |r| <= 0.35, x = n ln 2 + r; thirteen terms of the
// series leave 2^-57. 0 below -700, which is off by less than 2^-1000.
double exponential(double x) {
  if (x < -700) return 0;
  const double n = std::floor(x * 0x1.71547652b82fep+0 + 0.5);
  const double r = (x - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33;
  double sum = 1;
  for (double k = 13; k >= 1; k = k - 1) sum = 1 + (r * sum) / k;
  return std::ldexp(sum, int(n));
}

// sin(x + quarter pi/2) for |x| <= 2^20, within 2^-48: x = n pi/2 + r with
// |r| <= 0.79, pi/2 in three parts, fifteen powers of r.
double sine(double x, int quarter) {
  const double n = std::floor(x * 0x1.45f306dc9c883p-1 + 0.5);
  const double r = ((x - n * 0x1.921fb544p+0) - n * 0x1.0b4611a6p-34) - n * 0x1.3198a2e037073p-69;
  const double q = r * r;
  const int m = int((int64_t(n) + quarter) & 3);
  const bool even = (m & 1) == 0;
  double sum = 1;
  for (double k = even ? 14 : 15; k >= 1; k = k - 2) sum = 1 - (sum * q) / (k * (k + 1));
  const double value = even ? r * sum : sum;
  return m >= 2 ? -value : value;
}

struct Budget {
  double relative, absolute;  // |y - f(x)| <= relative |f(x)| + absolute
};

Budget budget(Kind kind, Semantics semantics) {
  if (semantics == Semantics::real) return {0, 0};
  if (kind == Kind::exp) return {0x1p-20, 2 * kEta};
  if (kind == Kind::reciprocal) return {0x1p-22, 2 * kEta};
  if (kind == Kind::sqrt) return {0x1p-22, 0x1p-62};
  return {0, 0x1p-20};
}

double value_at(Kind kind, double x) {
  return kind == Kind::exp ? exponential(x) : kind == Kind::reciprocal ? 1 / x : std::sqrt(x);
}

// The derivative where the function is v.
double slope_at(Kind kind, double x, double v) {
  return kind == Kind::exp ? v : kind == Kind::reciprocal ? -(v / x) : 0.5 / v;
}

// exp, reciprocal, sqrt: the tangent in the middle and the chord.
Relaxation monotone(Kind kind, double l, double h, Semantics semantics) {
  const auto [relative, absolute] = budget(kind, semantics);
  if (kind == Kind::sqrt && h == 0) return {{0, 0, 0, 0}, {0 - absolute, absolute}, absolute};
  const double p = (l + h) * 0.5, v = value_at(kind, p), t = slope_at(kind, p, v);
  const double v_l = value_at(kind, l), v_h = value_at(kind, h);
  const double s = h > l ? (v_h - v_l) / (h - l) : t;
  const double x = greatest(std::fabs(l), std::fabs(h)), most = greatest(std::fabs(v_l), std::fabs(v_h));
  const double d_t = (std::fabs(v) + std::fabs(t) * x) * kMargin, d_s = (most + std::fabs(s) * x) * kMargin;
  const double tangent = v - t * p, at_l = v_l - s * l, at_h = v_h - s * h;
  const bool convex = kind == Kind::exp || (kind == Kind::reciprocal && l > 0);
  const Line line = convex ? Line{t, s, lower(tangent, d_t), upper(greatest(at_l, at_h), d_s)}
                           : Line{s, t, lower(least(at_l, at_h), d_s), upper(tangent, d_t)};
  const double low = least(v_l, v_h), high = greatest(v_l, v_h);
  Bounds bounds{lower(low, std::fabs(low) * (relative + kMargin) + absolute),
                upper(high, std::fabs(high) * (relative + kMargin) + absolute)};
  if (kind == Kind::exp) bounds.lo = greatest(0, bounds.lo);
  return {line, bounds, (most * relative) * (1 + 0x1p-40) + absolute};
}

// sin (quarter 0) and cos (quarter 1): 32 points from l to h, none of them in the middle, where an edge is sought.
Relaxation wave(int quarter, double l, double h, double e) {
  const double x = greatest(std::fabs(l), std::fabs(h));
  if (!(x <= 0x1p20 && h - l <= 8 && l <= h)) return {{0, 0, -1, 1}, {-1 - e, 1 + e}, e};
  Points points;
  double largest = 0, low = 1, high = -1;
  for (int n = 0; n <= 31; ++n) {
    const double p = n == 31 ? h : l + (h - l) * (double(n) / 31);
    const double v = sine(p, quarter);
    points.add(p, v - kMargin, v + kMargin);
    largest = greatest(largest, std::fabs(v));
    low = least(low, v - kMargin);
    high = greatest(high, v + kMargin);
  }
  const double step = (h - l) / 31 + x * 0x1p-49;
  points.delta = (step * step) * 0.12501 * least(1, (largest + step) + 0x1p-40);
  const Line line = hull_lines(points, (l + h) * 0.5);
  return {line, {greatest(-1, lower(low, points.delta)) - e, least(1, upper(high, points.delta)) + e}, e};
}

double product_error(double x1, double x2, Semantics semantics) {
  if (semantics == Semantics::real) return 0;
  return ((x1 * x2) * 0x1p-23 + (2 * kEta) * ((1 + x1) + x2)) * (1 + 0x1p-50);
}

double most_of(Bounds b) { return greatest(std::fabs(b.lo), std::fabs(b.hi)); }

bool is_small(double x) { return x <= 0x1p500; }

// A plane s * a + t * b + k for one side of a product.
struct Plane {
  double s, t, k, worst;  // worst: the least value in the box of a lower plane; of an upper one the greatest, negated
};

// sign 1: below the product, -1: above it. a * b - s * a - t * b is least and greatest at corners of the box.
Plane plane(Bounds a, Bounds b, double s, double t, double sign) {
  const auto gap = [&](double x, double y) { return sign * ((x * y - s * x) - t * y); };
  const double k = least(least(gap(a.lo, b.lo), gap(a.lo, b.hi)), least(gap(a.hi, b.lo), gap(a.hi, b.hi)));
  const double at_a = least(sign * (s * a.lo), sign * (s * a.hi)), at_b = least(sign * (t * b.lo), sign * (t * b.hi));
  return {s, t, k, (at_a + at_b) + k};
}

// The one of three planes whose worst value in the box is best; first on ties.
Plane best_plane(Bounds a, Bounds b, double sign) {
  const double t_first = a.lo, t_second = a.hi;
  const double s_first = sign > 0 ? b.lo : b.hi, s_second = sign > 0 ? b.hi : b.lo;
  Plane best = plane(a, b, s_first, t_first, sign);
  const Plane others[] = {plane(a, b, s_second, t_second, sign),
                          plane(a, b, (b.lo + b.hi) * 0.5, (a.lo + a.hi) * 0.5, sign)};
  for (const Plane& other : others) {
    if (other.worst > best.worst) best = other;
  }
  return best;
}

}  // namespace

bool is_smooth(Kind kind) {
  return kind == Kind::exp || kind == Kind::reciprocal || kind == Kind::sqrt || kind == Kind::sin || kind == Kind::cos;
}

bool domain_holds(Kind kind, double l, double h) {
  if (kind == Kind::exp) return l >= -0x1p128 && h <= 88;
  if (kind == Kind::reciprocal) return (l >= kLeast && h <= kMost) || (h <= -kLeast && l >= -kMost);
  if (kind == Kind::sqrt) return l >= 0 && h <= kMost;
  return true;
}

Relaxation smooth(Kind kind, double l, double h, Semantics semantics) {
  if (kind == Kind::sin || kind == Kind::cos) {
    return wave(kind == Kind::cos ? 1 : 0, l, h, budget(kind, semantics).absolute);
  }
  return domain_holds(kind, l, h) && l <= h ? monotone(kind, l, h, semantics) : kUnbounded;
}

double share_error(double n, Semantics semantics) {
  return semantics == Semantics::real ? 0 : 0x1p-18 + softmax_error(n, semantics);
}

// y = 1 / t with t = 1 + sum of exp(x_j - x_own) over the others: the tangent of 1 / t, which falls, over the chords of
// the exponentials.
ShareRelaxation share(const std::vector<Bounds>& sources, size_t own, Semantics semantics) {
  const double n = double(sources.size()), e = share_error(n, semantics);
  ShareRelaxation out{std::vector<double>(sources.size()), 0, 0, softmax_bounds(n, semantics)};
  std::vector<Line> chords(sources.size());
  double low = 1, high = 1;
  for (size_t j = 0; j < sources.size(); ++j) {
    if (j == own) continue;
    const double l = lower(sources[j].lo - sources[own].hi, 0), h = upper(sources[j].hi - sources[own].lo, 0);
    if (!(domain_holds(Kind::exp, l, h) && l <= h)) return out;
    const Relaxation power = monotone(Kind::exp, l, h, Semantics::real);
    chords[j] = power.line;
    low = low + power.bounds.lo;
    high = high + power.bounds.hi;
  }
  low = greatest(1, lower(low, (n * kU) * low));
  high = upper(high, (n * kU) * high);
  const Relaxation inverse = monotone(Kind::reciprocal, low, high, Semantics::real);
  out.bounds = {greatest(0, lower(inverse.bounds.lo, e)), least(out.bounds.hi, upper(inverse.bounds.hi, e))};
  const double sigma = inverse.line.s_lo, kappa = inverse.line.k_lo;
  double sum = 0, offsets = 1, sizes = 1, weights = 0, middle = 0;
  for (size_t j = 0; j < sources.size(); ++j) {
    if (j == own) continue;
    const double a = sigma * chords[j].s_hi;
    out.slope[j] = a;
    sum = sum + a;
    offsets = offsets + chords[j].k_hi;
    sizes = sizes + std::fabs(chords[j].k_hi);
    weights = weights + std::fabs(a) * (most_of(sources[j]) + most_of(sources[own]));
    middle = middle + a * ((sources[j].lo + sources[j].hi) * 0.5);
  }
  out.slope[own] = -sum;
  middle = middle - sum * ((sources[own].lo + sources[own].hi) * 0.5);
  const double size = weights + (std::fabs(kappa) + std::fabs(sigma) * sizes);
  out.offset = lower(kappa + sigma * offsets, ((n + 4) * (2 * kU)) * size);
  out.size = size + 2;
  if (out.offset + middle > 0) return out;
  return {std::vector<double>(sources.size()), 0, 0, out.bounds};
}

bool product_domain_holds(Bounds first, Bounds second) { return most_of(first) * most_of(second) <= 0x1p126; }

ProductRelaxation product(Bounds first, Bounds second, Semantics semantics) {
  const double x1 = most_of(first), x2 = most_of(second);
  if (!(is_small(x1) && is_small(x2))) return {kUnbounded, 0, 0};
  const Plane low = best_plane(first, second, 1), high = best_plane(first, second, -1);
  const double d = (x1 * x2) * 0x1p-48, e = product_error(x1, x2, semantics);
  const double a = first.lo * second.lo, b = first.lo * second.hi, c = first.hi * second.lo, f = first.hi * second.hi;
  const Bounds bounds{lower(least(least(a, b), least(c, f)), e), upper(greatest(greatest(a, b), greatest(c, f)), e)};
  return {{{low.s, high.s, lower(low.k, d), upper(-high.k, d)}, bounds, e}, low.t, high.t};
}

ProductRelaxation square(Bounds source, Semantics semantics) {
  const double l = source.lo, h = source.hi, x = most_of(source);
  if (!is_small(x)) return {kUnbounded, 0, 0};
  const double s = l + h, e = product_error(x, x, semantics);
  const double d = (x * x + std::fabs(s) * x) * 0x1p-50;
  const double k_hi = upper(greatest(l * l - s * l, h * h - s * h), d);
  const double low = l <= 0 && h >= 0 ? 0 : least(l * l, h * h);
  const Bounds bounds{greatest(0, lower(low, e)), upper(greatest(l * l, h * h), e)};
  return {{{s, s, lower(-((s * s) * 0.25), 0), k_hi}, bounds, e}, 0, 0};
}

}  // namespace checker
