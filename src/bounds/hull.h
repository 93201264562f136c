// Lines from points: the edges of their convex hull over the middle of the interval.
#pragma once

#include "bounds/lines.h"

namespace axiom {

/// Enclosures of a function at up to 40 points, from which linear interpolation strays by at most `delta`.
struct HullPoints {
  int count = 0;
  double at[40], low[40], high[40];
  double delta = 0;
  void add(double p, double l, double h) {
    at[count] = p;
    low[count] = l;
    high[count++] = h;
  }
};

/// Lines that hold between the first and the last point.
Lines hull_lines(const HullPoints& points, double mid);

}  // namespace axiom
