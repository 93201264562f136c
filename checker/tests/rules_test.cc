// Lines, sweeps and trees: the rules against what they are to hold for.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "arithmetic.h"
#include "context.h"
#include "curves.h"
#include "error.h"
#include "lines.h"
#include "sha256.h"
#include "sweep.h"
#include "tests/claims.h"
#include "tests/test.h"

namespace {

using build::Bytes;
using build::Claim;
using build::Model;
using build::relu_claim;
using build::split_claim;
using checker::Bounds;
using checker::Curve;
using checker::Kind;
using checker::Line;
using checker::Outcome;
using checker::Semantics;
using checker::Slope;

// phi(x) within [lo, hi] and between the lines at points of [l, h], ends included.
template <class Phi>
void expect_encloses(const Line& line, const Bounds& bounds, double l, double h, const Phi& phi) {
  for (int n = 0; n <= 64; ++n) {
    const long double x = n == 64 ? h : static_cast<long double>(l) + (static_cast<long double>(h) - l) * n / 64;
    const long double y = phi(x);
    const bool inside = bounds.lo <= y && y <= bounds.hi;
    const bool between = line.s_lo * x + line.k_lo <= y && y <= line.s_hi * x + line.k_hi;
    EXPECT_NOTE(inside && between, std::to_string(l) + " " + std::to_string(h));
  }
}

std::vector<std::pair<double, double>> intervals() {
  std::mt19937_64 random(1);
  std::vector<std::pair<double, double>> out = {{-1, 1},           {-20, -18},  {17, 30},    {-1e5, 1e5},
                                                {16, 16},          {-16, -16},  {-16, 16.5}, {0, 0},
                                                {-1e-300, 1e-300}, {15.99, 16}, {2e6, 3e6},  {-3e6, 4}};
  for (int n = 0; n < 3000; ++n) {
    const double scale = std::exp2(double(random() % 20) - 8), center = scale * (double(random() >> 11) * 0x1p-52 - 1);
    const double radius = std::exp2(double(random() % 24) - 16) * (double(random() >> 11) * 0x1p-53);
    out.push_back({center - radius, center + radius});
  }
  return out;
}

// The same with a bound that x = 1 exceeds.
Claim false_claim() {
  Claim claim = split_claim();
  claim.property = build::box_property(1, -1, 1, 1, "(or (<= Y_0 -1) (>= Y_0 0.4999))");
  return claim;
}

// A model with every kind of operator, a shared element and a scaled Gemm.
Claim rich_claim(Semantics semantics) {
  Model m;
  m.input("x", {1, 1, 3, 3}).constant("k", {2, 1, 2, 2}, {0.7f, -1.1f, 0.4f, 0.9f, -0.3f, 1.3f, -0.8f, 0.6f});
  m.constant("kb", {2}, {0.1f, -0.2f}).node("Conv", {"x", "k", "kb"}, "c").node("LeakyRelu", {"c"}, "l");
  m.constant("s", {2}, {1.3f, -0.7f}).constant("B", {2}, {0.2f, 0.1f}).constant("mu", {2}, {0.3f, -0.1f});
  m.constant("v", {2}, {0.9f, 1.7f}).node("BatchNormalization", {"l", "s", "B", "mu", "v"}, "n");
  m.node("Sub", {"n", "c"}, "d").node("Tanh", {"d"}, "t").node("Add", {"t", "d"}, "u");
  m.node("MaxPool", {"u"}, "p", {build::ints_attribute("kernel_shape", {1, 2})});
  m.constant("one", {1, 1, 2, 1}, {0.3f, 0.7f}).node("Concat", {"p", "one"}, "q", {build::int_attribute("axis", 1)});
  m.node("Flatten", {"q"}, "f")
      .constant("w", {6, 2}, {0.3f, -0.9f, 1.2f, 0.4f, -0.5f, 0.8f, 0.6f, -0.7f, 0.2f, 0.1f, -1, 0.5f});
  m.constant("wb", {2}, {0.01f, -0.3f});
  m.node("Gemm", {"f", "w", "wb"}, "g", {build::float_attribute("alpha", 0.7f), build::float_attribute("beta", 1.3f)});
  m.node("Relu", {"g"}, "r").node("Sigmoid", {"g"}, "h").node("Add", {"r", "h"}, "y").output("y");
  const char* unsafe = "(and (<= (+ Y_0 (* 0.3 Y_1) (* -0.1 X_4)) 0.45) (>= (- Y_1 Y_0) 0.05))";
  return {m.bytes(), build::box_property(9, -0.4, 0.7, 2, unsafe), semantics, {}};
}

// Trees that end in a REFUTE that does not hold, and the bound it must report.
struct RichBound {
  Semantics semantics;
  Bytes tree;
  std::string expected;
};
std::vector<RichBound> rich_bounds() {
  Bytes combined{1, 0, 1, 1, 1, 0, 2, 0, 1, 6, 2, 2, 0};
  build::put_f64(combined, 0.75);
  combined.push_back(1);
  build::put_f64(combined, 1.5);
  Bytes multiplied{1, 1, 0, 5, 11, 0, 1, 1, 0, 6, 0, 0x82, 2, 9};
  build::put_f32(multiplied, 0.125f);
  multiplied.push_back(3);
  build::put_f32(multiplied, -0.2f);
  return {
      {Semantics::real, {1, 1, 0, 6, 0, 0}, "-4.292828369971657"},
      {Semantics::float32, {1, 1, 0, 6, 0, 0}, "-4.2928471305872273"},
      {Semantics::real, {1, 0, 2, 2, 0, 2, 4, 4, 0, 1, 1, 2, 6, 1, 1}, "-5.1153804042024262"},
      {Semantics::float32, {1, 0, 2, 2, 0, 2, 4, 4, 0, 1, 1, 2, 6, 1, 1}, "-5.1153990401288976"},
      {Semantics::real, build::join({combined, {0}}), "-15.936832048191985"},
      {Semantics::float32, build::join({combined, {0}}), "-15.936893481732337"},
      {Semantics::real, multiplied, "-5.4287255010175972"},
      {Semantics::float32, multiplied, "-5.4287402330314212"},
  };
}

bool accepted(const Claim& claim) { return build::check(claim).result == Outcome::accepted; }
bool rejected(const Claim& claim) { return build::check(claim).result == Outcome::rejected; }

Claim with_tree(Claim claim, Bytes tree) {
  claim.tree = std::move(tree);
  return claim;
}

}  // namespace

void line_tests() {
  test("relu lines and bounds hold on every interval, for every slope", [] {
    const auto relu = [](long double x) { return x > 0 ? x : 0; };
    for (const auto& [l, h] : intervals()) {
      for (const Slope slope :
           {Slope{Slope::adaptive}, Slope{Slope::zero}, Slope{Slope::one}, Slope{Slope::by_byte, 37}}) {
        const Bounds bounds = checker::relu_bounds(l, h);
        expect_encloses(checker::relu_line(l, h, slope), bounds, l, h, relu);
      }
    }
  });
  test("leaky relu lines and bounds hold on every interval, for every slope", [] {
    for (const auto& [l, h] : intervals()) {
      for (const double alpha : {0.0, 0.01, 0.5, 1.0}) {
        const auto phi = [alpha = alpha](long double x) { return x > 0 ? x : alpha * x; };
        const Bounds bounds = checker::leaky_relu_bounds(l, h, alpha, 0);
        expect_encloses(checker::leaky_relu_line(l, h, alpha, {Slope::adaptive}), bounds, l, h, phi);
        expect_encloses(checker::leaky_relu_line(l, h, alpha, {Slope::by_byte, 100}), bounds, l, h, phi);
      }
    }
  });
  test("sigmoid and tanh lines and bounds hold on every interval", [] {
    for (const auto& [l, h] : intervals()) {
      const Curve s = checker::sigmoid(l, h, 0), t = checker::tanh(l, h, 0);
      expect_encloses(s.line, s.bounds, l, h, [](long double x) { return 1 / (1 + std::exp(-x)); });
      expect_encloses(t.line, t.bounds, l, h, [](long double x) { return std::tanh(x); });
    }
  });
  test("sigmoid lines are near on small intervals, and intervals that are none do no harm", [] {
    const Curve s = checker::sigmoid(0.5, 0.75, 0);
    EXPECT(s.bounds.hi - s.bounds.lo < 0.07);
    for (const double l : {1.0, 100.0, -100.0, 1e300, double(INFINITY), std::nan("")}) {
      for (const double h : {0.0, -200.0, 50.0, -double(INFINITY), std::nan("")}) checker::tanh(l, h, 0);
    }
  });
  test("lines and bounds of smooth functions hold on every interval of their domain, elsewhere nothing is said", [] {
    using Function = long double (*)(long double);
    const std::pair<Kind, Function> functions[] = {{Kind::exp, [](long double x) { return std::exp(x); }},
                                                   {Kind::reciprocal, [](long double x) { return 1 / x; }},
                                                   {Kind::sqrt, [](long double x) { return std::sqrt(x); }},
                                                   {Kind::sin, [](long double x) { return std::sin(x); }},
                                                   {Kind::cos, [](long double x) { return std::cos(x); }}};
    int held = 0;
    for (const auto& [kind, phi] : functions) {
      for (const auto& [l, h] : intervals()) {
        const checker::Relaxation found = checker::smooth(kind, l, h, Semantics::real);
        if (checker::domain_holds(kind, l, h)) {
          expect_encloses(found.line, found.bounds, l, h, phi);
          ++held;
        } else {
          EXPECT(found.bounds.lo == -INFINITY && found.bounds.hi == INFINITY && found.line.k_hi == INFINITY);
        }
      }
      for (const double l : {1.0, 100.0, 1e300, double(INFINITY), std::nan("")}) {
        for (const double h : {0.0, -200.0, -double(INFINITY), std::nan("")})
          checker::smooth(kind, l, h, Semantics::real);
      }
    }
    EXPECT(held > 100);
  });
  test("values of exp and sin are those that the specification states, bit by bit", [] {
    const checker::Relaxation e = checker::smooth(Kind::exp, 0.25, 0.75, Semantics::float32);
    EXPECT(e.line.s_lo == 0x1.a61298e1e069cp+0 && e.line.s_hi == 0x1.aa7ba592270d4p+0);
    EXPECT(std::fabs(e.line.s_lo - std::exp(0.5)) <= 0x1p-52);
    const checker::Relaxation s = checker::smooth(Kind::sin, -1, 1, Semantics::real);
    EXPECT(s.line.s_lo == s.line.s_hi && s.line.k_lo == -s.line.k_hi);
  });
  test("planes of products hold on every box, and squares have lines of their own", [] {
    const auto sides = intervals();
    for (size_t n = 0; n < sides.size(); ++n) {
      const Bounds a{sides[n].first, sides[n].second},
          b{sides[(7 * n + 3) % sides.size()].first, sides[(7 * n + 3) % sides.size()].second};
      if (!checker::product_domain_holds(a, b)) continue;
      const auto [of_first, s_lo, s_hi] = checker::product(a, b, Semantics::real);
      for (int corner = 0; corner < 9; ++corner) {
        const auto at = [](Bounds side, int third) {
          return third == 0   ? static_cast<long double>(side.lo)
                 : third == 1 ? side.hi
                              : (static_cast<long double>(side.lo) + side.hi) / 2;
        };
        const long double x = at(a, corner % 3), y = at(b, corner / 3), room = std::fabs(x * y) * 0x1p-60L + 0x1p-1050L;
        EXPECT(of_first.line.s_lo * x + s_lo * y + of_first.line.k_lo <= x * y + room);
        EXPECT(of_first.line.s_hi * x + s_hi * y + of_first.line.k_hi >= x * y - room);
        EXPECT(of_first.bounds.lo <= x * y + room && x * y - room <= of_first.bounds.hi);
      }
      if (!checker::product_domain_holds(a, a)) continue;
      const auto square = checker::square(a, Semantics::real);
      expect_encloses(square.of_first.line, square.of_first.bounds, a.lo, a.hi, [](long double x) { return x * x; });
    }
  });
  test("lines of a sharp softmax lie below it, and none is made where exp is not defined", [] {
    const std::vector<Bounds> sides = {{-0.5, 0.25}, {0.125, 0.5}, {-2, -1}};
    for (size_t own = 0; own < sides.size(); ++own) {
      const checker::ShareRelaxation share = checker::share(sides, own, Semantics::real);
      EXPECT(share.offset != 0 && share.bounds.lo > 0 && share.bounds.hi < 1);
      for (int corner = 0; corner < 27; ++corner) {
        long double sum = 0, line = share.offset, x[3];
        for (size_t j = 0, rest = size_t(corner); j < 3; ++j, rest /= 3)
          x[j] = rest % 3 == 0 ? sides[j].lo : rest % 3 == 1 ? sides[j].hi : (sides[j].lo + sides[j].hi) / 2;
        for (size_t j = 0; j < 3; ++j) {
          sum += std::exp(x[j] - x[own]);
          line += share.slope[j] * x[j];
        }
        EXPECT(line <= 1 / sum && share.bounds.lo <= 1 / sum && 1 / sum <= share.bounds.hi);
      }
    }
    const checker::ShareRelaxation far = checker::share({{0, 90}, {0, 1}}, 1, Semantics::float32);
    EXPECT(far.offset == 0 && far.bounds.lo == 0 && far.bounds.hi > 1);
  });
  test("max-pool follows the first source with the greatest lower bound", [] {
    const double lo[] = {0, 2, 2}, hi[] = {1, 3, 5};
    const uint32_t sources[] = {0, 1, 2}, clear[] = {0, 1};
    const auto open = checker::maxpool(sources, 3, lo, hi, 0), won = checker::maxpool(clear, 2, lo, hi, 0);
    EXPECT(open.source == 1 && open.curve.line.s_hi == 0 && open.curve.line.k_hi == 5);
    EXPECT(won.source == 1 && won.curve.line.s_hi == 1 && won.curve.line.k_hi == 0);
  });
  test("the error of a softmax sum is at least that of its size, rounded up", [] {
    for (int64_t n = 1; n <= 1 << 20; n = n < 1000 ? n + 1 : n * 3 / 2 + 1) {
      const long double ku = static_cast<long double>(n + 8) / (1 << 24), t = ku / (1 - ku);
      const double error = checker::softmax_error(double(n), Semantics::float32);
      EXPECT(t <= error && error <= t * (1 + 0x1p-49L));
      EXPECT(checker::softmax_bounds(double(n), Semantics::float32).hi > 1 + t);
    }
    EXPECT(checker::softmax_error(5, Semantics::real) == 0 && checker::softmax_bounds(5, Semantics::real).hi == 1);
  });
}

void sweep_tests() {
  test("a block of sweeps gives each lane the bits of a sweep alone, in dense and sparse operators", [] {
    std::mt19937 random(7);
    const auto numbers = [&](size_t count, bool sparse) {
      std::vector<float> out;
      for (size_t i = 0; i < count; ++i)
        out.push_back(sparse && random() % 3 == 0 ? 0 : float(random()) * 0x1p-31f - 1);
      return out;
    };
    for (const int variant : {0, 1, 2, 3}) {
      const bool sparse = variant % 2 == 1;
      Model model;
      model.input("x", {1, 9})
          .constant("a", {9, 37}, numbers(9 * 37, sparse))
          .constant("b", {37, 11}, numbers(37 * 11, sparse));
      model.node("MatMul", {"x", "a"}, "m")
          .node("Relu", {"m"}, "r")
          .node("MatMul", {"r", "b"}, "n")
          .node(variant < 2 ? "Tanh" : "Softmax", {"n"}, "t");
      model.node("Sub", {"n", "t"}, "y").output("y");
      const checker::Program program = model.lower();
      checker::Context context(program, Semantics::float32, std::vector<double>(9, -0.3), std::vector<double>(9, 0.7));
      for (const uint32_t o : {1u, 3u}) {
        const auto figures = context.intervals(o);
        for (uint32_t i = 0; i < program.operators[o].count; ++i) {
          context.meet(program.operators[o].first + i, figures.lo[i], figures.hi[i]);
        }
      }
      checker::Sweep<checker::kLanes> block(program);
      checker::Sweep<1> alone(program);
      const uint32_t top = uint32_t(program.operators.size());
      for (int l = 0; l < 7; ++l) block.add(l, program.outputs[size_t(l)], l % 2 == 0 ? 1 : -1);
      block.run(context, top, checker::Slopes{});
      for (int l = 0; l < 7; ++l) {
        alone.clear();
        alone.add(0, program.outputs[size_t(l)], l % 2 == 0 ? 1 : -1);
        alone.run(context, top, checker::Slopes{});
        EXPECT(!alone.failed(0) && alone.bound(0) == block.bound(l));
        EXPECT(std::isfinite(alone.bound(0)));
        for (uint32_t j = 0; j < 9; ++j) EXPECT(alone.input(0, j) == block.input(l, j));
      }
    }
  });
  test("a block of sweeps with hints of their own gives each lane the bits of a sweep alone", [] {
    std::mt19937 random(8);
    const auto numbers = [&](size_t count) {
      std::vector<float> out;
      for (size_t i = 0; i < count; ++i) out.push_back(random() % 4 == 0 ? 0 : float(random()) * 0x1p-31f - 1);
      return out;
    };
    for (const char* hinge : {"Relu", "LeakyRelu"}) {
      Model model;
      model.input("x", {1, 9}).constant("a", {9, 37}, numbers(9 * 37)).constant("b", {37, 37}, numbers(37 * 37));
      model.node("MatMul", {"x", "a"}, "m").node(hinge, {"m"}, "r").node("MatMul", {"r", "b"}, "n");
      model.node(hinge, {"n"}, "s").node("Sub", {"s", "r"}, "d").node("Tanh", {"d"}, "t");
      const checker::Program program = model.node("Sub", {"t", "n"}, "y").output("y").lower();
      for (const Semantics semantics : {Semantics::real, Semantics::float32}) {
        checker::Context context(program, semantics, std::vector<double>(9, -0.3), std::vector<double>(9, 0.7));
        for (uint32_t o = 1; o < program.operators.size(); ++o) {
          const checker::Operator& op = program.operators[o];
          if (!op.is_affine()) continue;
          const auto figures = context.intervals(o);
          for (uint32_t i = 0; i < op.count; ++i) context.meet(op.first + i, figures.lo[i], figures.hi[i]);
        }
        const uint32_t top = uint32_t(program.operators.size());
        context.refresh(top);
        std::vector<uint32_t> places(program.elements());
        for (uint32_t e = 0; e < program.elements(); ++e) places[e] = program.elements() - 1 - e;
        std::vector<std::vector<uint8_t>> bytes(checker::kLanes, std::vector<uint8_t>(program.elements()));
        std::vector<checker::Hints> hints(7);
        for (size_t l = 0; l < hints.size(); ++l) {
          for (uint8_t& byte : bytes[l]) byte = uint8_t(random() % 129);
          hints[l].slopes = {.rule = Slope::Rule(l % 4), .bytes = bytes[l].data(), .places = places.data()};
          if (l % 3 == 0) continue;
          for (const uint32_t o : {1u, 3u, 5u}) {
            const uint32_t e = program.operators[o].first + uint32_t(random() % 5);
            hints[l].multipliers.push_back({e, double(random()) * 0x1p-32 - 0.5});
          }
        }
        hints[5].multipliers = {{program.operators[3].first + 5, 0x1p600}};  // too large a coefficient: it fails
        checker::Sweep<checker::kLanes> block(program);
        checker::Sweep<1> alone(program);
        for (int repeated = 0; repeated < 2; ++repeated) {
          for (int l = 0; l < 7; ++l) block.add(l, program.outputs[size_t(l)], l % 2 == 0 ? 1 : -1);
          block.run(context, top, hints);
          for (int l = 0; l < 7; ++l) {
            alone.clear();
            alone.add(0, program.outputs[size_t(l)], l % 2 == 0 ? 1 : -1);
            alone.run(context, top, {&hints[size_t(l)], 1});
            EXPECT(alone.failed(0) == (l == 5) && block.failed(l) == (l == 5));
            if (l == 5) continue;
            EXPECT(alone.bound(0) == block.bound(l));
            for (uint32_t j = 0; j < 9; ++j) EXPECT(alone.input(0, j) == block.input(l, j));
          }
          block.clear();
        }
      }
    }
  });
  test("derived values are those of the present context after every change and return", [] {
    Model model;
    model.input("x", {1, 2})
        .constant("w", {2, 2}, {1, 2, -3, 4})
        .node("MatMul", {"x", "w"}, "m")
        .node("Relu", {"m"}, "r");
    model.node("MatMul", {"r", "w"}, "y").output("y");
    const checker::Program program = model.lower();
    const std::vector<double> lo(2, -1), hi(2, 1);
    checker::Context context(program, Semantics::float32, lo, hi);
    const auto digest = [](checker::Context& c) {
      std::vector<double> out;
      for (uint32_t o = 1; o < 4; o += 2) {
        const auto& f = c.intervals(o);
        out.insert(out.end(), f.q.begin(), f.q.end());
        out.insert(out.end(), f.lo.begin(), f.lo.end());
      }
      const auto& lines = c.lines(2, {});
      for (const Line& line : lines.line) out.insert(out.end(), {line.s_lo, line.s_hi, line.k_hi});
      return out;
    };
    for (uint32_t i = 0; i < 2; ++i) context.meet(2 + i, -5, 5);
    const auto before = digest(context);
    const size_t mark = context.mark();
    context.enter();
    context.meet(0, 0.5, 2);
    context.meet(3, -1, 6);
    const auto inside = digest(context);
    EXPECT(inside != before);
    checker::Context fresh(program, Semantics::float32, {0.5, -1}, {1, 1});
    fresh.meet(2, -5, 5);
    fresh.meet(3, -1, 5);
    EXPECT(digest(fresh) == inside);
    context.meet(1, 3, 4);
    EXPECT(context.is_empty());
    context.leave(mark);
    EXPECT(!context.is_empty() && digest(context) == before);
  });
}

void certificate_tests() {
  test("a certificate of one sweep is accepted, under both semantics", [] {
    Claim claim = relu_claim();
    const Outcome outcome = build::check(claim);
    EXPECT_NOTE(outcome.result == Outcome::accepted && outcome.leaves == 1 && outcome.nodes == 1, outcome.reason);
    EXPECT(outcome.semantics == "float32" && outcome.model_sha256.size() == 64);
    claim.semantics = Semantics::real;
    EXPECT(accepted(claim));
  });
  test("cases and splits are accepted when every child is closed", [] {
    const Outcome outcome = build::check(split_claim());
    EXPECT_NOTE(outcome.result == Outcome::accepted && outcome.leaves == 3 && outcome.nodes == 5, outcome.reason);
  });
  test("a bound of exactly 0 refutes nothing", [] {
    // The sweep of y = x, x >= 0, y <= 0 ends just below 0; so does every touching property.
    Claim claim = relu_claim();
    claim.property = build::box_property(2, -1, 1, 1, "(>= Y_0 2)");
    EXPECT(rejected(claim));
    claim.semantics = Semantics::real;
    EXPECT(rejected(claim));
    EXPECT(build::check(claim).reason.find("REFUTE: the bound is -") != std::string::npos);
  });
  test("a missing leaf, swapped children and a leaf too many are rejected", [] {
    const Claim claim = split_claim();
    Bytes tree = claim.tree;
    EXPECT(rejected(with_tree(claim, Bytes(tree.begin(), tree.end() - 6))));
    EXPECT(rejected(with_tree(claim, {1, 1, 1, 3, 4, 0, 0, 1, 1, 1, 6, 0, 1, 1, 1, 1, 6, 0, 1, 6, 0, 1})));
    EXPECT(rejected(with_tree(claim, build::join({tree, {6, 0, 0}}))));
    EXPECT(rejected(with_tree(claim, {})));
  });
  test("a tree of 100,000 levels is walked, a deeper one is rejected", [] {
    Claim claim = relu_claim();
    claim.tree = {1, 0, 0};
    for (int level = 1; level < 100'000; ++level) claim.tree.insert(claim.tree.end(), {4, 0, 0});
    EXPECT(build::check(with_tree(claim, build::join({claim.tree, {7}}))).reason.find("not empty") !=
           std::string::npos);
    EXPECT(build::check(with_tree(claim, build::join({claim.tree, {4, 0, 0, 7}}))).reason.find("deeper") !=
           std::string::npos);
  });
  test("PROPAGATE comes first", [] {
    EXPECT(rejected(with_tree(relu_claim(), {6, 0, 0})));
    EXPECT(rejected(with_tree(relu_claim(), {7})));
  });
  test("EMPTY needs a context without points", [] {
    const Claim claim = relu_claim();
    EXPECT(rejected(with_tree(claim, {1, 0, 0, 7})));
    Bytes beyond{1, 0, 0, 4, 0, 1};  // split input 0 at 2: the second child is empty
    build::put_f64(beyond, 2);
    EXPECT(accepted(with_tree(claim, build::join({beyond, {6, 0, 0, 7}}))));
    EXPECT(rejected(with_tree(claim, build::join({beyond, {7, 7}}))));
  });
  test("what is proved in one child does not reach the next", [] {
    // The first child is cut off at -2 (empty), the second is the whole box.
    Claim claim = relu_claim();
    claim.property = build::box_property(2, -1, 1, 1, "(>= Y_0 1)");
    Bytes tree{1, 0, 0, 4, 0, 1};
    build::put_f64(tree, -2);
    EXPECT(rejected(with_tree(claim, build::join({tree, {7, 6, 0, 0}}))));
    EXPECT(rejected(with_tree(claim, build::join({tree, {7, 7}}))));
  });
  test("a split of an element fixes the phase of its relu", [] {
    const Claim claim = split_claim();
    EXPECT(rejected(with_tree(claim, {1, 1, 1, 3, 6, 0, 1, 6, 0, 1})));
    EXPECT(accepted(with_tree(claim, {1, 1, 1, 3, 6, 0, 1, 5, 1, 0, 6, 0, 1, 6, 0, 2})));
    EXPECT(rejected(with_tree(claim, {1, 1, 1, 3, 6, 0, 1, 5, 1, 0, 6, 0, 1, 6, 0, 1})));
    EXPECT(rejected(with_tree(claim, {1, 1, 1, 3, 6, 0, 1, 5, 3, 0, 6, 0, 0, 6, 0, 0})));  // a relu element
    EXPECT(rejected(with_tree(claim, {1, 1, 1, 3, 6, 0, 1, 5, 99, 0, 6, 0, 0, 6, 0, 0})));
  });
  test("explicit slopes, multipliers and combinations are read and used", [] {
    Claim claim = relu_claim();
    EXPECT(accepted(with_tree(claim, {1, 1, 0, 6, 0, 3, 64})));
    EXPECT(rejected(with_tree(claim, {1, 1, 0, 6, 0, 3, 129})));
    EXPECT(rejected(with_tree(claim, {1, 1, 0, 6, 0, 3})));
    EXPECT(rejected(with_tree(claim, {1, 1, 0, 6, 0, 4})));
    Bytes multiplied{1, 1, 0, 6, 0, 0x80, 1, 2};
    build::put_f32(multiplied, 0.01f);
    EXPECT(accepted(with_tree(claim, multiplied)));
    Bytes of_relu{1, 1, 0, 6, 0, 0x80, 1, 3};
    build::put_f32(of_relu, 0.01f);
    EXPECT(rejected(with_tree(claim, of_relu)));
    Bytes zero{1, 1, 0, 6, 0, 0x80, 1, 2};
    build::put_f32(zero, 0);
    EXPECT(rejected(with_tree(claim, zero)));
    for (const double mu : {2.0, 0.5, -1.0, 0.0, double(INFINITY), 0x1p-500}) {
      Bytes combined{1, 1, 0, 6, 1, 1, 0};
      build::put_f64(combined, mu);
      EXPECT(accepted(with_tree(claim, build::join({combined, {0}}))) == (mu == 2.0 || mu == 0.5));
    }
    EXPECT(rejected(with_tree(claim, {1, 1, 0, 6, 1, 0, 0})));
    EXPECT(rejected(with_tree(claim, {1, 1, 0, 6, 2, 0})));
  });
  test("TIGHTEN gives a bound of a neuron with slopes and multipliers of its own", [] {
    const auto with = [](const char* unsafe, Bytes tree, Semantics semantics = Semantics::float32) {
      Claim claim = split_claim();
      claim.property = build::box_property(1, -1, 1, 1, unsafe);
      claim.semantics = semantics;
      return accepted(with_tree(claim, std::move(tree)));
    };
    // By the bound of y alone: the multiplier takes y out of the form.
    const auto refute = [](float beta) {
      Bytes out{6, 0, 0x80, 1, 5};
      build::put_f32(out, beta);
      return out;
    };
    const char *below = "(<= Y_0 -0.3)", *above = "(>= Y_0 0.6)";
    for (const Semantics semantics : {Semantics::real, Semantics::float32}) {
      EXPECT(!with(below, build::join({{1, 0, 0}, refute(1)}), semantics));
      EXPECT(with(below, build::join({{1, 0, 0, 9, 3, 1, 0, 3, 32, 32}, refute(1)}), semantics));
      EXPECT(!with("(<= Y_0 -0.2499)", build::join({{1, 0, 0, 9, 3, 1, 0, 3, 32, 32}, refute(1)}), semantics));
      EXPECT(with(above, build::join({{1, 0, 0, 9, 3, 1, 1, 2}, refute(-1)}), semantics));
      EXPECT(!with("(>= Y_0 0.4999)", build::join({{1, 0, 0, 9, 3, 1, 1, 2}, refute(-1)}), semantics));
    }
    // The other side, other slopes, another rule; both sides at once; a looser bound before and after.
    EXPECT(!with(below, build::join({{1, 0, 0, 9, 3, 1, 1, 3, 32, 32}, refute(1)})));
    EXPECT(!with(below, build::join({{1, 0, 0, 9, 3, 1, 0, 3, 0, 32}, refute(1)})));
    EXPECT(!with(above, build::join({{1, 0, 0, 9, 3, 1, 1, 1}, refute(-1)})));
    EXPECT(with(above, build::join({{1, 0, 0, 9, 3, 2, 0, 0, 1, 2}, refute(-1)})));
    EXPECT(with(above, build::join({{1, 0, 0, 9, 3, 1, 1, 1, 9, 3, 1, 1, 2}, refute(-1)})));
    EXPECT(with(above, build::join({{1, 0, 0, 9, 3, 1, 1, 2, 9, 3, 1, 1, 1}, refute(-1)})));
    // What a child gives is forgotten when it is left.
    EXPECT(with(above, build::join({{1, 0, 0, 9, 3, 1, 1, 2, 4, 0, 0}, refute(-1), refute(-1)})));
    EXPECT(!with(above, build::join({{1, 0, 0, 4, 0, 0, 9, 3, 1, 1, 2}, refute(-1), refute(-1)})));
    EXPECT(accepted(build::tight_claim()));
  });
  test("all sweeps of a TIGHTEN are of the context before it", [] {
    Claim claim = split_claim();
    // Of the two outputs of an operator, the second is bounded by a multiplier of the first.
    Model model;
    model.input("x", {1}).constant("w", {1, 2}, {1, 0.5f}).constant("v", {2, 2}, {1, 1, -1, -1});
    claim.model = model.node("MatMul", {"x", "w"}, "m")
                      .node("Relu", {"m"}, "r")
                      .node("MatMul", {"r", "v"}, "y")
                      .output("y")
                      .bytes();
    claim.property = build::box_property(1, -1, 1, 2, "(>= Y_1 0.6)");
    const auto tree = [](bool together, int slope_rule) {
      Bytes out{1, 0, 0, 9, 3, uint8_t(together ? 2 : 1), 1, uint8_t(slope_rule)};
      if (!together) out.insert(out.end(), {9, 3, 1});
      out.insert(out.end(), {uint8_t(together ? 2 : 3), 0x82, 1, 5});
      build::put_f32(out, -1);
      out.insert(out.end(), {6, 0, 0x80, 1, 6});
      build::put_f32(out, -1);
      return out;
    };
    // Without the first bound the multiplier says y_1 = y_0 + (y_1 - y_0) <= 1.
    EXPECT(rejected(with_tree(claim, tree(true, 2))));
    EXPECT(accepted(with_tree(claim, tree(false, 2))));
    EXPECT(rejected(with_tree(claim, tree(false, 1))));
  });
  test("TIGHTEN that is malformed or refers to nothing is rejected", [] {
    const Claim claim = build::tight_claim();
    const auto says = [&](Bytes tree, const char* reason) {
      const std::string said = build::check(with_tree(claim, std::move(tree))).reason;
      EXPECT_NOTE(said.find(reason) != std::string::npos, said);
    };
    says({9, 3, 1, 0, 0, 1, 0, 0, 3}, "not PROPAGATE");
    says({1, 0, 0, 9, 4, 1, 0, 0, 3}, "operator 4 of 4");
    for (const uint8_t o : {0, 2}) says({1, 0, 0, 9, o, 1, 0, 0, 3}, "not affine");
    says({1, 0, 0, 9, 3, 0, 3}, "without a bound");
    says({1, 0, 0, 9, 3, 1, 2, 0, 3}, "bound 2 of 2");
    says({1, 0, 0, 9, 3, 2, 1, 0, 0, 0, 3}, "increasing order");
    says({1, 0, 0, 9, 3, 2, 1, 0, 1, 0, 3}, "bound 1 of 1");
    says({1, 0, 0, 9, 3, 1, 0, 4, 3}, "slope specification 4");
    says({1, 0, 0, 9, 3, 1, 0, 3, 32, 129, 3}, "slope 129");
    says({1, 0, 0, 9, 3, 1, 0, 3, 32}, "ends after");
    says({1, 0, 0, 9, 1, 1, 0, 3, 32, 32, 3}, "unknown instruction 32");  // no relu below
    says({1, 0, 0, 9, 3, 1, 0, 0x80, 0, 3}, "no multipliers");
    says({1, 0, 0, 9, 1, 1, 0, 0x80, 1, 5, 0, 0, 0x80, 0x3f, 3}, "element 5 of 3");
    says({1, 0, 0, 9, 3, 1, 0, 0x80, 1, 4, 0, 0, 0x80, 0x3f, 3}, "not affine");
    says({1, 0, 0, 9, 3, 1, 0, 0x80, 1, 1, 0, 0, 0, 0, 3}, "multiplier of 0");
    says({1, 0, 0, 9, 3, 1, 0, 0x80, 1, 1, 0, 0, 0x80, 0x7f, 3}, "not finite");
    says({1, 0, 0, 9, 3, 200, 1, 0, 0, 1, 0}, "ends after");
  });
  test("CLIP cuts the inputs to where the property can be violated", [] {
    // Relu(x0 + x1) >= 1.5 needs x0 >= 0.5; a box below that is then empty.
    Claim claim = relu_claim();
    claim.property = build::box_property(2, -1, 1, 1, "(and (>= Y_0 1.5) (<= X_0 0.4))");
    EXPECT(accepted(with_tree(claim, {1, 1, 2, 6, 0, 2})));
    claim = build::clip_claim();
    EXPECT(rejected(with_tree(claim, {1, 1, 1, 6, 0, 1})));
    EXPECT(rejected(with_tree(claim, {1, 1, 1, 6, 1, 1})));
    EXPECT(rejected(with_tree(claim, {1, 1, 1, 2, 0, 1, 7})));
    EXPECT(accepted(claim));
  });
  test("REFUTE and CLIP need one active disjunct", [] {
    EXPECT(rejected(with_tree(split_claim(), {1, 1, 0, 6, 0, 0})));
    EXPECT(rejected(with_tree(split_claim(), {1, 1, 0, 2, 0, 0})));
  });
  test("coefficients that meet in one element are charged for every addition", [] {
    // Every Y is x = 1. Each coefficient -2^-54 is lost when it is added to 1 in binary64; in truth their sum decides.
    for (const int copies : {9, 200, 4001}) {
      Model model;
      model.input("x", {1});
      model.node("Concat", std::vector<std::string>(size_t(copies), "x"), "y", {build::int_attribute("axis", 0)});
      model.output("y");
      std::string sum = "(+ Y_0";
      for (int k = 1; k < copies; ++k) sum += " (* -5.551115123125783e-17 Y_" + std::to_string(k) + ")";
      const double truth = 1 - (copies - 1) * 0x1p-54;
      const std::string property =
          build::box_property(1, 1, 1, copies, "(<= " + sum + ") " + checker::number(truth + 0x1p-53) + ")");
      for (const Semantics semantics : {Semantics::real, Semantics::float32}) {
        EXPECT(rejected({model.bytes(), property, semantics, {1, 0, 0, 6, 0, 0}}));
      }
    }
  });
  test("a network that may overflow proves nothing under either semantics", [] {
    Model model;
    model.input("x", {1}).constant("w", {1, 1}, {0x1p120f}).node("MatMul", {"x", "w"}, "y").output("y");
    Claim claim{
        model.bytes(), build::box_property(1, 0, 100, 1, "(<= Y_0 -1e33)"), Semantics::float32, {1, 0, 0, 6, 0, 0}};
    EXPECT(accepted(claim));
    claim.property = build::box_property(1, 0, 200, 1, "(<= Y_0 -1e33)");
    EXPECT(build::check(claim).reason.find("overflow") != std::string::npos);
    claim.semantics = Semantics::real;
    EXPECT(rejected(claim));
  });
  test("the sum of a softmax group is 1 up to the error of its size, and no closer", [] {
    for (const int64_t n : {1, 2, 10, 1000}) {
      Model model;
      model.input("x", {1, n}).node("Softmax", {"x"}, "y").output("y");
      std::string sum = "Y_0";
      for (int64_t k = 1; k < n; ++k) sum += " Y_" + std::to_string(k);
      if (n > 1) sum = "(+ " + sum + ")";
      const double t = checker::softmax_error(double(n), Semantics::float32);
      for (const double share : {-1.01, -0.99, 0.99, 1.01}) {
        const std::string unsafe =
            std::string(share < 0 ? "(<= " : "(>= ") + sum + " " + checker::number(1 + share * t) + ")";
        Claim claim{model.bytes(), build::box_property(int(n), -90, 90, int(n), unsafe), Semantics::float32, {}};
        claim.tree = {1, 1, 0, 6, 0, 0};
        EXPECT(accepted(claim) == (std::fabs(share) > 1));
        claim.semantics = Semantics::real;
        EXPECT(accepted(claim));
      }
    }
  });
  test("a softmax element is between 0 and 1, and nothing else is known of it alone", [] {
    const auto claims = [](const char* unsafe) {
      Claim claim = build::softmax_claim();
      claim.property = build::box_property(2, -1, 1, 2, unsafe);
      return accepted(with_tree(claim, {1, 1, 0, 6, 0, 0}));
    };
    EXPECT(claims("(<= Y_0 -1e-9)") && claims("(>= Y_0 1.00001)"));
    EXPECT(!claims("(<= Y_0 0)") && !claims("(<= Y_0 1e-9)") && !claims("(>= Y_0 0.999)"));
    EXPECT(!claims("(<= Y_1 0)") && !claims("(<= Y_1 1e-9)") && !claims("(>= Y_1 0.999)"));
    EXPECT(claims("(>= (- Y_0 Y_1) 1.00001)") && !claims("(>= (- Y_0 Y_1) 0.999)"));
    EXPECT(claims("(>= (+ (* 2 Y_0) Y_1) 2.00001)") && !claims("(>= (+ (* 2 Y_0) Y_1) 1.999)"));
    EXPECT(claims("(<= (+ (* 2 Y_0) Y_1) 0.9999)") && !claims("(<= (+ (* 2 Y_0) Y_1) 1.001)"));
    EXPECT(claims("(<= (- X_0 (* -1 Y_0) (* -1 Y_1)) -0.00001)") && !claims("(<= (+ X_0 Y_0) -0.5)"));
  });
  test("softmax groups are those of the axis and of the operator set", [] {
    // Y is the 2 x 2 output, row-major.
    const auto sums_to_one = [](int64_t opset, std::vector<build::Message> attributes, const char* sum) {
      Model model;
      model.opset = opset;
      model.input("x", {1, 2, 2}).node("Softmax", {"x"}, "y", std::move(attributes)).output("y");
      const std::string unsafe = "(or (>= " + std::string(sum) + " 1.001) (<= " + sum + " 0.999))";
      return accepted({model.bytes(),
                       build::box_property(4, -1, 1, 4, unsafe),
                       Semantics::float32,
                       {1, 1, 0, 3, 6, 0, 0, 6, 0, 0}});
    };
    const char *row = "(+ Y_2 Y_3)", *column = "(+ Y_1 Y_3)", *diagonal = "(+ Y_0 Y_3)", *all = "(+ Y_0 Y_1 Y_2 Y_3)";
    const auto axis = [](int64_t at) { return std::vector{build::int_attribute("axis", at)}; };
    struct Case {
      int64_t opset;
      std::vector<build::Message> attributes;
      const char* sum;
    };
    const Case cases[] = {{13, {}, row},         {21, {}, row},          {13, axis(-1), row}, {13, axis(2), row},
                          {13, axis(1), column}, {13, axis(-2), column}, {12, {}, all},       {12, axis(1), all},
                          {12, axis(-2), all},   {7, axis(0), all},      {12, axis(2), row},  {11, axis(-1), row}};
    for (const Case& c : cases) {
      for (const char* sum : {row, column, diagonal, all}) {
        EXPECT(sums_to_one(c.opset, c.attributes, sum) == (sum == c.sum));
      }
    }
  });
  test("softmax is read by sums, by softmax, and twice, and counts as often as it is read", [] {
    Model model;
    model.input("x", {1, 2}).node("Softmax", {"x"}, "s").node("Softmax", {"s"}, "t");
    model.constant("w", {2, 1}, {1, 3}).node("MatMul", {"t", "w"}, "m");  // between 1 and 3
    model.node("Concat", {"m", "s", "s"}, "y", {build::int_attribute("axis", 1)}).output("y");
    const auto claims = [&](const char* unsafe) {
      Claim claim{model.bytes(), build::box_property(2, -5, 5, 5, unsafe), Semantics::float32, {1, 1, 0, 6, 0, 0}};
      const bool single = accepted(claim);
      claim.semantics = Semantics::real;
      EXPECT(accepted(claim) == single);
      return single;
    };
    EXPECT(claims("(<= Y_0 0.999)") && claims("(>= Y_0 3.001)"));
    EXPECT(!claims("(<= Y_0 1.001)") && !claims("(>= Y_0 2.999)"));
    EXPECT(claims("(>= (+ Y_1 Y_2 Y_3) 2.001)") && !claims("(>= (+ Y_1 Y_2 Y_3) 1.999)"));
    EXPECT(claims("(>= (+ Y_1 Y_2 Y_3 Y_4) 2.001)") && claims("(<= (+ Y_1 Y_2 Y_3 Y_4) 1.999)"));
    EXPECT(!claims("(>= (+ Y_1 Y_2 Y_3 Y_4) 1.5)"));
  });
  test("logits that may overflow prove nothing about their softmax", [] {
    Claim claim = build::softmax_claim();
    Model model;
    model.input("x", {1, 2}).constant("w", {2, 2}, {3e38f, 0, 3e38f, 1}).node("MatMul", {"x", "w"}, "m");
    claim.model = model.node("Softmax", {"m"}, "y").output("y").bytes();
    for (const Semantics semantics : {Semantics::real, Semantics::float32}) {
      claim.semantics = semantics;
      EXPECT(build::check(claim).reason.find("overflow") != std::string::npos);
    }
  });
  test("a softmax element takes no split, no multiplier and no slope byte", [] {
    const Claim claim = build::softmax_claim();
    EXPECT(accepted(claim));
    EXPECT(rejected(with_tree(claim, {1, 1, 0, 5, 4, 0, 3, 6, 0, 0, 6, 0, 0, 6, 0, 0, 3, 6, 0, 0, 6, 0, 0, 6, 0, 0})));
    EXPECT(rejected(with_tree(claim, {1, 2, 0, 1, 2, 3, 6, 0, 0, 6, 0, 0, 6, 0, 0})));
    EXPECT(accepted(with_tree(claim, {1, 1, 0, 3, 6, 0, 3, 6, 0, 3, 6, 0, 3})));
    EXPECT(rejected(with_tree(claim, {1, 1, 0, 3, 6, 0, 3, 64, 6, 0, 3, 6, 0, 3})));
    Bytes multiplied{1, 1, 0, 3, 6, 0, 0x80, 1, 4};
    build::put_f32(multiplied, 0.01f);
    EXPECT(rejected(with_tree(claim, build::join({multiplied, {6, 0, 0, 6, 0, 0}}))));
  });
  test("a property without disjuncts has an empty tree", [] {
    Claim claim = relu_claim();
    claim.property = build::box_property(2, -1, 1, 1, "(>= 0 1)");
    EXPECT(accepted(with_tree(claim, {})));
    EXPECT(rejected(with_tree(claim, {1, 0, 0})));
  });
  test("float32 charges more than real", [] {
    Model model;
    model.input("x", {1}).constant("w", {1, 1}, {0.1f}).node("MatMul", {"x", "w"}, "y").output("y");
    const std::string above = checker::number(double(0.1f) * 0.5 * (1 + 1e-12));
    Claim claim{model.bytes(),
                build::box_property(1, 0, 0.5, 1, "(>= Y_0 " + above + ")"),
                Semantics::real,
                {1, 0, 0, 6, 0, 0}};
    EXPECT(accepted(claim));
    claim.semantics = Semantics::float32;
    EXPECT(rejected(claim));
  });
  test("bounds have the bits that a plain reading of the specification gives", [] {
    const auto bound = [](Semantics semantics, Bytes tree) {
      const std::string reason = build::check(with_tree(rich_claim(semantics), std::move(tree))).reason;
      const size_t at = reason.find("the bound is ");
      return at == std::string::npos ? reason : reason.substr(at + 13, reason.find(',', at) - at - 13);
    };
    for (const auto& [semantics, tree, expected] : rich_bounds())
      EXPECT_NOTE(bound(semantics, tree) == expected, bound(semantics, tree));
  });
}

void tampering_tests() {
  const Claim claim = split_claim();
  const Bytes good = build::certificate(claim);
  test("the untouched certificate is accepted", [&] { EXPECT(build::check(claim, good).result == Outcome::accepted); });
  test("every truncation and every extension is rejected", [&] {
    for (size_t size = 0; size < good.size(); ++size) {
      const Bytes cut(good.begin(), good.begin() + std::ptrdiff_t(size));
      EXPECT(build::check(claim, cut).result == Outcome::rejected);
    }
    EXPECT(build::check(claim, build::join({good, {0}})).result == Outcome::rejected);
  });
  test("a flipped bit in the header is rejected, one in the tree is rejected or proves the claim anew", [&] {
    for (size_t bit = 0; bit < good.size() * 8; ++bit) {
      Bytes bytes = good;
      bytes[bit / 8] ^= uint8_t(1 << bit % 8);
      const auto result = build::check(claim, bytes).result;
      const bool semantics_bit = bit == 64;  // float32 becomes real: another claim, which holds too
      EXPECT(result == Outcome::rejected || semantics_bit || bit / 8 >= good.size() - claim.tree.size());
    }
  });
  test("no single byte makes a false claim pass", [] {
    Claim wrong = false_claim();
    const Bytes base = build::certificate(wrong);
    for (size_t at = base.size() - wrong.tree.size(); at < base.size(); ++at) {
      for (int value = 0; value < 256; ++value) {
        Bytes bytes = base;
        bytes[at] = uint8_t(value);
        EXPECT(build::check(wrong, bytes).result == Outcome::rejected);
      }
    }
  });
  test("random trees of a false claim are rejected", [] {
    Claim wrong = false_claim();
    std::mt19937 random(3);
    for (int n = 0; n < 20'000; ++n) {
      wrong.tree = {1, uint8_t(random() % 2), uint8_t(random() % 3), 3};
      while (wrong.tree.size() < 40) {
        switch (random() % 7) {
          case 6: {
            Bytes spec{uint8_t(random() % 3)};
            if (random() % 2 == 0) {
              spec = {uint8_t(spec[0] | 0x80), 1, uint8_t(1 + random() % 2)};
              build::put_f32(spec, float(random()) * 0x1p-31f - 1);
            }
            wrong.tree.insert(wrong.tree.end(), {9, 3, 1, uint8_t(random() % 2)});
            wrong.tree.insert(wrong.tree.end(), spec.begin(), spec.end());
            break;
          }
          case 0:
            wrong.tree.insert(wrong.tree.end(), {1, 1, uint8_t(random() % 3)});
            break;
          case 1:
            wrong.tree.insert(wrong.tree.end(), {2, 0, uint8_t(random() % 3)});
            break;
          case 2:
            wrong.tree.insert(wrong.tree.end(), {4, 0, 0});
            break;
          case 3:
            wrong.tree.insert(wrong.tree.end(), {5, uint8_t(1 + random() % 2), 0});
            break;
          case 4:
            wrong.tree.insert(wrong.tree.end(), {6, 0, uint8_t(random() % 3)});
            break;
          case 5:
            wrong.tree.push_back(7);
            break;
        }
      }
      if (n % 100 != 0) {  // most of them end where the tree does
        const Outcome outcome = build::check(wrong);
        EXPECT(outcome.result == Outcome::rejected);
      }
    }
  });
  test("another model, another property or another semantics is rejected", [&] {
    Claim other = relu_claim();
    EXPECT(build::check(other, good).reason.find("sha256 of the model") != std::string::npos);
    other = claim;
    other.property += "\n";
    EXPECT(build::check(other, good).reason.find("sha256 of the property") != std::string::npos);
  });
  test("a model or property at fault is an error, but only when it is the one that is claimed", [&] {
    Claim broken = claim;
    broken.property = "(assert (<= Y_0 1))";
    EXPECT(build::check(broken, good).result == Outcome::rejected);
    Bytes bytes = good;
    const auto digest =
        checker::sha256({reinterpret_cast<const uint8_t*>(broken.property.data()), broken.property.size()});
    std::copy(digest.begin(), digest.end(), bytes.begin() + 41);
    const Outcome outcome = build::check(broken, bytes);
    EXPECT(outcome.result == Outcome::error && outcome.reason.starts_with("property: "));
  });
}
