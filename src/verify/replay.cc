// Exact replay of candidates.
#include "verify/replay.h"

#include <cmath>
#include <cstdio>

namespace axiom {
namespace {

struct Range {
  double lo = 0, hi = 0;
};

// Terms that the proof of a witness's robustness may cost in sweeps; beyond, it counts as not shown.
constexpr double kRobustnessEffort = 1e9;

// Every finite double is a decimal of at most 767 digits.
Decimal exact_decimal(double v) {
  char text[800];
  std::snprintf(text, sizeof text, "%.770e", v);
  return *Decimal::parse(text);
}

// bound - sum, exactly.
Decimal exact_slack(const LinearConstraint& constraint, std::span<const float> input, std::span<const float> output) {
  Decimal sum = constraint.bound;
  for (const Term& term : constraint.terms) {
    const float v = term.is_output ? output[term.index] : input[term.index];
    sum = sum + -(term.coefficient * exact_decimal(v));
  }
  return sum;
}

bool inside(const Box& box, std::span<const double> point) {
  for (size_t j = 0; j < point.size(); ++j) {
    const Decimal x = exact_decimal(point[j]);
    if (compare(box[j].lower, x) > 0 || compare(x, box[j].upper) > 0) return false;
  }
  return true;
}

// Bounds of all elements over [lo, hi]; false when they would take too long or overflow is not excluded.
bool bound_all(BoundContext& context, Sweep& sweep, std::span<const double> lo, std::span<const double> hi) {
  context.reset(lo, hi);
  PropagatePlan plan;
  plan.check_premise = true;
  double terms = 0;
  for (const BoundOp& op : context.program().ops) terms += op.term_count;
  plan.stop = [left = kRobustnessEffort / (terms + 1)]() mutable { return (left -= 1) < 0; };
  if (propagate(context, sweep, plan) != PropagateEnd::kDone) return false;
  context.refresh(static_cast<uint32_t>(context.program().ops.size()));
  return true;
}

// The exact softmax of logits in [l, h]: each element falls as the others rise. exp is accurate to far more than 2^-45,
// differences and sums add the rest of the margin.
Range softmax_interval(const BoundContext& context, std::span<const ElementId> group, size_t own) {
  double above = 1, below = 1;  // Sums over the group, relative to the own logit where it is greatest and least.
  for (size_t t = 0; t < group.size(); ++t) {
    if (t == own) continue;
    above += std::exp(context.lo(group[t]) - context.hi(group[own]));
    below += std::exp(context.hi(group[t]) - context.lo(group[own]));
  }
  const double margin = (static_cast<double>(group.size()) + 4096) * 0x1p-51;
  const double lo = (1 / below) * (1 - margin) - 0x1p-1000, hi = (1 / above) * (1 + margin) + 0x1p-1000;
  return {lo >= 0 ? lo : 0, hi <= 1 ? hi : 1};
}

// The rules bound a softmax element by 0 and 1, whatever it reads. Near a point its logits are known and so is, under
// `real`, its value: a constant up to an error, which an affine operator without terms says. Nothing when there is no
// softmax or the logits have no bounds.
std::optional<BoundProgram> with_known_softmax(const BoundProgram& source, std::span<const double> lo,
                                               std::span<const double> hi) {
  Program known = source.program;
  bool any = false;
  for (size_t p = 0; p < known.ops.size(); ++p) {
    if (known.ops[p].kind != CoreKind::kSoftmax) continue;
    Program below = known;
    below.ops.resize(p);
    below.element_count = known.ops[p].first;
    below.outputs.clear();
    const BoundProgram bounded(std::move(below));
    BoundContext context(bounded, Semantics::kReal);
    Sweep sweep(bounded);
    if (!bound_all(context, sweep, lo, hi)) return std::nullopt;
    const CoreOp& softmax = known.ops[p];
    CoreOp affine{.kind = CoreKind::kAffine, .first = softmax.first, .count = softmax.count, .name = softmax.name};
    for (size_t g = 0; g + 1 < softmax.window_begin.size(); ++g) {
      const size_t begin = softmax.window_begin[g], length = softmax.window_begin[g + 1] - begin;
      for (size_t own = 0; own < length; ++own) {
        const Range y = softmax_interval(context, std::span(softmax.source).subspan(begin, length), own);
        affine.bias.push_back((y.lo + y.hi) * 0.5);
        affine.magnitude.push_back((y.hi - y.lo) * 0.5 * (1 + 0x1p-40) + 0x1p-52 * y.hi);
        affine.rows.begin.push_back(0);
      }
    }
    affine.gamma.assign(affine.count, 1);
    affine.underflow.assign(affine.count, 1);
    affine.real_error = 1;
    known.ops[p] = std::move(affine);
    any = true;
  }
  return any ? std::optional<BoundProgram>(std::move(known)) : std::nullopt;
}

// True when every execution of `semantics` on the points of [lo, hi] satisfies all constraints: the negated forms,
// bounded from below by a sweep, are at least 0.
bool violated_for_sure(const Problem& problem, Semantics semantics, size_t disjunct, std::span<const double> lo,
                       std::span<const double> hi) {
  std::optional<BoundProgram> known;
  if (semantics == Semantics::kReal) known = with_known_softmax(*problem.program, lo, hi);
  const BoundProgram& bounded = known ? *known : *problem.program;
  const Program& program = bounded.program;
  const uint32_t top = static_cast<uint32_t>(program.ops.size() - 1);
  BoundContext context(bounded, semantics);
  Sweep sweep(bounded);
  if (!bound_all(context, sweep, lo, hi)) return false;
  for (const LinearConstraint& constraint : problem.property->disjuncts[disjunct].constraints) {
    double size = 0;
    sweep.begin(1);
    sweep.add_constant(0, constraint.bound.round_down());
    for (const Term& term : constraint.terms) {
      const ElementId e = term.is_output ? program.outputs[term.index] : term.index;
      const double t = term.coefficient.round_nearest();
      sweep.add(0, e, -t);
      size += std::fabs(t) * context.magnitude(e);
    }
    sweep.charge_constant(0, (4 * kUnit) * size);
    sweep.run(context, top);
    if (!(sweep.bound(0) >= 0)) return false;
  }
  return true;
}

// Slack and line of the tightest constraint; false when one does not hold exactly.
bool holds_exactly(const Disjunct& disjunct, std::span<const float> input, std::span<const float> output,
                   Witness& witness) {
  witness.margin = kInfinity;
  for (const LinearConstraint& constraint : disjunct.constraints) {
    const Decimal left = exact_slack(constraint, input, output);
    if (compare(left, Decimal()) < 0) return false;
    const double value = left.round_nearest();
    if (value >= witness.margin) continue;
    witness.margin = value;
    witness.constraint_line = constraint.line;
  }
  return true;
}

}  // namespace

std::optional<Witness> replay(const Problem& problem, const Execute& execute, size_t disjunct,
                              std::span<const double> point, const std::string& origin) {
  const Disjunct& exact = problem.property->disjuncts[disjunct];
  const NumericDisjunct& numeric = problem.disjuncts[disjunct];
  Witness witness;
  witness.input.assign(point.begin(), point.end());
  witness.disjunct = static_cast<uint32_t>(disjunct);
  witness.origin = origin;
  std::vector<float> fed(point.begin(), point.end());
  Result<std::vector<float>> output = execute(fed);
  if (!output) return std::nullopt;
  for (const float y : *output) {
    if (!std::isfinite(y)) return std::nullopt;
  }
  witness.output = std::move(*output);
  const bool holds = holds_exactly(exact, fed, witness.output, witness);
  if (problem.semantics == Semantics::kFloat32) {
    if (!holds) return std::nullopt;
    witness.inside_exact_box = inside(exact.box, point);
    for (size_t j = 0; j < point.size(); ++j) {
      if (point[j] < numeric.lo[j] || point[j] > numeric.hi[j]) return std::nullopt;
    }
    witness.robust = violated_for_sure(problem, Semantics::kFloat32, disjunct, point, point);
    return witness;
  }
  // A coordinate whose exact interval holds no double at hand stands for its exact decimal, enclosed by its neighbours.
  std::vector<double> lo(point.begin(), point.end()), hi = lo;
  for (size_t j = 0; j < point.size(); ++j) {
    const Decimal x = exact_decimal(point[j]);
    if (compare(exact.box[j].lower, exact.box[j].upper) > 0) return std::nullopt;
    const bool below = compare(x, exact.box[j].lower) < 0, above = compare(exact.box[j].upper, x) < 0;
    if (!below && !above) continue;
    const Decimal& nearest = below ? exact.box[j].lower : exact.box[j].upper;
    lo[j] = nearest.round_down();
    hi[j] = nearest.round_up();
  }
  if (!violated_for_sure(problem, Semantics::kReal, disjunct, lo, hi)) return std::nullopt;
  witness.inside_exact_box = true;
  witness.robust = violated_for_sure(problem, Semantics::kFloat32, disjunct, lo, hi);
  return witness;
}

}  // namespace axiom
