// The bound engine against executions: every bound of random programs holds at every sampled execution that is in
// scope.
//
// Real executions are exact rationals, binary32 ones are random covered evaluations. Numbers reach from 1e-30 to 1e30.
#include <gtest/gtest.h>

#include "bounds/sweep.h"
#include "generator.h"
#include "verify/strategy.h"
#include "workbench.h"

namespace axiom::soundness {
namespace {

// A random core program and the scalars that it stands for; element e is scalar e.
struct Subject {
  Program program;
  Meaning meaning;
};

class SubjectMaker {
 public:
  explicit SubjectMaker(Random& random) : draw_{random}, scale_(std::ldexp(1.0, draw_.integer(-30, 30))) {}

  Subject make() {
    const int inputs = draw_.integer(1, 4);
    append({.kind = CoreKind::kInput, .count = static_cast<uint32_t>(inputs)},
           std::vector<Scalar>(static_cast<size_t>(inputs)));
    subject_.program.input_count = static_cast<uint32_t>(inputs);
    subject_.meaning.input_count = inputs;
    const int layers = draw_.integer(2, 6);
    for (int i = 0; i < layers; ++i) {
      add_affine();
      if (draw_.chance(0.15)) add_constant();
      const int kind = draw_.integer(0, 12);
      if (kind <= 3) add_hinges(kind);
      if (kind == 4) add_maxima();
      if (kind == 5) add_curves();
      if (kind == 6) add_softmax();
      if (kind == 8 || kind == 9) add_products();
      if (kind >= 10) add_smooth();
    }
    add_affine();
    const CoreOp& last = subject_.program.ops.back();
    for (uint32_t i = 0; i < last.count; ++i) {
      subject_.program.outputs.push_back(last.first + i);
      subject_.meaning.outputs.push_back(static_cast<int>(last.first + i));
    }
    mark_sharp(subject_.meaning);
    return std::move(subject_);
  }

 private:
  uint32_t size() const { return subject_.program.element_count; }
  ElementId recent() {
    const int first = draw_.chance(0.2) ? 0 : std::max(0, static_cast<int>(size()) - 6);
    return static_cast<ElementId>(draw_.integer(first, static_cast<int>(size()) - 1));
  }

  void append(CoreOp op, std::vector<Scalar> scalars) {
    op.first = size();
    subject_.program.element_count += op.count;
    subject_.program.ops.push_back(std::move(op));
    for (Scalar& scalar : scalars) subject_.meaning.scalars.push_back(std::move(scalar));
  }

  // Rows over recent elements; dense ones read a contiguous range, others repeat and skip elements.
  void add_affine() {
    CoreOp op{.kind = CoreKind::kAffine, .count = static_cast<uint32_t>(draw_.integer(1, 5))};
    const bool dense = draw_.chance(0.5);
    const ElementId first = size() > 4 && dense ? size() - 4 : 0;
    const double size_here = draw_.chance(0.3) ? std::ldexp(1.0, draw_.integer(-12, 12)) : 1;
    std::vector<Scalar> scalars;
    for (uint32_t i = 0; i < op.count; ++i) {
      Scalar scalar{.kind = ScalarKind::kSum};
      const int terms = dense ? static_cast<int>(size() - first) : draw_.integer(0, 5);
      for (int t = 0; t < terms; ++t) {
        const ElementId e = dense ? first + static_cast<ElementId>(t) : recent();
        float w = static_cast<float>(size_here * draw_.weight(draw_.chance(0.5) ? Weights::kCoarse : Weights::kFloats));
        if (w == 0) w = 0x1p-100f;
        scalar.leaves.push_back({static_cast<int>(e), w, true});
        op.rows.column.push_back(e);
        op.rows.weight.push_back(w);
      }
      const auto b = static_cast<float>(scale_ * draw_.uniform(-1, 1));
      scalar.constants = {b};
      op.rows.begin.push_back(op.rows.column.size());
      op.bias.push_back(b);
      op.magnitude.push_back(std::fabs(b));
      op.gamma.push_back(terms + 2);
      op.underflow.push_back(2 * terms + 3);
      scalars.push_back(std::move(scalar));
    }
    append(std::move(op), std::move(scalars));
  }

  void add_constant() {
    CoreOp op{.kind = CoreKind::kConstant, .count = 2};
    std::vector<Scalar> scalars;
    for (uint32_t i = 0; i < op.count; ++i) {
      const auto v = static_cast<float>(scale_ * draw_.uniform(-1, 1));
      op.constant.push_back(v);
      scalars.push_back({.kind = ScalarKind::kConstant, .value = v});
    }
    append(std::move(op), std::move(scalars));
  }

  void add_unary(UnaryKind unary, ScalarKind kind, float alpha) {
    CoreOp op{.kind = CoreKind::kUnary, .unary = unary, .alpha = alpha};
    std::vector<Scalar> scalars;
    const CoreOp& before = subject_.program.ops.back();
    for (uint32_t i = 0; i < before.count; ++i) {
      const ElementId source = draw_.chance(0.9) ? before.first + i : recent();
      op.source.push_back(source);
      scalars.push_back({.kind = kind, .sources = {static_cast<int>(source)}, .value = alpha});
    }
    op.count = static_cast<uint32_t>(op.source.size());
    append(std::move(op), std::move(scalars));
  }

  void add_hinges(int kind) {
    if (kind < 3) return add_unary(UnaryKind::kRelu, ScalarKind::kRelu, 0);
    const float slopes[] = {0.01f, 0.3f, 0.0f, 1.0f};
    add_unary(UnaryKind::kLeakyRelu, ScalarKind::kLeakyRelu, slopes[draw_.integer(0, 3)]);
  }

  void add_curves() {
    const bool sigmoid = draw_.chance(0.5);
    add_unary(sigmoid ? UnaryKind::kSigmoid : UnaryKind::kTanh, sigmoid ? ScalarKind::kSigmoid : ScalarKind::kTanh, 0);
    subject_.meaning.piecewise_linear = false;
  }

  // Sine and cosine of anything; the others of what is in their domain.
  void add_smooth() {
    const int kind = draw_.integer(0, 4);
    if (kind == 0) add_unary(UnaryKind::kSin, ScalarKind::kSin, 0);
    if (kind == 1) add_unary(UnaryKind::kCos, ScalarKind::kCos, 0);
    if (kind >= 2) {
      add_curves();
      add_rows_of_one(kind == 2 ? 8 : 1, kind == 2 ? 0 : draw_.chance(0.3) ? 1.01f : 1.5f);
      UnaryKind unary = UnaryKind::kExp;
      if (kind > 2) unary = kind == 3 ? UnaryKind::kReciprocal : UnaryKind::kSqrt;
      add_all(unary, kind == 2 ? ScalarKind::kExp : kind == 3 ? ScalarKind::kReciprocal : ScalarKind::kSqrt);
    }
    subject_.meaning.piecewise_linear = false;
  }

  // weight * y + bias for each element of the last operator.
  void add_rows_of_one(float weight, float bias) {
    const CoreOp before = subject_.program.ops.back();
    CoreOp op{.kind = CoreKind::kAffine, .count = before.count};
    std::vector<Scalar> scalars;
    for (uint32_t i = 0; i < before.count; ++i) {
      op.rows.column.push_back(before.first + i);
      op.rows.weight.push_back(weight);
      op.rows.begin.push_back(i + 1);
      op.bias.push_back(bias);
      op.magnitude.push_back(bias);
      op.gamma.push_back(3);
      op.underflow.push_back(5);
      scalars.push_back({.kind = ScalarKind::kSum,
                         .leaves = {{static_cast<int>(before.first + i), weight, true}},
                         .constants = {bias}});
    }
    append(std::move(op), std::move(scalars));
  }

  void add_all(UnaryKind unary, ScalarKind kind) {
    const CoreOp before = subject_.program.ops.back();
    CoreOp op{.kind = CoreKind::kUnary, .count = before.count, .unary = unary};
    std::vector<Scalar> scalars;
    for (uint32_t i = 0; i < before.count; ++i) {
      op.source.push_back(before.first + i);
      scalars.push_back({.kind = kind, .sources = {static_cast<int>(before.first + i)}});
    }
    append(std::move(op), std::move(scalars));
  }

  void add_products() {
    CoreOp op{.kind = CoreKind::kProduct, .count = static_cast<uint32_t>(draw_.integer(1, 4))};
    std::vector<Scalar> scalars;
    for (uint32_t i = 0; i < op.count; ++i) {
      const ElementId x = recent(), y = draw_.chance(0.3) ? x : recent();
      op.source.push_back(x);
      op.source.push_back(y);
      scalars.push_back({.kind = ScalarKind::kProduct, .sources = {static_cast<int>(x), static_cast<int>(y)}});
    }
    append(std::move(op), std::move(scalars));
    subject_.meaning.piecewise_linear = false;
  }

  void add_softmax() {
    CoreOp op{.kind = CoreKind::kSoftmax, .window_begin = {0}};
    std::vector<Scalar> scalars;
    const int groups = draw_.integer(1, 3);
    for (int g = 0; g < groups; ++g) {
      Scalar scalar{.kind = ScalarKind::kSoftmax};
      const int length = draw_.integer(1, 4);
      for (int t = 0; t < length; ++t) {
        op.source.push_back(recent());
        scalar.sources.push_back(static_cast<int>(op.source.back()));
      }
      op.window_begin.push_back(static_cast<uint32_t>(op.source.size()));
      for (scalar.own = 0; scalar.own < scalar.sources.size(); ++scalar.own) scalars.push_back(scalar);
    }
    op.count = static_cast<uint32_t>(op.source.size());
    append(std::move(op), std::move(scalars));
    subject_.meaning.piecewise_linear = false;
  }

  void add_maxima() {
    CoreOp op{.kind = CoreKind::kMaxPool, .count = static_cast<uint32_t>(draw_.integer(1, 3))};
    op.window_begin = {0};
    std::vector<Scalar> scalars;
    for (uint32_t i = 0; i < op.count; ++i) {
      Scalar scalar{.kind = ScalarKind::kMax};
      const int window = draw_.integer(1, 4);
      for (int t = 0; t < window; ++t) {
        op.source.push_back(recent());
        scalar.sources.push_back(static_cast<int>(op.source.back()));
      }
      op.window_begin.push_back(static_cast<uint32_t>(op.source.size()));
      scalars.push_back(std::move(scalar));
    }
    append(std::move(op), std::move(scalars));
  }

  Draw draw_;
  double scale_;
  Subject subject_;
};

// Ends of a box over doubles: wide, a point, neighbours, subnormal, around zero.
std::pair<double, double> random_side(Draw& draw, bool floats) {
  const double size = std::pow(10.0, draw.uniform(-30, 30)), centre = draw.uniform(-1, 1) * size;
  double lo = centre, hi = centre;
  switch (draw.integer(0, 5)) {
    case 0:
      break;
    case 1:
      hi = floats ? std::nextafterf(static_cast<float>(centre), INFINITY) : std::nextafter(centre, INFINITY);
      break;
    case 2:
      lo = -0x1p-140, hi = 0x1p-135;
      break;
    case 3:
      lo = centre - 1e-9 * size, hi = centre + 1e-9 * size;
      break;
    default:
      lo = centre - size, hi = centre + size;
  }
  if (floats) lo = static_cast<float>(lo), hi = static_cast<float>(hi);
  return {std::min(lo, hi), std::max(lo, hi)};
}

// All values of one execution, as exact as its kind allows. `slack` is what long double may be wrong by, relative to
// the values.
struct Execution {
  std::vector<Rational> values;
  double slack = 0;
};

// How much a relative error of the argument of a sine, cosine or exponential grows.
double condition(const Meaning& meaning, const std::vector<long double>& values) {
  long double greatest = 1;
  for (size_t i = static_cast<size_t>(meaning.input_count); i < meaning.scalars.size(); ++i) {
    const Scalar& scalar = meaning.scalars[i];
    if (scalar.sources.empty()) continue;
    const long double x = fabsl(values[static_cast<size_t>(scalar.sources[0])]), y = fabsl(values[i]);
    if (scalar.kind == ScalarKind::kExp) greatest = std::max(greatest, x);
    if (scalar.kind == ScalarKind::kSin || scalar.kind == ScalarKind::kCos)
      greatest = std::max(greatest, x / std::max(y, 1e-30L));
  }
  return static_cast<double>(greatest);
}

class Executions {
 public:
  Executions(const Subject& subject, Semantics semantics, const std::vector<double>& lo, const std::vector<double>& hi,
             Random& random) {
    Draw draw{random};
    for (int s = 0; s < 40; ++s) {
      std::vector<double> x;
      for (size_t j = 0; j < lo.size(); ++j) {
        const double share = s % 3 == 0 ? draw.integer(0, 1) : draw.uniform(0, 1);
        double v = share == 1 ? hi[j] : std::clamp(lo[j] + share * (hi[j] - lo[j]), lo[j], hi[j]);
        if (semantics == Semantics::kFloat32) v = std::clamp(static_cast<double>(static_cast<float>(v)), lo[j], hi[j]);
        x.push_back(v);
      }
      if (semantics == Semantics::kFloat32) {
        const std::vector<float> values =
            evaluate_somehow(subject.meaning, std::vector<float>(x.begin(), x.end()), random);
        if (std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); }))
          list.push_back({as_rationals(values), 0});
        else
          overflowed = true;
      } else if (subject.meaning.piecewise_linear) {
        list.push_back({evaluate_exactly(subject.meaning, as_rationals(x)), 0});
      } else {
        const auto values = evaluate_widely(subject.meaning, std::vector<long double>(x.begin(), x.end()));
        Execution execution{{}, 1e-14 * condition(subject.meaning, values)};
        for (const long double v : values) execution.values.emplace_back(static_cast<double>(v));
        list.push_back(std::move(execution));
      }
    }
  }
  std::vector<Execution> list;
  bool overflowed = false;
};

// lo <= v <= hi, where infinite ends say nothing.
bool within(const Rational& v, double lo, double hi, double slack) {
  const double room = slack * std::max({std::fabs(v.get_d()), 1e-30});
  return (!std::isfinite(lo) || v >= Rational(lo) - Rational(room)) &&
         (!std::isfinite(hi) || v <= Rational(hi) + Rational(room));
}

bool in_scope(const BoundContext& context, const Execution& execution) {
  for (const ElementId e : context.stored_elements()) {
    if (!within(execution.values[e], context.lo(e), context.hi(e), 0)) return false;
  }
  return true;
}

void expect_bounds_hold(const BoundContext& context, const std::vector<Execution>& executions,
                        const std::vector<uint8_t>& scope) {
  for (size_t k = 0; k < executions.size(); ++k) {
    if (!scope[k]) continue;
    for (ElementId e = 0; e < executions[k].values.size(); ++e) {
      ASSERT_TRUE(within(executions[k].values[e], context.lo(e), context.hi(e), executions[k].slack))
          << "element " << e << ": " << executions[k].values[e].get_d() << " not in [" << context.lo(e) << ", "
          << context.hi(e) << "]";
    }
  }
}

SlopeSpec random_slopes(const BoundContext& context, Draw& draw) {
  SlopeSpec spec;
  spec.rule = static_cast<SlopeRule>(draw.integer(0, 3));
  for (const CoreOp& op : context.program().program.ops) {
    const bool hinge =
        op.kind == CoreKind::kUnary && (op.unary == UnaryKind::kRelu || op.unary == UnaryKind::kLeakyRelu);
    for (uint32_t i = 0; i < op.count; ++i) {
      if (hinge && spec.rule == SlopeRule::kExplicit && context.lo(op.source[i]) < 0 && context.hi(op.source[i]) > 0) {
        spec.bytes.push_back(static_cast<uint8_t>(draw.integer(0, 128)));
      }
      if (op.kind == CoreKind::kAffine && draw.chance(0.2)) {
        spec.multipliers.push_back(
            {op.first + i, std::ldexp(static_cast<float>(draw.uniform(-1, 1)), draw.integer(-20, 10))});
      }
    }
  }
  return spec;
}

// The value of a linear form at an execution, and the sum of its absolute parts.
std::pair<Rational, double> form_at(const NumericConstraint& form, const Execution& execution) {
  Rational sum = -Rational(form.bound);
  double size = std::fabs(form.bound);
  for (const auto& [e, t] : form.terms) {
    sum += Rational(t) * execution.values[e];
    size += std::fabs(t * execution.values[e].get_d());
  }
  return {sum, size};
}

NumericConstraint random_form(const Subject& subject, const std::vector<Execution>& executions, Draw& draw) {
  NumericConstraint form;
  const int terms = draw.integer(1, 3);
  for (int t = 0; t < terms; ++t) {
    const bool input = draw.chance(0.2);
    const auto& outputs = subject.program.outputs;
    const ElementId e = input
                            ? static_cast<ElementId>(draw.integer(0, static_cast<int>(subject.program.input_count) - 1))
                            : outputs[static_cast<size_t>(draw.integer(0, static_cast<int>(outputs.size()) - 1))];
    form.terms.emplace_back(e, draw.uniform(-2, 2));
    form.is_input.push_back(input);
  }
  if (!executions.empty()) form.bound = form_at(form, executions[0]).first.get_d();  // Near what occurs.
  return form;
}

// Everything the engine derives for one program and box, against the executions.
void examine(const Subject& subject, Semantics semantics, Random& random, int& examined) {
  Draw draw{random};
  const BoundProgram program(subject.program);
  std::vector<double> lo, hi;
  for (uint32_t j = 0; j < subject.program.input_count; ++j) {
    const auto [l, h] = random_side(draw, semantics == Semantics::kFloat32);
    lo.push_back(l);
    hi.push_back(h);
  }
  Problem problem{.program = &program, .semantics = semantics};
  problem.hull_lo = lo;
  problem.hull_hi = hi;
  Workspace work(problem);
  BoundContext& context = work.context;
  context.reset(lo, hi);
  PropagatePlan plan{
      .sweep_all = draw.chance(0.8), .rule = static_cast<SlopeRule>(draw.integer(0, 2)), .check_premise = true};
  if (propagate(context, work.sweep, plan) != PropagateEnd::kDone) return;
  const Executions executions(subject, semantics, lo, hi, random);
  ASSERT_FALSE(executions.overflowed) << "the premise was proved, yet an evaluation overflows";
  ++examined;
  context.refresh(static_cast<uint32_t>(program.ops.size()));
  std::vector<uint8_t> scope(executions.list.size(), 1);
  expect_bounds_hold(context, executions.list, scope);

  for (int step = 0; step < 4; ++step) {
    if (draw.chance(0.6)) {  // A split of an input or affine element at a value that occurs, or at 0.
      const auto& stored = context.stored_elements();
      const ElementId e = stored[static_cast<size_t>(draw.integer(0, static_cast<int>(stored.size()) - 1))];
      const double at = draw.chance(0.5) ? 0 : executions.list[0].values[e].get_d();
      if (draw.chance(0.5))
        context.intersect(e, at, kInfinity);
      else
        context.intersect(e, -kInfinity, at);
    }
    for (size_t k = 0; k < scope.size(); ++k) scope[k] = scope[k] && in_scope(context, executions.list[k]);
    if (context.empty()) break;
    const NumericConstraint form = random_form(subject, executions.list, draw);
    const SlopeSpec slopes = random_slopes(context, draw);
    const double bound = bound_form(form, slopes, work);
    for (size_t k = 0; k < scope.size(); ++k) {
      if (!scope[k] || !std::isfinite(bound)) continue;
      const auto [value, size] = form_at(form, executions.list[k]);
      ASSERT_GE(value + Rational(executions.list[k].slack * size), Rational(bound)) << "sweep of a form";
    }
    if (draw.chance(0.5)) {  // CLIP keeps every point where the form is <= 0.
      clip_inputs(work);
      for (size_t k = 0; k < scope.size(); ++k) {
        const auto [value, size] = form_at(form, executions.list[k]);
        scope[k] = scope[k] && value + Rational(executions.list[k].slack * size) <= 0;
      }
    }
    plan.check_premise = false;
    propagate(context, work.sweep, plan);
    context.refresh(static_cast<uint32_t>(program.ops.size()));
    expect_bounds_hold(context, executions.list, scope);
  }
}

// What spec/operators.md says of every covered evaluation, and that it says little more than what happens.
TEST(Softmax, CoveredEvaluationsAreNotNegativeAndSumUpToOne) {
  const int cases = case_count(400);
  double worst = 0;
  for (int seed = 0; seed < cases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(static_cast<uint64_t>(seed));
    Draw draw{random};
    const int n = draw.chance(0.5) ? draw.integer(1, 8) : draw.integer(1, 600);
    const double spread = draw.chance(0.3) ? 0 : std::pow(10.0, draw.uniform(-6, 3));
    Meaning meaning{
        .scalars = std::vector<Scalar>(static_cast<size_t>(n)), .operators = {}, .input_count = n, .outputs = {}};
    Scalar scalar{.kind = ScalarKind::kSoftmax};
    std::vector<float> logits;
    for (int k = 0; k < n; ++k) {
      scalar.sources.push_back(k);
      logits.push_back(static_cast<float>(spread * draw.uniform(-1, 1)));
    }
    for (scalar.own = 0; scalar.own < scalar.sources.size(); ++scalar.own) meaning.scalars.push_back(scalar);
    const std::vector<float> values = evaluate_somehow(meaning, logits, random);
    const LineBounds bounds = softmax_bounds(static_cast<size_t>(n), Semantics::kFloat32);
    Rational sum = -1;
    for (auto y = values.begin() + n; y != values.end(); ++y) {
      ASSERT_GE(*y, 0);
      ASSERT_LE(*y, bounds.hi);
      sum += Rational(*y);
    }
    ASSERT_LE(abs(sum), Rational(bounds.error));
    worst = std::max(worst, std::fabs(sum.get_d()) / bounds.error);
  }
  std::printf("at most %.2f of the error of a sum occurs\n", worst);
  EXPECT_GT(worst, 0.05);
}

class Bounds : public testing::TestWithParam<Semantics> {};

TEST_P(Bounds, ContainEverySampledExecution) {
  const int cases = case_count(1500);
  int examined = 0;
  for (int seed = 0; seed < cases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(static_cast<uint64_t>(seed));
    const Subject subject = SubjectMaker(random).make();
    examine(subject, GetParam(), random, examined);
    if (HasFatalFailure()) return;
  }
  std::printf("%d of %d programs have bounds\n", examined, cases);
  EXPECT_GT(examined, cases / 2);
}

INSTANTIATE_TEST_SUITE_P(BothSemantics, Bounds, testing::Values(Semantics::kReal, Semantics::kFloat32),
                         [](const auto& suite) { return suite.param == Semantics::kReal ? "Real" : "Float32"; });

}  // namespace
}  // namespace axiom::soundness
