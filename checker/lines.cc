// One function per rule of spec/certificate.md section 6. Each line holds for
// every double that the stated formula can give as slope: what is proved is the
// intercept.
#include "lines.h"

#include <cmath>
#include <limits>

#include "arithmetic.h"

namespace checker {

double leaky_relu_error(double x, double alpha, Semantics semantics) {
  return semantics == Semantics::real ? 0 : (kSingleU * alpha) * x * (1 + 0x1p-50) + 2 * kEta;
}

Bounds leaky_relu_bounds(double l, double h, double alpha, double e) {
  const auto phi = [alpha](double z) { return z < 0 ? alpha * z : z; };
  return {lower(phi(l), e), upper(phi(h), e)};
}

Line leaky_relu_line(double l, double h, double alpha, Slope slope) {
  if (h <= 0) return {alpha, alpha, 0, 0};
  if (l >= 0) return {1, 1, 0, 0};
  const double s_hi = (h - alpha * l) / (h - l);
  const double gap = greatest(0, greatest((alpha - s_hi) * l, (1 - s_hi) * h));
  const double k_hi = gap * (1 + 0x1p-40) + (h - l) * 0x1p-48 + kTau;
  return {lower_slope(l, h, alpha, slope), s_hi, 0, k_hi};
}

double curve_error(Semantics semantics) { return semantics == Semantics::real ? 0 : 0x1p-20; }

Curve sigmoid(double l, double h, double e) {
  const Curve exact = sigmoid_curve(l, h);
  return {exact.line, {exact.bounds.lo - e, exact.bounds.hi + e}};
}

// tanh(x) = 2 sigmoid(2 x) - 1
Curve tanh(double l, double h, double e) {
  const Curve s = sigmoid_curve(2 * l, 2 * h);
  const Line line{4 * s.line.s_lo, 4 * s.line.s_hi, lower(2 * s.line.k_lo - 1, 0), upper(2 * s.line.k_hi - 1, 0)};
  return {line, {(2 * s.bounds.lo - 1) - 0x1p-40 - e, (2 * s.bounds.hi - 1) + 0x1p-40 + e}};
}

Pool maxpool(const uint32_t* sources, uint64_t count, const double* lo, const double* hi, double e) {
  uint64_t best = 0;
  double highest = hi[sources[0]], highest_other = -std::numeric_limits<double>::infinity();
  for (uint64_t t = 1; t < count; ++t) {
    if (lo[sources[t]] > lo[sources[best]]) best = t;
    highest = greatest(highest, hi[sources[t]]);
  }
  for (uint64_t t = 0; t < count; ++t) {
    if (t != best) highest_other = greatest(highest_other, hi[sources[t]]);
  }
  const uint32_t source = sources[best];
  const bool wins = lo[source] >= highest_other;
  const Line line{1, wins ? 1.0 : 0.0, 0, wins ? 0 : highest};
  return {source, {line, {lower(lo[source], e), upper(highest, e)}}};
}

double softmax_error(double n, Semantics semantics) {
  const double ku = (n + 8) * kSingleU;
  return semantics == Semantics::real ? 0 : (ku / (1 - ku)) * (1 + 0x1p-50);
}

Bounds softmax_bounds(double n, Semantics semantics) {
  return {0, semantics == Semantics::real ? 1 : upper(1, softmax_error(n, semantics))};
}

double product_charge(const Line& line, double x1, double second_lo, double second_hi, double x2, double e, double m) {
  const double offset = greatest(std::fabs(line.k_lo), std::fabs(line.k_hi));
  const double s = (offset + greatest(std::fabs(line.s_lo), std::fabs(line.s_hi)) * x1) +
                   greatest(std::fabs(second_lo), std::fabs(second_hi)) * x2;
  return (e + ((m + 4) * kU) * s) + kTau;
}

}  // namespace checker
