// Centre, corners and projected gradient descent with restarts.
#include "verify/attack.h"

#include <algorithm>
#include <cmath>

namespace axiom {
namespace {

// A candidate this close to the border is replayed too: float32 rounding may carry it over.
constexpr double kNearBorder = 1e-6;

bool is_empty(const Region& box) {
  for (size_t j = 0; j < box.lo.size(); ++j) {
    if (box.lo[j] > box.hi[j]) return true;
  }
  return false;
}

void fill_random(std::vector<double>& point, const Region& box, std::mt19937_64& random, bool corner) {
  std::uniform_real_distribution<double> unit(0, 1);
  for (size_t j = 0; j < point.size(); ++j) {
    const double r = unit(random);
    point[j] = box.lo[j] + (corner ? (r < 0.5 ? 0 : 1) : r) * (box.hi[j] - box.lo[j]);
  }
}

// A descent ends when this many steps in a row did not improve it.
constexpr int kPatience = 8;

}  // namespace

void round_into_box(std::span<double> point, std::span<const double> lo, std::span<const double> hi) {
  for (size_t j = 0; j < point.size(); ++j) {
    float v = static_cast<float>(std::min(std::max(point[j], lo[j]), hi[j]));
    if (double{v} > hi[j]) v = std::nextafterf(v, -INFINITY);
    if (double{v} < lo[j]) v = std::nextafterf(v, INFINITY);
    point[j] = double{v};
  }
}

std::optional<Witness> try_point(const Problem& problem, size_t disjunct, Evaluator& evaluator, std::span<double> point,
                                 const std::string& origin, const Confirm& confirm) {
  const NumericDisjunct& target = problem.disjuncts[disjunct];
  if (problem.semantics == Semantics::kFloat32) round_into_box(point, target.lo, target.hi);
  const double found = least_slack(target, evaluator.forward(point));
  if (!(found >= -kNearBorder)) return std::nullopt;
  return confirm(disjunct, point, origin);
}

// The step is halved when it does not help.
std::optional<Witness> descend(const Problem& problem, size_t disjunct, Evaluator& evaluator, std::vector<double> point,
                               const Region& box, const AttackPlan& plan, const Confirm& confirm) {
  const NumericDisjunct& target = problem.disjuncts[disjunct];
  double step = 0.5, best = -kInfinity;
  std::vector<double> best_point = point, direction(point.size());
  std::vector<std::pair<ElementId, double>> pull;
  for (int s = 0, idle = 0; s < plan.steps && idle < kPatience; ++s) {
    if (plan.stop && plan.stop()) return std::nullopt;
    if (problem.semantics == Semantics::kFloat32) round_into_box(point, target.lo, target.hi);
    const auto values = evaluator.forward(point);
    if (least_slack(target, values) >= -kNearBorder) {
      if (auto witness = confirm(disjunct, point, "pgd")) return witness;
    }
    const double missing = shortfall(target, values, pull);
    if (missing > best) {
      best = missing;
      best_point = point;
      idle = 0;
      const auto gradient = evaluator.backward(pull);
      for (size_t j = 0; j < point.size(); ++j) direction[j] = gradient[j] > 0 ? -1 : gradient[j] < 0 ? 1 : 0;
    } else {
      ++idle;
      step *= 0.5;
    }
    for (size_t j = 0; j < point.size(); ++j) {
      point[j] = best_point[j] + direction[j] * step * (box.hi[j] - box.lo[j]);
      point[j] = std::min(std::max(point[j], box.lo[j]), box.hi[j]);
    }
  }
  return std::nullopt;
}

std::optional<Witness> attack(const Problem& problem, std::span<const size_t> disjuncts, Evaluator& evaluator,
                              const AttackPlan& plan, const Confirm& confirm) {
  std::mt19937_64 random(plan.seed);
  for (int r = 0; r < plan.restarts; ++r) {
    for (const size_t d : disjuncts) {
      const NumericDisjunct& target = problem.disjuncts[d];
      const Region box{target.lo, target.hi};
      if (is_empty(box)) continue;
      if (plan.stop && plan.stop()) return std::nullopt;
      std::vector<double> point(box.lo.size());
      if (r == 0) {
        for (size_t j = 0; j < point.size(); ++j) point[j] = box.lo[j] + (box.hi[j] - box.lo[j]) * 0.5;
        const std::vector<double> centre = point;
        if (auto witness = try_point(problem, d, evaluator, point, "centre", confirm)) return witness;
        point = centre;
      } else {
        fill_random(point, box, random, r % 3 == 2);
      }
      if (target.constraints.empty()) continue;
      if (auto witness = descend(problem, d, evaluator, point, box, plan, confirm)) return witness;
    }
  }
  return std::nullopt;
}

}  // namespace axiom
