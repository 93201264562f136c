// Relaxations of relu, leaky_relu, sigmoid and tanh.
//
// Relu: the triangle relaxation of Ehlers (2017) with CROWN's adaptive lower slope (Zhang et al. 2018). Sigmoid: the
// edges of the convex hull of a table of enclosures on a grid that cross the middle of the interval, shifted by the
// error of linear interpolation; no exponential is evaluated. Any slope is sound: the offsets are computed for it.
#include "bounds/lines.h"

#include <cmath>

#include "bounds/hull.h"

namespace axiom {
namespace {

constexpr int kTableEnd = 1024;  // Grid point k / 64, k = 0 .. 1024.
const double kSigmoidLow[kTableEnd + 1] = {
#include "bounds/sigmoid_table.inc"
};

double table_low(int k);
double table_high(int k) {
  if (k == 0) return 0.5;
  return k > 0 ? std::nextafter(kSigmoidLow[k], 2.0) : 1 - kSigmoidLow[-k];
}
double table_low(int k) { return k >= 0 ? kSigmoidLow[k] : 1 - table_high(-k); }

HullPoints sigmoid_points(double l, double h) {
  double a = spec_max(l, -16), b = spec_min(h, 16);
  if (a > b) a = b = (l > 0 ? 16 : -16);
  int i0 = static_cast<int>(std::floor(a * 64)), i1 = static_cast<int>(std::ceil(b * 64));
  int q = 1;
  while (i1 - i0 > 32 * q) q *= 2;
  const auto floor_to = [q](int i) { return i - ((i % q) + q) % q; };
  i0 = floor_to(i0);
  i1 = -floor_to(-i1);
  if (i0 == i1) (i1 == kTableEnd) ? i0 -= q : i1 += q;
  HullPoints points;
  if (l < -16) points.add(l, 0, table_high(-kTableEnd));
  for (int i = i0; i <= i1; i += q) {
    double low = table_low(i), high = table_high(i);
    if (i == -kTableEnd && l < -16) low = 0;
    if (i == kTableEnd && h > 16) high = 1;
    points.add(i / 64.0, low, high);
  }
  if (h > 16) points.add(h, table_low(kTableEnd), 1);
  points.delta = (q / 64.0) * (q / 64.0) * 0.0121;
  return points;
}

}  // namespace

double lower_slope(SlopeRule rule, double l, double h, double alpha, uint8_t byte) {
  switch (rule) {
    case SlopeRule::kAdaptive:
      return h > -l ? 1 : alpha;
    case SlopeRule::kZero:
      return alpha;
    case SlopeRule::kOne:
      return 1;
    case SlopeRule::kExplicit:
      return spec_max(alpha, byte / 128.0);
  }
  return alpha;
}

Lines relu_lines(double l, double h) {
  if (h <= 0) return {0, 0, 0, 0};
  if (l >= 0) return {1, 0, 1, 0};
  const double s = h / (h - l);
  const double k = spec_max(-(s * l), (1 - s) * h) * (1 + 0x1p-48) + kTau;
  return {lower_slope(SlopeRule::kAdaptive, l, h, 0, 0), 0, s, k};
}

LineBounds relu_bounds(double l, double h, Semantics semantics) {
  return {l >= kFloatTiny ? l : 0, h > 0 ? h : 0, semantics == Semantics::kFloat32 ? kFloatTiny : 0};
}

Lines leaky_relu_lines(double l, double h, double alpha) {
  if (h <= 0) return {alpha, 0, alpha, 0};
  if (l >= 0) return {1, 0, 1, 0};
  const double s = (h - alpha * l) / (h - l);
  const double k = spec_max(0, spec_max((alpha - s) * l, (1 - s) * h)) * (1 + 0x1p-40) + (h - l) * 0x1p-48 + kTau;
  return {lower_slope(SlopeRule::kAdaptive, l, h, alpha, 0), 0, s, k};
}

LineBounds leaky_relu_bounds(double l, double h, double alpha, double magnitude, Semantics semantics) {
  const auto phi = [alpha](double z) { return z < 0 ? alpha * z : z; };
  const double e =
      semantics == Semantics::kFloat32 ? (kFloatUnit * alpha) * magnitude * (1 + 0x1p-50) + 2 * kFloatTiny : 0;
  return {lower(phi(l), e), upper(phi(h), e), e};
}

std::pair<Lines, LineBounds> sigmoid_lines(double l, double h, Semantics semantics) {
  const double e = semantics == Semantics::kFloat32 ? 0x1p-20 : 0;
  if (!(std::fabs(l) <= 0x1p20 && std::fabs(h) <= 0x1p20)) return {{0, 0, 0, 1}, {0 - e, 1 + e, e}};
  const Lines lines = hull_lines(sigmoid_points(l, h), (l + h) * 0.5);
  const auto low_at = [&](double z) { return lines.lower_slope * z + lines.lower_offset; };
  const auto high_at = [&](double z) { return lines.upper_slope * z + lines.upper_offset; };
  LineBounds bounds;
  bounds.lo = spec_max(0, spec_min(low_at(l), low_at(h)) - 0x1p-30) - e;
  bounds.hi = spec_min(1, spec_max(high_at(l), high_at(h)) + 0x1p-30) + e;
  bounds.error = e;
  return {lines, bounds};
}

std::pair<Lines, LineBounds> tanh_lines(double l, double h, Semantics semantics) {
  const double e = semantics == Semantics::kFloat32 ? 0x1p-20 : 0;
  auto [lines, bounds] = sigmoid_lines(2 * l, 2 * h, Semantics::kReal);
  lines.lower_slope *= 4;
  lines.upper_slope *= 4;
  lines.lower_offset = lower(2 * lines.lower_offset - 1, 0);
  lines.upper_offset = upper(2 * lines.upper_offset - 1, 0);
  bounds.lo = (2 * bounds.lo - 1) - 0x1p-40 - e;
  bounds.hi = (2 * bounds.hi - 1) + 0x1p-40 + e;
  bounds.error = e;
  return {lines, bounds};
}

LineBounds softmax_bounds(size_t n, Semantics semantics) {
  if (semantics == Semantics::kReal) return {0, 1, 0};
  const double k = static_cast<double>(n) + 8;
  const double error = ((k * kFloatUnit) / (1 - k * kFloatUnit)) * (1 + 0x1p-50);
  return {0, upper(1, error), error};
}

}  // namespace axiom
