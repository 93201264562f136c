// Splitting unstable neurons: the strategy for many free inputs.
//
// The bounds of the parent are inherited; behind the split neuron they are re-bounded when that is cheap. The final
// sweep has optimised slopes and split multipliers (slope_optimization.h), warm-started from the parent. The neuron
// to split next is the one whose relaxation costs the bound most (the intercept score of BaBSR, Bunel et al. 2020).
#include <algorithm>

#include "verify/slope_optimization.h"

namespace axiom {
namespace {

constexpr int kRootIterations = 40;
constexpr int kNodeIterations = 12;
constexpr double kPropagateCap = 3e7;  // Multiplications that re-bounding at a node may cost.

// Multiplications of re-bounding every swept row of the affine operators behind `first`.
double propagate_cost(const BoundContext& context, uint32_t first, std::vector<uint32_t>& ops) {
  const BoundProgram& program = context.program();
  double below = 0, cost = 0;
  for (uint32_t p = 1; p < program.ops.size(); ++p) {
    const CoreOp& op = program.program.ops[p];
    if (op.kind != CoreKind::kAffine) continue;
    below += program.ops[p].term_count;
    if (p <= first) continue;
    double rows = 0;
    for (uint32_t i : program.ops[p].relevant_rows) {
      rows += context.lo(op.first + i) < 0 && context.hi(op.first + i) > 0;
    }
    if (rows == 0) continue;
    cost += 2 * rows * below;
    ops.push_back(p);
  }
  return cost;
}

// The unstable neuron whose upper line adds most to the loss; kNone when all are fixed.
constexpr ElementId kNone = ~ElementId{0};
ElementId choose_neuron(const Workspace& work) {
  const BoundContext& context = work.context;
  ElementId best = kNone;
  double best_score = -1;
  for (const CoreOp& op : context.program().program.ops) {
    if (op.kind != CoreKind::kUnary || (op.unary != UnaryKind::kRelu && op.unary != UnaryKind::kLeakyRelu)) continue;
    for (ElementId e = op.first; e < op.first + op.count; ++e) {
      const ElementId c = context.line_source(e);
      const double l = context.lo(c), h = context.hi(c);
      if (!(l < 0 && h > 0)) continue;
      const CoreOp& source = context.program().program.ops[context.program().op_of[c]];
      if (source.kind != CoreKind::kAffine) continue;
      const double a = work.sweep.line_coefficient(0, e);
      const Lines& lines = context.lines(e);
      const double slope = work.sweep.used_lower_slope(0, e, lines.lower_slope);
      const double score = a < 0 ? -a * lines.upper_offset : 0.2 * a * std::min(slope * -l, (1 - slope) * h);
      if (score > best_score) {
        best_score = score;
        best = c;
      }
    }
  }
  return best;
}

}  // namespace

Expansion expand_by_neuron(const Problem& problem, const SubProblem& node, Workspace& work, const Confirm& confirm) {
  const NumericDisjunct& disjunct = problem.disjuncts[node.disjunct];
  BoundContext& context = work.context;
  Expansion out;
  ProofCode code;
  const auto close = [&] {
    out.closed = true;
    out.code = code.take();
    return std::move(out);
  };
  context.load(node.bounds);
  if (!context.empty() && !node.propagated) {
    PropagatePlan plan;
    plan.sweep_all = false;
    if (propagate_cost(context, node.first_stale_op, plan.sweep_ops) > kPropagateCap) plan.sweep_ops.clear();
    code.propagate(plan);
    plan.stop = work.stop;
    out.stopped = propagate(context, work.sweep, plan) == PropagateEnd::kStopped;
    if (out.stopped) return out;
  }
  if (context.empty()) {
    code.empty();
    return close();
  }
  SweepParameters start{node.slopes, node.splits, node.multipliers};
  size_t chosen = node.constraint;
  OptimizedBound best;
  if (node.depth == 0) {
    // The constraint worth optimising: the one with the greatest unoptimised bound.
    const FormBounds forms = bound_forms(problem, disjunct, work);
    chosen = forms.constraint;
    if (forms.best > 0) {
      code.refute(forms.constraint, SlopeSpec{forms.rule, {}, {}});
      return close();
    }
  }
  if (!disjunct.constraints.empty()) {
    best =
        optimize_bound(disjunct.constraints[chosen], start, node.depth == 0 ? kRootIterations : kNodeIterations, work);
    if (best.bound > 0) {
      code.refute(chosen, best.spec);
      return close();
    }
    std::vector<double> point;
    minimizer(work, point);
    if ((out.witness = try_point(problem, node.disjunct, work.evaluator, point, "branch and bound", confirm)))
      return out;
  }
  out.bound = best.bound;
  const ElementId split = disjunct.constraints.empty() ? kNone : choose_neuron(work);
  if (split == kNone) {
    out.stuck = true;
    return out;
  }
  code.split_element(split);
  out.code = code.take();
  const auto& stored = context.stored_elements();
  const size_t slot = static_cast<size_t>(std::lower_bound(stored.begin(), stored.end(), split) - stored.begin());
  for (int side = 0; side < 2; ++side) {
    SubProblem child;
    child.bounds = context.store();
    double& end = (side == 0 ? child.bounds.hi : child.bounds.lo)[slot];
    end = 0;
    child.disjunct = node.disjunct;
    child.bound = out.bound;
    child.depth = node.depth + 1;
    child.constraint = chosen;
    child.first_stale_op = problem.program->op_of[split];
    child.slopes = best.parameters.slopes;
    child.splits = best.parameters.splits;
    child.multipliers = best.parameters.multipliers;
    const auto at = std::lower_bound(child.splits.begin(), child.splits.end(), split);
    if (at == child.splits.end() || *at != split) {
      child.multipliers.insert(child.multipliers.begin() + (at - child.splits.begin()), 0.0f);
      child.splits.insert(at, split);
    }
    out.children.push_back(std::move(child));
  }
  return out;
}

}  // namespace axiom
