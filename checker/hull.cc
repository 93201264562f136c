// Slopes are chosen among secants; the intercepts are what makes the lines hold.
#include "hull.h"

#include <cmath>

#include "arithmetic.h"

namespace checker {
namespace {

// Among the secants of points on both sides of `mid`, the one that is least
// (sign = 1) or greatest (sign = -1) there; first on ties.
double slope(const Points& points, const double* v, double mid, double sign) {
  double best = 0, chosen = 0;
  bool found = false;
  for (int i = 0; i < points.count && points.p[i] <= mid; ++i) {
    for (int j = i + 1; j < points.count; ++j) {
      if (!(mid <= points.p[j] && points.p[i] < points.p[j])) continue;
      const double r = (v[j] - v[i]) / (points.p[j] - points.p[i]);
      const double value = sign * (v[i] + r * (mid - points.p[i]));
      if (!found || value < best) best = value, chosen = r;
      found = true;
    }
  }
  return chosen;
}

}  // namespace

void Points::add(double at, double below, double above) {
  p[count] = at, lo[count] = below, hi[count] = above;
  farthest = count == 0 ? std::fabs(at) : greatest(farthest, std::fabs(at));
  ++count;
}

Line hull_lines(const Points& points, double mid) {
  Line line{};
  line.s_lo = slope(points, points.lo, mid, 1);
  line.s_hi = slope(points, points.hi, mid, -1);
  double low = points.lo[0] - line.s_lo * points.p[0], high = points.hi[0] - line.s_hi * points.p[0];
  for (int n = 1; n < points.count; ++n) {
    low = least(low, points.lo[n] - line.s_lo * points.p[n]);
    high = greatest(high, points.hi[n] - line.s_hi * points.p[n]);
  }
  const auto d = [&](double s) { return points.delta + (std::fabs(s) * points.farthest) * 0x1p-50; };
  line.k_lo = lower(low, d(line.s_lo));
  line.k_hi = upper(high, d(line.s_hi));
  return line;
}

}  // namespace checker
