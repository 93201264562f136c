// How much room the lines of section 6 leave, beside the best that two lines can do: a table in Markdown.
//
// The area between a function and a line below it is least for the line that supports the convex envelope in the middle
// of the interval, since the area under a line is the width times its value there; likewise above. So the best area is
// the width times the gap of the two envelopes in the middle, and that of our lines the width times theirs. Envelopes
// come from 4001 samples. Exit 1: lines of exp, reciprocal, sqrt, sin, cos or a square leave more than 1.1 times the
// best.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "bounds/curves.h"

namespace axiom {
namespace {

constexpr int kHalf = 2000;
constexpr double kAllowed = 1.1;

using Real = long double;

// The greatest value in the middle of the chords of `values`, which are equally spaced; the middle is entry kHalf.
Real envelope_in_the_middle(const std::vector<Real>& values) {
  // Entry i on the left and j on the right meet the middle at (j * left + i * right) / (i + j). For each i the best j
  // is found by going on from that of the last: slopes from the middle outwards are compared instead.
  Real best = values[kHalf];
  for (int i = 1; i <= kHalf; ++i) {
    for (int j = 1; j <= kHalf; ++j) {
      const Real at_middle =
          (values[static_cast<size_t>(kHalf - i)] * j + values[static_cast<size_t>(kHalf + j)] * i) / (i + j);
      best = std::max(best, at_middle);
    }
  }
  return best;
}

struct Function {
  std::string name;
  std::function<Real(Real)> value;
  std::function<Lines(double, double)> lines;
  bool held = true;  // To kAllowed.
};

Function smooth(const std::string& name, UnaryKind kind, Real (*value)(Real)) {
  return {name, value, [kind](double l, double h) { return smooth_lines(kind, l, h, Semantics::kReal).first; }};
}

std::vector<Function> functions() {
  return {smooth("exp", UnaryKind::kExp, expl),
          smooth("reciprocal", UnaryKind::kReciprocal, [](Real x) { return 1 / x; }),
          smooth("sqrt", UnaryKind::kSqrt, sqrtl),
          smooth("sin", UnaryKind::kSin, sinl),
          smooth("cos", UnaryKind::kCos, cosl),
          {"square", [](Real x) { return x * x; },
           [](double l, double h) {
             return square_lines({l, h}, Semantics::kReal).first;
           }},
          {"sigmoid", [](Real x) { return 1 / (1 + expl(-x)); },
           [](double l, double h) { return sigmoid_lines(l, h, Semantics::kReal).first; }, false},
          {"tanh", [](Real x) { return tanhl(x); },
           [](double l, double h) { return tanh_lines(l, h, Semantics::kReal).first; }, false}};
}

double ratio(const Function& function, double l, double h) {
  std::vector<Real> above, below;
  for (int n = 0; n <= 2 * kHalf; ++n) {
    const Real y = function.value(l + (static_cast<Real>(h) - l) * n / (2 * kHalf));
    above.push_back(y);
    below.push_back(-y);
  }
  const Real best = envelope_in_the_middle(above) + envelope_in_the_middle(below);
  const Lines lines = function.lines(l, h);
  const Real middle = (static_cast<Real>(l) + h) / 2;
  const Real ours = (static_cast<Real>(lines.upper_slope) - lines.lower_slope) * middle +
                    (static_cast<Real>(lines.upper_offset) - lines.lower_offset);
  return static_cast<double>(ours / best);
}

int run() {
  const std::vector<double> widths = {0.01, 0.1, 0.5, 1, 2, 4, 7};
  fmt::print("| function | intervals begin at | {} |\n|---|---|{}\n", fmt::join(widths, " | "),
             fmt::join(std::vector<std::string>(widths.size(), "---|"), ""));
  bool failed = false;
  for (const Function& function : functions()) {
    for (const double l : {-3.0, -0.05, 0.25, 1.5, 40.0}) {
      const bool positive = function.name == "sqrt" || function.name == "reciprocal";
      if ((positive && l < 0) || (function.name != "sin" && function.name != "cos" && l > 10)) continue;
      std::vector<std::string> row;
      for (const double width : widths) {
        const double found = ratio(function, l, l + width);
        const bool exceeds = function.held && !(found <= kAllowed);
        failed |= exceeds;
        row.push_back(fmt::format("{:.3f}{}", found, exceeds ? " EXCEEDS" : ""));
      }
      fmt::print("| {} | {} | {} |\n", function.name, l, fmt::join(row, " | "));
    }
  }
  return failed ? 1 : 0;
}

}  // namespace
}  // namespace axiom

int main() { return axiom::run(); }
