// The lines of sigmoid, tanh, relu and leaky_relu against the functions, on dense samples in long double.
#include "bounds/lines.h"

#include <gtest/gtest.h>

#include <functional>

#include "generator.h"
#include "workbench.h"

namespace axiom::soundness {
namespace {

constexpr int kSamples = 200;

struct Interval {
  double l, h;
};

// Of every size, anywhere; many on and around the points of the table and its ends.
Interval random_interval(Draw& draw) {
  double centre = draw.uniform(-20, 20);
  switch (draw.integer(0, 5)) {
    case 0:
      centre = draw.integer(-1100, 1100) / 64.0;
      break;
    case 1:
      centre = draw.chance(0.5) ? 16 : -16;
      break;
    case 2:
      centre = std::ldexp(draw.uniform(-1, 1), draw.integer(-1070, 21));
      break;
    case 3:
      centre = 0;
      break;
    default:
      break;
  }
  const double width = draw.chance(0.1) ? 0 : std::ldexp(draw.uniform(0, 1), draw.integer(-1070, 21));
  const double l = centre - width * draw.uniform(0, 1), h = centre + width * draw.uniform(0, 1);
  if (draw.chance(0.1)) return {centre, std::nextafter(centre, INFINITY)};
  return {std::min(l, h), std::max(l, h)};
}

using Function = long double (*)(long double);
long double sigmoid(long double x) { return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)); }
long double hyperbolic(long double x) { return tanhl(x); }

void expect_contains(const Lines& lines, const LineBounds& bounds, Interval interval,
                     const std::function<long double(long double)>& phi, long double rounding) {
  for (int s = 0; s <= kSamples; ++s) {
    const long double share = static_cast<long double>(s) / kSamples;
    const long double x =
        s == kSamples ? interval.h : interval.l + share * (static_cast<long double>(interval.h) - interval.l);
    const long double y = phi(x), room = rounding * fabsl(y);
    ASSERT_LE(lines.lower_slope * x + lines.lower_offset, y + room)
        << static_cast<double>(x) << " in " << interval.l << " " << interval.h;
    ASSERT_GE(lines.upper_slope * x + lines.upper_offset, y - room)
        << static_cast<double>(x) << " in " << interval.l << " " << interval.h;
    ASSERT_LE(bounds.lo + bounds.error, y + room) << static_cast<double>(x);
    ASSERT_GE(bounds.hi - bounds.error, y - room) << static_cast<double>(x);
  }
}

TEST(Lines, OfSigmoidAndTanhEncloseTheFunction) {
  Random random(1);
  Draw draw{random};
  const int cases = case_count(3000);
  for (int k = 0; k < cases; ++k) {
    const Interval interval = random_interval(draw);
    const auto [lines, bounds] = sigmoid_lines(interval.l, interval.h, Semantics::kReal);
    expect_contains(lines, bounds, interval, sigmoid, 0);
    const auto [tanh_line, tanh_bounds] = tanh_lines(interval.l, interval.h, Semantics::kReal);
    expect_contains(tanh_line, tanh_bounds, interval, hyperbolic, 0);
    if (HasFatalFailure()) return;
  }
}

TEST(Lines, OfHingesEncloseTheFunction) {
  Random random(2);
  Draw draw{random};
  const int cases = case_count(5000);
  for (int k = 0; k < cases; ++k) {
    const double size = std::ldexp(1.0, draw.integer(-1060, 1000));
    const Interval interval{-size * draw.uniform(0, 1),
                            size * draw.uniform(0, 1) * std::ldexp(1.0, draw.integer(-60, 20))};
    const double alphas[] = {0, 0.01f, 0.999999f, 1, 0x1p-126};
    const double alpha = alphas[draw.integer(0, 4)];
    const auto phi = [alpha](long double x) { return x < 0 ? alpha * x : x; };
    const double magnitude = std::max(-interval.l, interval.h);
    Lines leaky = leaky_relu_lines(interval.l, interval.h, alpha);
    const LineBounds bounds = leaky_relu_bounds(interval.l, interval.h, alpha, magnitude, Semantics::kReal);
    Lines relu = relu_lines(interval.l, interval.h);
    for (const SlopeRule rule : {SlopeRule::kAdaptive, SlopeRule::kZero, SlopeRule::kOne, SlopeRule::kExplicit}) {
      const auto byte = static_cast<uint8_t>(draw.integer(0, 128));
      if (interval.l < 0 && interval.h > 0) {
        leaky.lower_slope = lower_slope(rule, interval.l, interval.h, alpha, byte);
        relu.lower_slope = lower_slope(rule, interval.l, interval.h, 0, byte);
      }
      expect_contains(leaky, bounds, interval, phi, 0);
      expect_contains(
          relu, relu_bounds(interval.l, interval.h, Semantics::kReal), interval,
          [](long double x) { return x > 0 ? x : 0; }, 0);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace axiom::soundness
