// Ascent of the bounds of an operator's rows: sixteen at a time in float32 (lanes.h), and one rigorous sweep each with
// the slopes that were found.
#include "verify/tightening.h"

#include <algorithm>
#include <memory>
#include <mutex>

namespace axiom {
namespace {

constexpr int kMostIterations = 20, kLeastIterations = 4;
// A bound that gains less than this share of the interval is not worth its bytes; and a neuron is taken for fixed when
// its float32 bound is above zero by that share.
constexpr double kWorthKeeping = 1e-3;

/// The lower or the upper bound of a row.
struct Target {
  uint32_t row;
  bool upper;
};

std::vector<Target> targets_of(const BoundContext& context, uint32_t p) {
  std::vector<Target> targets;
  for (const uint32_t i : swept_rows(context, p)) targets.insert(targets.end(), {{i, false}, {i, true}});
  return targets;
}

/// What one thread works with.
struct Tools {
  explicit Tools(const BoundProgram& program) : lanes(program), sweep(program) {}
  Lanes lanes;
  Sweep sweep;
  uint32_t loaded = 0;  ///< The operator that the lanes are loaded for.
};

class Tightener {
 public:
  Tightener(Workspace& work, ThreadPool& threads) : work_(work), threads_(threads) {}

  /// The bounds of rows of operator p that ascending improves; none when stopped.
  std::vector<Tightening> run(uint32_t p, std::span<const Target> targets, int iterations);

 private:
  std::unique_ptr<Tools> take();
  void give(std::unique_ptr<Tools> tools);
  std::vector<Tightening> ascend(uint32_t p, std::span<const Target> targets, int iterations, Tools& tools) const;
  void conclude(uint32_t p, std::span<const Target> targets, std::span<const SlopeSpec> slopes, Tools& tools,
                std::vector<Tightening>& out) const;

  Workspace& work_;
  ThreadPool& threads_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Tools>> idle_;
};

std::unique_ptr<Tools> Tightener::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Tools> tools = std::move(idle_.back());
      idle_.pop_back();
      return tools;
    }
  }
  return std::make_unique<Tools>(work_.context.program());
}

void Tightener::give(std::unique_ptr<Tools> tools) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(tools));
}

// Up to eight rigorous bounds; those that gain are kept.
void Tightener::conclude(uint32_t p, std::span<const Target> targets, std::span<const SlopeSpec> slopes, Tools& tools,
                         std::vector<Tightening>& out) const {
  BoundContext& context = work_.context;
  const ElementId first = context.program().program.ops[p].first;
  tools.sweep.begin(static_cast<int>(targets.size()));
  for (size_t k = 0; k < targets.size(); ++k) {
    tools.sweep.set_slopes(static_cast<int>(k), &slopes[k]);
    tools.sweep.add(static_cast<int>(k), first + targets[k].row, targets[k].upper ? -1 : 1);
  }
  tools.sweep.run(context, p);
  for (size_t k = 0; k < targets.size(); ++k) {
    const ElementId e = first + targets[k].row;
    const double bound = tools.sweep.bound(static_cast<int>(k));
    const double gain = targets[k].upper ? context.hi(e) + bound : bound - context.lo(e);
    if (gain > kWorthKeeping * (context.hi(e) - context.lo(e)))
      out.push_back({targets[k].row, targets[k].upper, slopes[k], bound});
  }
}

std::vector<Tightening> Tightener::ascend(uint32_t p, std::span<const Target> targets, int iterations,
                                          Tools& tools) const {
  const BoundContext& context = work_.context;
  const ElementId first = context.program().program.ops[p].first;
  Lanes& lanes = tools.lanes;
  if (tools.loaded != p) lanes.load_all(context, p);
  tools.loaded = p;
  lanes.restart(context);
  for (size_t k = 0; k < targets.size(); ++k) {
    const ElementId e = first + targets[k].row;
    const double enough = kWorthKeeping * (context.hi(e) - context.lo(e));  // A fixed neuron gains nothing beyond.
    lanes.aim(static_cast<int>(k), e, targets[k].upper ? -1 : 1, static_cast<float>(enough));
  }
  std::vector<Tightening> found;
  if (!lanes.ascend(iterations, /*warm=*/false, work_.stop)) return found;
  std::vector<SlopeSpec> slopes;
  for (size_t k = 0; k < targets.size(); ++k) slopes.push_back(lanes.slopes(static_cast<int>(k)));
  for (size_t k = 0; k < targets.size(); k += Sweep::kMaxLanes) {
    const size_t count = std::min<size_t>(Sweep::kMaxLanes, targets.size() - k);
    conclude(p, targets.subspan(k, count), std::span(slopes).subspan(k, count), tools, found);
  }
  return found;
}

std::vector<Tightening> Tightener::run(uint32_t p, std::span<const Target> targets, int iterations) {
  const size_t batches = (targets.size() + Lanes::kCount - 1) / Lanes::kCount;
  std::vector<std::vector<Tightening>> found(batches);
  threads_.parallel_for(static_cast<int64_t>(batches), 1, [&](int64_t begin, int64_t end) {
    std::unique_ptr<Tools> tools = take();
    for (auto b = static_cast<size_t>(begin); b < static_cast<size_t>(end); ++b) {
      const size_t from = b * Lanes::kCount, count = std::min<size_t>(Lanes::kCount, targets.size() - from);
      if (!work_.stop || !work_.stop()) found[b] = ascend(p, targets.subspan(from, count), iterations, *tools);
    }
    give(std::move(tools));
  });
  if (work_.stop && work_.stop()) return {};
  std::vector<Tightening> all;
  for (auto& some : found) std::move(some.begin(), some.end(), std::back_inserter(all));
  std::sort(all.begin(), all.end(), [](const Tightening& a, const Tightening& b) {
    return a.row < b.row || (a.row == b.row && a.upper < b.upper);
  });
  return all;
}

// Multiplications of one step of an ascent of every target of the operators from `first` on.
double cost_of_step(const BoundContext& context, uint32_t first) {
  const BoundProgram& program = context.program();
  double below = 0, cost = 0;
  bool hinges = false;
  for (uint32_t p = 1; p < program.ops.size(); ++p) {
    const CoreOp& op = program.program.ops[p];
    if (op.kind == CoreKind::kAffine) {
      below += program.ops[p].term_count;
      if (p >= first && hinges) cost += 2 * below * static_cast<double>(2 * swept_rows(context, p).size());
    }
    hinges |= is_hinge(op);
  }
  return cost;
}

}  // namespace

void tighten(Workspace& work, ThreadPool& threads, double most_work, ProofCode& code) {
  BoundContext& context = work.context;
  const BoundProgram& program = context.program();
  Tightener tightener(work, threads);
  double left = most_work;
  bool changed = false, hinges = false;
  for (uint32_t p = 1; p < program.ops.size(); ++p) {
    hinges |= is_hinge(program.program.ops[p]);
    if (program.program.ops[p].kind != CoreKind::kAffine || !hinges) continue;
    if (program.ops[p].relevant_rows.empty() || context.empty()) continue;
    if (changed) {
      PropagatePlan plan;
      plan.sweep_all = false;
      plan.sweep_ops = {p};
      plan.stop = work.stop;
      plan.threads = &threads;
      code.propagate(plan);
      if (propagate(context, work.sweep, plan) == PropagateEnd::kStopped) return;
    }
    context.refresh(p + 1);
    const std::vector<Target> targets = targets_of(context, p);
    const double rest = cost_of_step(context, p), step = rest - cost_of_step(context, p + 1);
    const double affordable = std::clamp<double>(left / std::max(rest, 1.0), kLeastIterations, kMostIterations);
    const int iterations = static_cast<int>(affordable);
    if (targets.empty() || step * iterations > left) continue;
    left -= step * iterations;
    const std::vector<Tightening> found = tightener.run(p, targets, iterations);
    if (found.empty()) continue;
    apply(context, p, found);
    code.tighten(p, found);
    changed = true;
  }
}

}  // namespace axiom
