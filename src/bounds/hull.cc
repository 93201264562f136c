// Any slope is sound: the offsets are computed for it.
#include "bounds/hull.h"

#include <cmath>

namespace axiom {
namespace {

// The slopes of the hull edges over `mid`.
void choose_slopes(const HullPoints& pts, double mid, Lines& lines) {
  bool found = false;
  double least = 0, greatest = 0;
  for (int i = 0; i < pts.count; ++i) {
    if (!(pts.at[i] <= mid)) continue;
    for (int j = i + 1; j < pts.count; ++j) {
      if (!(pts.at[i] < pts.at[j] && mid <= pts.at[j])) continue;
      const double width = pts.at[j] - pts.at[i];
      const double low_slope = (pts.low[j] - pts.low[i]) / width;
      const double low_value = pts.low[i] + low_slope * (mid - pts.at[i]);
      const double high_slope = (pts.high[j] - pts.high[i]) / width;
      const double high_value = pts.high[i] + high_slope * (mid - pts.at[i]);
      if (!found || low_value < least) {
        least = low_value;
        lines.lower_slope = low_slope;
      }
      if (!found || high_value > greatest) {
        greatest = high_value;
        lines.upper_slope = high_slope;
      }
      found = true;
    }
  }
}

}  // namespace

Lines hull_lines(const HullPoints& pts, double mid) {
  Lines lines;
  choose_slopes(pts, mid, lines);
  double low = pts.low[0] - lines.lower_slope * pts.at[0], high = pts.high[0] - lines.upper_slope * pts.at[0];
  double magnitude = std::fabs(pts.at[0]);
  for (int i = 1; i < pts.count; ++i) {
    low = spec_min(low, pts.low[i] - lines.lower_slope * pts.at[i]);
    high = spec_max(high, pts.high[i] - lines.upper_slope * pts.at[i]);
    magnitude = spec_max(magnitude, std::fabs(pts.at[i]));
  }
  lines.lower_offset = lower(low, pts.delta + (std::fabs(lines.lower_slope) * magnitude) * 0x1p-50);
  lines.upper_offset = upper(high, pts.delta + (std::fabs(lines.upper_slope) * magnitude) * 0x1p-50);
  return lines;
}

}  // namespace axiom
