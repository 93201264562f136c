// Lines around the logistic function on an interval (spec/certificate.md section
// 6). No transcendental function is evaluated: values on a grid come from a table
// of neighbouring doubles that enclose them, and between grid points the function
// stays within delta of linear interpolation. Outside +-16 the function lies
// between the table's last value and 0 or 1.
#include "sigmoid.h"

#include <cmath>

#include "arithmetic.h"

namespace checker {
namespace {

constexpr double kBelow[1025] = {
#include "sigmoid_table.inc"
};
constexpr int kEnd = 1024;  // grid point k is k / 64

double table_lo(int k);
double table_hi(int k) {
  if (k == 0) return 0.5;
  return k > 0 ? std::nextafter(kBelow[k], 2.0) : 1 - kBelow[-k];
}
double table_lo(int k) { return k >= 0 ? kBelow[k] : 1 - table_hi(-k); }

// Multiples of q = 2^n around [i0, i1].
int round_down(int i, int q) { return i >= 0 ? i / q * q : -((-i + q - 1) / q * q); }
int round_up(int i, int q) { return -round_down(-i, q); }

Points points_of(double l, double h) {
  double a = greatest(l, -16.0), b = least(h, 16.0);
  if (a > b) a = b = l > 0 ? 16.0 : -16.0;
  int i0 = int(std::floor(a * 64)), i1 = int(std::ceil(b * 64));
  int q = 1;
  while (i1 - i0 > 32 * q) q *= 2;
  i0 = round_down(i0, q);
  i1 = round_up(i1, q);
  if (i0 == i1) (i1 == kEnd ? i0 : i1) += i1 == kEnd ? -q : q;

  Points points;
  const double step = double(q) / 64;
  points.delta = step * step * 0.0121;
  if (l < -16) points.add(l, 0, table_hi(-kEnd));
  for (int i = i0; i <= i1; i += q) {
    const bool before = l < -16 && i == -kEnd, behind = h > 16 && i == kEnd;
    points.add(double(i) / 64, before ? 0 : table_lo(i), behind ? 1 : table_hi(i));
  }
  if (h > 16) points.add(h, table_lo(kEnd), 1);
  return points;
}

}  // namespace

Curve sigmoid_curve(double l, double h) {
  if (!(std::fabs(l) <= 0x1p20 && std::fabs(h) <= 0x1p20)) return {{0, 0, 0, 1}, {0, 1}};
  const Points points = points_of(l, h);
  const Line line = hull_lines(points, (l + h) * 0.5);
  const double at_least = least(line.s_lo * l + line.k_lo, line.s_lo * h + line.k_lo);
  const double at_most = greatest(line.s_hi * l + line.k_hi, line.s_hi * h + line.k_hi);
  return {line, {greatest(0, at_least - 0x1p-30), least(1, at_most + 0x1p-30)}};
}

}  // namespace checker
