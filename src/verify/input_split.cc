// Splitting the input box: the strategy for few free inputs.
//
// PROPAGATE, two final sweeps a constraint (adaptive and zero lower slopes), contraction of the box by the linear rows
// found, then a split of the coordinate with the greatest score: its share in the linear row plus its influence on the
// neurons whose relaxation costs most.
#include <algorithm>

#include "verify/strategy.h"

namespace axiom {
namespace {

constexpr int kClipRounds = 2;
constexpr double kWorthPropagating =
    0.5;                               // Re-bound all neurons when clipping left less than this share of the volume.
constexpr uint32_t kDescentEvery = 6;  // Levels of the tree from one descent to the next.
constexpr size_t kRecordCap = size_t{1} << 22;

// Cost of the relaxation of element e at coefficient a: the greatest distance between function and chosen line, times
// |a|.
double relaxation_cost(const BoundContext& context, ElementId e, double a) {
  const ElementId c = context.line_source(e);
  const double l = context.lo(c), h = context.hi(c);
  const Lines& lines = context.lines(e);
  if (a < 0) {
    const double at_zero = l < 0 && h > 0 ? lines.upper_offset : lines.upper_offset - lines.lower_offset;
    return -a * at_zero;
  }
  if (!(l < 0 && h > 0)) return a * (lines.upper_offset - lines.lower_offset);
  return a * std::max(lines.lower_slope * -l, (1 - lines.lower_slope) * h);
}

double midpoint(double lo, double hi) { return lo + (hi - lo) * 0.5; }

// The side to split; one that cannot be split when there is no other.
uint32_t choose_input(const Problem& problem, Workspace& work, bool recorded) {
  const BoundContext& context = work.context;
  const Program& program = problem.program->program;
  const uint32_t n = program.input_count;
  std::vector<double> width(n), score(n);
  for (uint32_t j = 0; j < n; ++j) {
    // A side without a double between its ends cannot be split; a decimal that is no double makes such sides.
    const double lo = context.lo(j), hi = context.hi(j), middle = midpoint(lo, hi);
    width[j] = lo < middle && middle < hi ? hi - lo : 0;
    score[j] = 0.5 * std::fabs(work.sweep.input_coefficient(0, j)) * width[j];
  }
  for (const CoreOp& op : program.ops) {
    if (!recorded || op.kind != CoreKind::kUnary) continue;
    for (ElementId e = op.first; e < op.first + op.count; ++e) {
      const double a = work.sweep.line_coefficient(0, e);
      if (a == 0) continue;
      const Lines& lines = context.lines(e);
      if (lines.lower_slope == lines.upper_slope && lines.lower_offset == lines.upper_offset) continue;
      const double* row = work.record.data() + size_t{context.line_source(e)} * n;
      double total = 0;
      for (uint32_t j = 0; j < n; ++j) total += std::fabs(row[j]) * width[j];
      if (!(total > 0)) continue;
      const double cost = relaxation_cost(context, e, a) / total;
      for (uint32_t j = 0; j < n; ++j) score[j] += cost * std::fabs(row[j]) * width[j];
    }
  }
  uint32_t best = 0;
  for (uint32_t j = 1; j < n; ++j) {
    if (score[j] > score[best] || (score[j] == score[best] && width[j] > width[best])) best = j;
  }
  return best;
}

}  // namespace

Expansion expand_by_input(const Problem& problem, const SubProblem& node, Workspace& work, const Confirm& confirm) {
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
  const size_t record_size = size_t{problem.program->program.element_count} * problem.program->program.input_count;
  const bool may_record = record_size <= kRecordCap;
  if (may_record) work.record.resize(record_size);
  std::vector<double>* record = may_record ? &work.record : nullptr;
  bool recorded = false;
  PropagatePlan propagation;
  propagation.stop = work.stop;
  const auto propagate_here = [&] {
    code.propagate(propagation);
    out.stopped = propagate(context, work.sweep, propagation, record) == PropagateEnd::kStopped;
    recorded = may_record;
  };
  if (!context.empty() && !node.propagated) propagate_here();
  if (out.stopped) return out;
  if (context.empty()) {
    code.empty();
    return close();
  }
  FormBounds forms = bound_forms(problem, disjunct, work);
  std::vector<double> point;
  for (int round = 0;; ++round) {
    if (forms.best > 0) {
      code.refute(forms.constraint, SlopeSpec{forms.rule, {}, {}});
      out.bound = forms.best;
      return close();
    }
    if (disjunct.constraints.empty()) break;
    const SlopeSpec slopes{forms.rule, {}, {}};
    bound_form(disjunct.constraints[forms.constraint], slopes, work, /*keep=*/true);
    if (round == 0) {
      minimizer(work, point);
      if ((out.witness = try_point(problem, node.disjunct, work.evaluator, point, "branch and bound", confirm)))
        return out;
      if (node.depth % kDescentEvery == kDescentEvery - 1) {
        // In turn from the whole box and from what is left of it here.
        const bool whole = node.depth / kDescentEvery % 2 == 0;
        const Region box = whole ? Region{disjunct.lo, disjunct.hi}
                                 : Region{context.lows().first(point.size()), context.highs().first(point.size())};
        AttackPlan plan;
        plan.stop = work.stop;
        if ((out.witness = descend(problem, node.disjunct, work.evaluator, point, box, plan, confirm))) return out;
      }
    }
    if (round == kClipRounds) break;
    const double left = clip_inputs(work);
    code.clip(forms.constraint, slopes);
    if (context.empty()) {
      code.empty();
      return close();
    }
    if (left < kWorthPropagating) {
      propagate_here();
      if (out.stopped) return out;
      if (context.empty()) {
        code.empty();
        return close();
      }
    }
    forms = bound_forms(problem, disjunct, work);
  }
  out.bound = forms.best;
  const uint32_t j = choose_input(problem, work, recorded);
  const double lo = context.lo(j), hi = context.hi(j);
  const double middle = midpoint(lo, hi);
  if (!(lo < middle && middle < hi)) {
    out.stuck = true;
    return out;
  }
  code.split_input(j);
  out.code = code.take();
  for (int side = 0; side < 2; ++side) {
    SubProblem child;
    child.bounds = context.store();
    (side == 0 ? child.bounds.hi : child.bounds.lo)[j] = middle;
    child.disjunct = node.disjunct;
    child.bound = out.bound;
    child.depth = node.depth + 1;
    out.children.push_back(std::move(child));
  }
  return out;
}

}  // namespace axiom
