// Exact replay of candidates.
#include "verify/replay.h"

#include <cmath>
#include <cstdio>

namespace axiom {
namespace {

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

// True when every execution of `semantics` on the points of [lo, hi] satisfies all constraints: the negated forms,
// bounded from below by a sweep, are at least 0.
bool violated_for_sure(const Problem& problem, Semantics semantics, size_t disjunct, std::span<const double> lo,
                       std::span<const double> hi) {
  const Program& program = problem.program->program;
  const uint32_t top = static_cast<uint32_t>(program.ops.size() - 1);
  BoundContext context(*problem.program, semantics);
  Sweep sweep(*problem.program);
  context.reset(lo, hi);
  PropagatePlan plan;
  plan.check_premise = true;
  double terms = 0;
  for (const BoundOp& op : problem.program->ops) terms += op.term_count;
  plan.stop = [left = kRobustnessEffort / (terms + 1)]() mutable { return (left -= 1) < 0; };
  if (propagate(context, sweep, plan) != PropagateEnd::kDone) return false;
  context.refresh(top + 1);
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
