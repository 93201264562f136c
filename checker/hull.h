// Lines around a function that is enclosed at points and stays within `delta` of
// linear interpolation between them (spec/certificate.md section 6: sigmoid, sin).
#pragma once

namespace checker {

// y >= s_lo * x + k_lo and y <= s_hi * x + k_hi.
struct Line {
  double s_lo, s_hi, k_lo, k_hi;
};

struct Bounds {
  double lo, hi;
};

// Lines and bounds of the exact function for x in [l, h] (spec section 6, e = 0).
struct Curve {
  Line line;
  Bounds bounds;
};

struct Points {
  double p[40], lo[40], hi[40];  // the function at p[n] is in [lo[n], hi[n]]; p does not fall
  int count = 0;
  double delta = 0, farthest = 0;  // farthest: the greatest |p|

  void add(double at, double below, double above);
};

// The edges of the hull over `mid`, shifted so that they hold on [p[0], p[count - 1]].
Line hull_lines(const Points& points, double mid);

}  // namespace checker
