// Splitting unstable neurons: the strategy for many free inputs.
//
// The bounds of the parent are inherited; behind the split neuron they are re-bounded when that is cheap. The final
// sweep has optimised slopes and split multipliers, warm-started from the parent and ascended for sixteen sub-problems
// at a time (lanes.h); a leaf is then closed by one rigorous sweep. The neuron to split next is chosen among the few
// whose relaxation costs the bound most by what splitting them would give (filtered smart branching, De Palma et al.
// 2021).
#include <algorithm>

#include "verify/strategy.h"

namespace axiom {
namespace {

constexpr int kRootIterations = 40;
constexpr int kNodeIterations = 10;
constexpr double kDoubt = 1.5;  // A float32 bound must exceed the last misjudgement by this factor.
constexpr size_t kProbes = 3;   // Neurons looked at before one is chosen.
// Re-bounding costs multiplications: up to so many times the terms of the network at every node, and up to so many
// every few levels of the tree.
constexpr double kCheapRebound = 8, kDearRebound = 1000;
constexpr uint32_t kReboundLevels = 4;
constexpr uint32_t kNoOp = ~uint32_t{0};

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
      const double l = context.lo(op.first + i), h = context.hi(op.first + i);
      rows += program.ops[p].piecewise[i] ? l < 0 && h > 0 : l < h;
    }
    if (rows == 0) continue;
    cost += 2 * rows * below;
    ops.push_back(p);
  }
  return cost;
}

// One sub-problem of a batch while it is being expanded.
struct Item {
  const SubProblem* node = nullptr;
  Expansion out;
  ProofCode code;
  StoredBounds bounds;  // After re-bounding.
  size_t constraint = 0;
  float enough = 0;                          // As in SubProblem.
  uint32_t stale_op = 0, rebound_depth = 0;  // As in SubProblem.
  bool open = true;                          // Neither closed nor ended otherwise.
};

void close(Item& item) {
  item.open = false;
  item.out.closed = true;
  item.out.code = item.code.take();
}

// Brings the bounds up to date, and chooses the constraint whose bound is ascended.
void prepare(const Problem& problem, Item& item, Workspace& work) {
  const SubProblem& node = *item.node;
  BoundContext& context = work.context;
  item.enough = node.enough;
  item.stale_op = node.first_stale_op;
  item.rebound_depth = node.rebound_depth;
  context.load(node.bounds);
  if (!context.empty() && !node.propagated) {
    PropagatePlan plan;
    plan.sweep_all = false;
    double terms = 0;
    for (const BoundOp& op : problem.program->ops) terms += op.term_count;
    const double cost = propagate_cost(context, node.first_stale_op, plan.sweep_ops);
    const bool due = node.depth - node.rebound_depth >= kReboundLevels && cost <= kDearRebound * terms;
    if (!plan.sweep_ops.empty() && (due || cost <= kCheapRebound * terms)) {
      item.stale_op = kNoOp;
      item.rebound_depth = node.depth;
      item.code.propagate(plan);
      plan.stop = work.stop;
      item.out.stopped = propagate(context, work.sweep, plan) == PropagateEnd::kStopped;
      if (item.out.stopped) {
        item.open = false;
        return;
      }
    }
  }
  if (context.empty()) {
    item.code.empty();
    return close(item);
  }
  item.constraint = node.constraint;
  if (node.depth > 0) return;
  const FormBounds forms = bound_forms(problem, problem.disjuncts[node.disjunct], work);
  item.constraint = forms.constraint;
  if (forms.best > 0) {
    item.code.refute(forms.constraint, SlopeSpec{forms.rule, {}, {}});
    item.out.bound = forms.best;
    close(item);
  }
}

// Whether the rigorous sweep agrees that the sub-problem holds no unsafe point. If it does not, the children know by
// how much float32 was too hopeful: mostly the rounding charges, which the lanes leave out.
void try_to_close(const Problem& problem, Item& item, double hoped, const SlopeSpec& slopes, Workspace& work) {
  work.context.load(item.bounds);
  const NumericConstraint& constraint = problem.disjuncts[item.node->disjunct].constraints[item.constraint];
  const double bound = bound_form(constraint, slopes, work);
  if (bound > 0) {
    item.code.refute(item.constraint, slopes);
    item.out.bound = bound;
    return close(item);
  }
  item.out.bound = std::max(item.node->bound, std::min(item.out.bound, bound));
  item.enough = std::max(item.enough, static_cast<float>(kDoubt * (hoped - bound)));
}

// A neuron to split, and the bounds that its children are expected to have.
struct Choice {
  ElementId source = 0;
  float multiplier = 0;
  double inactive = -kInfinity, active = -kInfinity, score = -kInfinity;
};

// What both children gain, the gain of a child that would be closed counted up to there.
double gain_of(double bound, double inactive, double active) {
  const double least = 1e-6 * -bound;
  const auto gain = [&](double child) { return std::max(std::min(child, 0.0) - bound, least); };
  return gain(inactive) * gain(active);
}

std::array<std::optional<Choice>, Lanes::kCount> choose_neurons(std::span<const Item> items, Lanes& lanes) {
  std::array<std::optional<Choice>, Lanes::kCount> chosen;
  if (std::none_of(items.begin(), items.end(), [](const Item& item) { return item.open; })) return chosen;
  std::array<std::vector<Lanes::Candidate>, Lanes::kCount> candidates;
  lanes.restore();
  for (size_t k = 0; k < items.size(); ++k) {
    if (items[k].open) candidates[k] = lanes.candidates(static_cast<int>(k), kProbes);
  }
  for (size_t n = 0; n < kProbes; ++n) {
    std::array<uint32_t, Lanes::kCount> hinges;
    hinges.fill(Lanes::kNoHinge);
    bool any = false;
    for (size_t k = 0; k < items.size(); ++k) {
      if (n >= candidates[k].size()) continue;
      hinges[k] = candidates[k][n].hinge;
      any = true;
    }
    if (!any) break;
    const auto inactive = lanes.probe(hinges, false), active = lanes.probe(hinges, true);
    for (size_t k = 0; k < items.size(); ++k) {
      if (hinges[k] == Lanes::kNoHinge) continue;
      const double score = gain_of(items[k].out.bound, inactive[k], active[k]);
      if (!chosen[k] || score > chosen[k]->score)
        chosen[k] = {candidates[k][n].source, candidates[k][n].multiplier, inactive[k], active[k], score};
    }
  }
  return chosen;
}

// What both sides of a split of an input or affine element at a value have in common.
SubProblem half(const Item& item, ElementId source, double at, bool above, const SweepParameters& parameters,
                const BoundContext& context) {
  const auto& stored = context.stored_elements();
  const size_t slot = static_cast<size_t>(std::lower_bound(stored.begin(), stored.end(), source) - stored.begin());
  SubProblem child;
  child.bounds = item.bounds;
  (above ? child.bounds.lo : child.bounds.hi)[slot] = at;
  child.disjunct = item.node->disjunct;
  child.bound = item.out.bound;
  child.depth = item.node->depth + 1;
  child.constraint = item.constraint;
  child.enough = item.enough;
  child.first_stale_op = std::min(item.stale_op, context.program().op_of[source]);
  child.rebound_depth = item.rebound_depth;
  child.slopes = parameters.slopes;
  child.splits = parameters.splits;
  child.multipliers = parameters.multipliers;
  return child;
}

// An input or affine element that a curve or product reads, and the room that its lines leave to the bound.
struct Bend {
  ElementId source = 0;
  double middle = 0, room = 0;
};

// The one with the most room (general branching; Shi et al. 2024). None when all of them together leave less than what
// is missing: then the rest is rounding, or softmax.
std::optional<Bend> choose_bend(const BoundContext& context, const Lanes& lanes, int lane, double missing) {
  const BoundProgram& program = context.program();
  std::optional<Bend> best;
  double total = 0;
  for (const CoreOp& op : program.program.ops) {
    const bool product = op.kind == CoreKind::kProduct;
    if (!product && (op.kind != CoreKind::kUnary || is_hinge(op))) continue;
    for (uint32_t i = 0; i < op.count; ++i) {
      const ElementId e = op.first + i;
      const double a = std::fabs(static_cast<double>(lanes.coefficient(lane, e)));
      if (a == 0) continue;
      const Lines& lines = context.lines(e);
      double gap = lines.upper_offset - lines.lower_offset;
      Bend widest;
      double width = 0;
      for (size_t k = 0; k < (product ? 2 : 1); ++k) {
        const ElementId c = op.source[product ? 2 * size_t{i} + k : i];
        const double l = context.lo(c), h = context.hi(c), middle = l + (h - l) * 0.5;
        const SecondSlopes second =
            k == 1 ? context.second_slopes(e) : SecondSlopes{lines.lower_slope, lines.upper_slope};
        gap += (second.upper - second.lower) * middle;
        const CoreKind kind = program.program.ops[program.op_of[c]].kind;
        const bool can_split = kind == CoreKind::kAffine || kind == CoreKind::kInput;
        if (!can_split || !(l < middle && middle < h) || h - l <= width) continue;
        width = h - l;
        widest = {c, middle, 0};
      }
      total += a * gap;
      widest.room = a * gap;
      if (width > 0 && (!best || widest.room > best->room)) best = widest;
    }
  }
  return 2 * total > missing ? best : std::nullopt;
}

void split(Item& item, const Bend& bend, const SweepParameters& parameters, Workspace& work) {
  if (bend.source < work.context.program().program.input_count)
    item.code.split_input(bend.source);
  else
    item.code.split_element(bend.source, bend.middle);
  item.out.code = item.code.take();
  for (const bool above : {false, true})
    item.out.children.push_back(half(item, bend.source, bend.middle, above, parameters, work.context));
}

void split(Item& item, const Choice& choice, const SweepParameters& parameters, Workspace& work) {
  item.code.split_element(choice.source);
  item.out.code = item.code.take();
  for (const bool active : {false, true}) {
    SubProblem child = half(item, choice.source, 0, active, parameters, work.context);
    child.bound = std::max(item.out.bound, std::min(active ? choice.active : choice.inactive, 0.0));
    const auto at = std::lower_bound(child.splits.begin(), child.splits.end(), choice.source);
    if (at == child.splits.end() || *at != choice.source) {
      child.multipliers.insert(child.multipliers.begin() + (at - child.splits.begin()),
                               active ? choice.multiplier : 0.0f);
      child.splits.insert(at, choice.source);
    }
    item.out.children.push_back(std::move(child));
  }
}

}  // namespace

std::vector<Expansion> expand_by_neuron(const Problem& problem, std::span<const SubProblem* const> nodes,
                                        Workspace& work, const Confirm& confirm) {
  std::vector<Item> items(nodes.size());
  if (!work.lanes) work.lanes = std::make_unique<Lanes>(*problem.program);
  Lanes& lanes = *work.lanes;
  lanes.clear();
  bool warm = true;
  for (size_t k = 0; k < nodes.size(); ++k) {
    Item& item = items[k];
    item.node = nodes[k];
    warm &= item.node->depth > 0;
    prepare(problem, item, work);
    if (!item.open) continue;
    item.bounds = work.context.store();
    const NumericDisjunct& disjunct = problem.disjuncts[item.node->disjunct];
    if (disjunct.constraints.empty()) {
      item.out.stuck = true;
      item.open = false;
      continue;
    }
    lanes.load(static_cast<int>(k), work.context, disjunct.constraints[item.constraint],
               {item.node->slopes, item.node->splits, item.node->multipliers}, item.enough);
  }
  const bool ascended = lanes.ascend(warm ? kNodeIterations : kRootIterations, warm, work.stop);
  for (Item& item : items) {
    if (ascended || !item.open) continue;
    item.out.stopped = true;
    item.open = false;
  }
  for (size_t k = 0; k < items.size(); ++k) {
    Item& item = items[k];
    if (!item.open) continue;
    const int lane = static_cast<int>(k);
    const double bound = lanes.bound(lane);
    item.out.bound = std::min(std::max(item.node->bound, bound), 0.0);
    if (bound > item.enough) try_to_close(problem, item, bound, lanes.slopes(lane), work);
  }
  const auto chosen = choose_neurons(items, lanes);
  std::vector<double> point;
  for (size_t k = 0; k < items.size(); ++k) {
    Item& item = items[k];
    if (!item.open) continue;
    const int lane = static_cast<int>(k);
    if (!chosen[k]) {  // All neurons are fixed: the rigorous sweep decides, or what curves and products read is split.
      try_to_close(problem, item, lanes.bound(lane), lanes.slopes(lane), work);
      if (!item.open) continue;
      const std::optional<Bend> bend = choose_bend(work.context, lanes, lane, -item.out.bound);
      item.out.stuck = !bend;
      if (!bend) continue;
      lanes.minimizer(lane, point);
      item.out.witness = try_point(problem, item.node->disjunct, work.evaluator, point, "branch and bound", confirm);
      if (!item.out.witness) split(item, *bend, lanes.parameters(lane), work);
      continue;
    }
    lanes.minimizer(lane, point);
    item.out.witness = try_point(problem, item.node->disjunct, work.evaluator, point, "branch and bound", confirm);
    if (!item.out.witness) split(item, *chosen[k], lanes.parameters(lane), work);
  }
  std::vector<Expansion> expansions;
  for (Item& item : items) expansions.push_back(std::move(item.out));
  return expansions;
}

}  // namespace axiom
