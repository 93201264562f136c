// The lines of unary functions and products against the functions, on dense samples in long double.
#include "bounds/lines.h"

#include <gtest/gtest.h>

#include <functional>

#include "bounds/curves.h"
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

// An interval inside the domain, of every size there.
Interval inside(UnaryKind kind, Interval interval, Draw& draw) {
  if (kind == UnaryKind::kSin || kind == UnaryKind::kCos) return interval;
  if (kind == UnaryKind::kExp) {
    const double h = std::min(interval.h, draw.uniform(-720, 88));
    return {std::min(interval.l, h), h};
  }
  const double least = std::ldexp(draw.uniform(0.5, 1), draw.integer(-125, 100));
  const double greatest = draw.chance(0.5) ? least * (1 + std::ldexp(draw.uniform(0, 1), -draw.integer(0, 52)))
                                           : least * std::ldexp(draw.uniform(1, 2), draw.integer(0, 20));
  if (kind == UnaryKind::kSqrt) return {draw.chance(0.2) ? 0 : least, draw.chance(0.1) ? least : greatest};
  return draw.chance(0.5) ? Interval{least, greatest} : Interval{-greatest, -least};
}

TEST(Lines, OfSmoothFunctionsEncloseTheFunction) {
  const std::pair<UnaryKind, Function> functions[] = {{UnaryKind::kExp, expl},
                                                      {UnaryKind::kReciprocal, [](long double x) { return 1 / x; }},
                                                      {UnaryKind::kSqrt, sqrtl},
                                                      {UnaryKind::kSin, sinl},
                                                      {UnaryKind::kCos, cosl}};
  Random random(3);
  Draw draw{random};
  const int cases = case_count(3000);
  for (int k = 0; k < cases; ++k) {
    for (const auto& [kind, phi] : functions) {
      const Interval interval = inside(kind, random_interval(draw), draw);
      ASSERT_TRUE(is_defined(kind, interval.l, interval.h)) << interval.l << " " << interval.h;
      const auto [lines, bounds] = smooth_lines(kind, interval.l, interval.h, Semantics::kReal);
      ASSERT_TRUE(std::isfinite(bounds.lo) && std::isfinite(bounds.hi));
      expect_contains(lines, bounds, interval, phi, 0);
      if (HasFatalFailure()) return;
    }
  }
}

// Outside the domain nothing is claimed.
TEST(Lines, AreInfiniteOutsideTheDomain) {
  for (const auto& [kind, l, h] : {std::tuple{UnaryKind::kReciprocal, -1.0, 1.0},
                                   {UnaryKind::kReciprocal, 0.0, 1.0},
                                   {UnaryKind::kReciprocal, -1.0, -0.0},
                                   {UnaryKind::kReciprocal, 0x1p-127, 1.0},
                                   {UnaryKind::kSqrt, -0x1p-1000, 1.0},
                                   {UnaryKind::kExp, 0.0, 88.5},
                                   {UnaryKind::kExp, -INFINITY, 0.0},
                                   {UnaryKind::kReciprocal, 1.0, INFINITY}}) {
    EXPECT_FALSE(is_defined(kind, l, h));
    const auto [lines, bounds] = smooth_lines(kind, l, h, Semantics::kFloat32);
    EXPECT_TRUE(bounds.lo == -INFINITY && bounds.hi == INFINITY);
    EXPECT_TRUE(lines.lower_offset == -INFINITY && lines.upper_offset == INFINITY);
  }
}

TEST(Lines, OfProductsEncloseTheProduct) {
  Random random(4);
  Draw draw{random};
  const int cases = case_count(3000);
  for (int k = 0; k < cases; ++k) {
    const Interval a = random_interval(draw), b = random_interval(draw);
    const bool square = draw.chance(0.3);
    const ProductLines lines =
        square ? square_lines({a.l, a.h}, Semantics::kReal) : product_lines({a.l, a.h}, {b.l, b.h}, Semantics::kReal);
    for (int s = 0; s <= kSamples; ++s) {
      const auto at = [&](const Interval& interval) {
        const int corner = draw.integer(0, 3);
        const long double width = static_cast<long double>(interval.h) - interval.l;
        return corner == 0 ? interval.l : corner == 1 ? interval.h : interval.l + draw.uniform(0, 1) * width;
      };
      const long double x = at(a), y = square ? x : at(b), product = x * y;
      const long double room = fabsl(product) * 0x1p-60L + 0x1p-1050L;
      ASSERT_LE(lines.first.lower_slope * x + lines.second.lower * y + lines.first.lower_offset, product + room);
      ASSERT_GE(lines.first.upper_slope * x + lines.second.upper * y + lines.first.upper_offset, product - room);
      ASSERT_LE(lines.bounds.lo, product + room);
      ASSERT_GE(lines.bounds.hi, product - room);
    }
  }
}

TEST(Lines, OfSharesLieBelowTheFunction) {
  Random random(5);
  Draw draw{random};
  const int cases = case_count(2000);
  int lines = 0;
  for (int k = 0; k < cases; ++k) {
    std::vector<FactorBounds> sources;
    const int n = draw.integer(1, 6);
    const double spread = std::ldexp(1.0, draw.integer(-8, 6)), radius = std::ldexp(1.0, draw.integer(-12, 5));
    for (int j = 0; j < n; ++j) {
      const double centre = spread * draw.uniform(-1, 1), width = radius * draw.uniform(0, 1);
      sources.push_back({centre - width, centre + width});
    }
    const auto own = static_cast<size_t>(draw.integer(0, n - 1));
    const ShareLine share = share_line(sources, own, Semantics::kReal);
    lines += !share.slopes.empty();
    for (int s = 0; s < 60; ++s) {
      std::vector<long double> x;
      for (const FactorBounds& source : sources) {
        const int corner = draw.integer(0, 2);
        x.push_back(corner == 0   ? source.lo
                    : corner == 1 ? source.hi
                                  : source.lo + draw.uniform(0, 1) * (static_cast<long double>(source.hi) - source.lo));
      }
      long double sum = 0, line = share.offset;
      for (size_t j = 0; j < x.size(); ++j) {
        sum += expl(x[j] - x[own]);
        if (!share.slopes.empty()) line += share.slopes[j] * x[j];
      }
      const long double y = 1 / sum;
      ASSERT_LE(line, y * (1 + 1e-17L));
      ASSERT_LE(share.bounds.lo, y * (1 + 1e-17L));
      ASSERT_GE(share.bounds.hi, y * (1 - 1e-17L));
    }
  }
  std::printf("%d of %d shares have a line\n", lines, cases);
  EXPECT_GT(lines, cases / 3);
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
