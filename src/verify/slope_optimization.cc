// Optimised slopes: alpha-CROWN (Xu et al. 2021) and beta-CROWN (Wang et al. 2021) with fixed intermediate bounds.
//
// For one sweep the bound is a concave piecewise-linear function of the slopes and multipliers (it is a dual of the
// triangle linear program, Salman et al. 2019). Its supergradient needs one forward pass: at the minimising input,
// follow the lines the sweep chose; then d bound / d slope_e = a_e * z_e and d bound / d beta_e = bound_e - z_e.
#include "verify/slope_optimization.h"

#include <algorithm>
#include <cmath>

namespace axiom {
namespace {

bool is_piecewise(const CoreOp& op) {
  return op.kind == CoreKind::kUnary && (op.unary == UnaryKind::kRelu || op.unary == UnaryKind::kLeakyRelu);
}

template <typename Visit>
void for_each_piecewise(const Program& program, Visit visit) {
  size_t index = 0;
  for (const CoreOp& op : program.ops) {
    if (!is_piecewise(op)) continue;
    for (ElementId e = op.first; e < op.first + op.count; ++e) visit(index++, op, e);
  }
}

bool unstable(const BoundContext& context, ElementId e) {
  const ElementId c = context.line_source(e);
  return context.lo(c) < 0 && context.hi(c) > 0;
}

// What the file format can say: slopes in steps of 1/128.
SlopeSpec to_spec(const BoundContext& context, const SweepParameters& parameters) {
  SlopeSpec spec;
  spec.rule = SlopeRule::kExplicit;
  for_each_piecewise(context.program().program, [&](size_t k, const CoreOp&, ElementId e) {
    if (!unstable(context, e)) return;
    spec.bytes.push_back(static_cast<uint8_t>(std::lround(std::clamp(parameters.slopes[k], 0.0f, 1.0f) * 128)));
  });
  for (size_t k = 0; k < parameters.splits.size(); ++k) {
    const float beta = parameters.multipliers[k];
    if (beta != 0) spec.multipliers.push_back({parameters.splits[k], beta});
  }
  return spec;
}

// Adam's moments for one parameter vector (Kingma and Ba 2015); ascent.
struct Adam {
  std::vector<float> m, v;
  void step(std::vector<float>& x, const std::vector<float>& gradient, float rate, int t) {
    m.resize(x.size());
    v.resize(x.size());
    const float c1 = 1 - std::pow(0.9f, static_cast<float>(t)), c2 = 1 - std::pow(0.999f, static_cast<float>(t));
    for (size_t k = 0; k < x.size(); ++k) {
      m[k] = 0.9f * m[k] + 0.1f * gradient[k];
      v[k] = 0.999f * v[k] + 0.001f * gradient[k] * gradient[k];
      x[k] += rate * (m[k] / c1) / (std::sqrt(v[k] / c2) + 1e-12f);
    }
  }
};

}  // namespace

void relaxed_forward(const Workspace& work, std::span<const double> point, std::vector<double>& values) {
  const BoundContext& context = work.context;
  const Program& program = context.program().program;
  values.resize(program.element_count);
  std::copy(point.begin(), point.end(), values.begin());
  for (const CoreOp& op : program.ops) {
    if (op.kind == CoreKind::kInput) continue;
    for (uint32_t i = 0; i < op.count; ++i) {
      const ElementId e = op.first + i;
      if (op.kind == CoreKind::kAffine) {
        double sum = op.bias[i];
        for (uint64_t t = op.rows.begin[i]; t < op.rows.begin[i + 1]; ++t)
          sum += op.rows.weight[t] * values[op.rows.column[t]];
        values[e] = sum;
      } else if (op.kind == CoreKind::kConstant) {
        values[e] = op.constant[i];
      } else {
        const Lines& lines = context.lines(e);
        const double z = values[context.line_source(e)];
        const bool low = op.kind != CoreKind::kUnary || work.sweep.line_coefficient(0, e) > 0;
        values[e] = low ? work.sweep.used_lower_slope(0, e, lines.lower_slope) * z + lines.lower_offset
                        : lines.upper_slope * z + lines.upper_offset;
      }
    }
  }
}

OptimizedBound optimize_bound(const NumericConstraint& constraint, const SweepParameters& start, int iterations,
                              Workspace& work) {
  const BoundContext& context = work.context;
  const Program& program = context.program().program;
  work.context.refresh(static_cast<uint32_t>(program.ops.size()));
  SweepParameters now = start;
  size_t piecewise = 0;
  for_each_piecewise(program, [&](size_t, const CoreOp&, ElementId) { ++piecewise; });
  if (now.slopes.size() != piecewise) {
    now.slopes.assign(piecewise, 0);
    for_each_piecewise(program, [&](size_t k, const CoreOp&, ElementId e) {
      now.slopes[k] = static_cast<float>(context.lines(e).lower_slope);
    });
  }
  now.multipliers.resize(now.splits.size());
  OptimizedBound best;
  Adam slope_adam, multiplier_adam;
  std::vector<float> slope_gradient(piecewise), multiplier_gradient(now.splits.size());
  std::vector<double> point, values;
  float rate = 0.1f;
  // Multipliers live on the scale of sweep coefficients; their step follows the greatest coefficient seen.
  float scale = 0;
  for (int t = 1;; ++t) {
    SlopeSpec spec = to_spec(context, now);
    const double bound = bound_form(constraint, spec, work, /*keep=*/true);
    if (bound > best.bound || t == 1) best = {bound, std::move(spec), now};
    if (bound > 0 || t > iterations || work.sweep.failed(0) || (work.stop && work.stop())) break;
    minimizer(work, point);
    relaxed_forward(work, point, values);
    std::fill(slope_gradient.begin(), slope_gradient.end(), 0.0f);
    for_each_piecewise(program, [&](size_t k, const CoreOp&, ElementId e) {
      const double a = work.sweep.line_coefficient(0, e);
      if (t == 1) scale = std::max(scale, static_cast<float>(std::fabs(a)));
      if (a > 0 && unstable(context, e)) slope_gradient[k] = static_cast<float>(a * values[context.line_source(e)]);
    });
    for (size_t k = 0; k < now.splits.size(); ++k) {
      const ElementId e = now.splits[k];
      const bool active = context.lo(e) >= 0;
      multiplier_gradient[k] = static_cast<float>((active ? context.lo(e) : context.hi(e)) - values[e]);
    }
    slope_adam.step(now.slopes, slope_gradient, rate, t);
    multiplier_adam.step(now.multipliers, multiplier_gradient, rate * scale, t);
    for (float& s : now.slopes) s = std::clamp(s, 0.0f, 1.0f);
    for (size_t k = 0; k < now.splits.size(); ++k) {
      const bool active = context.lo(now.splits[k]) >= 0;
      float& beta = now.multipliers[k];
      beta = active ? std::max(beta, 0.0f) : std::min(beta, 0.0f);
    }
    rate *= 0.97f;
  }
  if (best.bound <= 0) bound_form(constraint, best.spec, work, /*keep=*/true);
  return best;
}

}  // namespace axiom
