// The rules of spec/certificate.md section 6 for exp, reciprocal, sqrt, sin, cos
// and product. No library function is evaluated: values are enclosed by a few
// terms of their series, in the operations + - * / sqrt alone.
#pragma once

#include <cstddef>
#include <vector>

#include "hull.h"
#include "program.h"
#include "property.h"

namespace checker {

// What a rule says about one element over the bounds of its sources. The bounds
// contain the error e, the lines hold up to it.
struct Relaxation {
  Line line;
  Bounds bounds;
  double error;
};

// y over one source in [l, h], for these five kinds.
bool is_smooth(Kind kind);
Relaxation smooth(Kind kind, double l, double h, Semantics semantics);

// Whether every covered evaluation is defined and does not overflow.
bool domain_holds(Kind kind, double l, double h);

// One element of a sharp softmax group: a lower line over all sources of the group, and bounds. Without a line (slopes
// all 0, offset 0) it says that no element is negative.
struct ShareRelaxation {
  std::vector<double> slope;    // per source of the group
  double offset = 0, size = 0;  // k, and S
  Bounds bounds;
};
double share_error(double n, Semantics semantics);  // e of section 6
ShareRelaxation share(const std::vector<Bounds>& sources, size_t own, Semantics semantics);

// y over two sources: the lines of section 6 with slopes line.s_lo, line.s_hi for
// the first, and these for the second.
struct ProductRelaxation {
  Relaxation of_first;
  double second_lo, second_hi;
};
ProductRelaxation product(Bounds first, Bounds second, Semantics semantics);
ProductRelaxation square(Bounds source, Semantics semantics);  // both sources are one element
bool product_domain_holds(Bounds first, Bounds second);

}  // namespace checker
