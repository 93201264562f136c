// The table of enclosures of the logistic function, and the lines made from it.
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

Curve sigmoid_curve(double l, double h);

}  // namespace checker
