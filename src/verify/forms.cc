// Bounding the constraint forms of a disjunct, and what follows from them for the input box.
#include <algorithm>

#include "verify/strategy.h"

namespace axiom {

FormBounds bound_forms(const Problem& problem, const NumericDisjunct& disjunct, Workspace& work) {
  static const SlopeSpec kZero{SlopeRule::kZero, {}, {}};
  const uint32_t top = static_cast<uint32_t>(problem.program->ops.size() - 1);
  FormBounds best;
  constexpr size_t kPerBatch = Sweep::kMaxLanes / 2;
  for (size_t first = 0; first < disjunct.constraints.size(); first += kPerBatch) {
    const size_t count = std::min(kPerBatch, disjunct.constraints.size() - first);
    work.context.refresh(top + 1);
    work.sweep.begin(static_cast<int>(2 * count));
    for (size_t c = 0; c < count; ++c) {
      for (int side = 0; side < 2; ++side) {
        const int lane = static_cast<int>(2 * c) + side;
        add_constraint_form(work.sweep, lane, work.context, disjunct.constraints[first + c]);
        if (side == 1) work.sweep.set_slopes(lane, &kZero);
      }
    }
    work.sweep.run(work.context, top);
    for (size_t lane = 0; lane < 2 * count; ++lane) {
      const double bound = work.sweep.bound(static_cast<int>(lane));
      if (bound > best.best) {
        best = {bound, first + lane / 2, lane % 2 == 0 ? SlopeRule::kAdaptive : SlopeRule::kZero};
      }
    }
  }
  return best;
}

double bound_form(const NumericConstraint& constraint, const SlopeSpec& slopes, Workspace& work, bool keep) {
  const uint32_t top = static_cast<uint32_t>(work.context.program().ops.size() - 1);
  work.context.refresh(top + 1);
  work.sweep.begin(1);
  add_constraint_form(work.sweep, 0, work.context, constraint);
  work.sweep.set_slopes(0, &slopes);
  work.sweep.run(work.context, top, keep);
  return work.sweep.bound(0);
}

void minimizer(const Workspace& work, std::vector<double>& point) {
  const uint32_t n = work.context.program().program.input_count;
  point.resize(n);
  for (uint32_t j = 0; j < n; ++j) {
    point[j] = work.sweep.input_coefficient(0, j) > 0 ? work.context.lo(j) : work.context.hi(j);
  }
}

double clip_inputs(Workspace& work) {
  BoundContext& context = work.context;
  if (work.sweep.failed(0)) return 1;
  const double bound = work.sweep.bound(0);
  const uint32_t n = context.program().program.input_count;
  double left = 1;
  std::vector<std::pair<double, double>> sides(n, {-kInfinity, kInfinity});
  for (uint32_t j = 0; j < n; ++j) {
    const double a = work.sweep.input_coefficient(0, j);
    if (a == 0) continue;
    const double m = a * (a > 0 ? context.lo(j) : context.hi(j));
    const double x = (m - bound) / a;
    const double d = ((std::fabs(m) + std::fabs(bound)) / std::fabs(a)) * 0x1p-50;
    if (!std::isfinite(x)) continue;
    if (a > 0)
      sides[j].second = upper(x, d);
    else
      sides[j].first = lower(x, d);
  }
  for (uint32_t j = 0; j < n; ++j) {
    const double before = context.hi(j) - context.lo(j);
    context.intersect(j, sides[j].first, sides[j].second);
    const double after = context.hi(j) - context.lo(j);
    if (before > 0) left *= std::max(after, 0.0) / before;
  }
  return left;
}

}  // namespace axiom
