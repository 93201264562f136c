// Following a draft: a finished tree that was searched for another semantics.
//
// float32 covers everything that `real` does, so that its tree mostly proves `real` too. Where it does not, a few of
// its leaves fail: bounds that moved by rounding errors let a balanced neuron take the other adaptive slope, which
// moves the bounds of those behind it by much more. A search with a draft reads back the code of each node and carries
// it out under its own semantics, by the functions that the strategies call; a node where that fails is searched below
// as any other. Bounds and midpoints are computed anew from the root on, so that a node stands for what the checker
// will make of the same code, not for what it stood for in the draft. Nothing can be lost by it: a node counts as
// closed when its bound is above 0 under this semantics, and what is written is decided by axiom-check, which knows of
// no draft.
#include <algorithm>
#include <cmath>

#include "verify/strategy.h"

namespace axiom {
namespace {

using Instruction = ProofReader::Instruction;

class Follower {
 public:
  Follower(const Problem& problem, const SubProblem& node, const ProofNode& draft, Workspace& work, SubProblem& start)
      : problem_(problem),
        node_(node),
        draft_(draft),
        context_(work.context),
        work_(work),
        start_(start),
        reader_(draft.code, *problem.program) {}

  std::optional<Expansion> run(bool is_root);

 private:
  bool step(Instruction instruction, bool is_root);
  bool propagate_again(bool check_premise);
  bool tighten_again();
  std::optional<double> bound_again();
  bool split_all_disjuncts();
  bool split_at(ElementId e, std::optional<double> at);

  uint32_t operators() const { return static_cast<uint32_t>(problem_.program->ops.size()); }

  const Problem& problem_;
  const SubProblem& node_;
  const ProofNode& draft_;
  BoundContext& context_;
  Workspace& work_;
  SubProblem& start_;
  ProofReader reader_;
  Expansion out_;
  bool propagated_ = false, ended_ = false;
};

bool Follower::propagate_again(bool check_premise) {
  PropagatePlan plan = reader_.propagate();
  if (!reader_.ok()) return false;
  plan.check_premise = check_premise;
  plan.stop = work_.stop;
  propagated_ = true;
  const PropagateEnd end = propagate(context_, work_.sweep, plan);
  out_.stopped = ended_ = end == PropagateEnd::kStopped;
  return end != PropagateEnd::kOverflow;
}

bool Follower::tighten_again() {
  const uint32_t p = reader_.index(operators());
  const CoreOp& op = problem_.program->program.ops[p];
  if (!reader_.ok() || op.kind != CoreKind::kAffine) return false;
  context_.refresh(p + 1);
  std::vector<Tightening> found = reader_.tighten(p, context_);
  if (!reader_.ok()) return false;
  for (size_t first = 0; first < found.size(); first += Sweep::kMaxLanes) {
    if (work_.stop && work_.stop()) return out_.stopped = ended_ = true;
    const size_t lanes = std::min<size_t>(Sweep::kMaxLanes, found.size() - first);
    work_.sweep.begin(static_cast<int>(lanes));
    for (size_t k = 0; k < lanes; ++k) {
      const Tightening& t = found[first + k];
      work_.sweep.set_slopes(static_cast<int>(k), &t.slopes);
      work_.sweep.add(static_cast<int>(k), op.first + t.row, t.upper ? -1 : 1);
    }
    work_.sweep.run(context_, p);
    for (size_t k = 0; k < lanes; ++k) found[first + k].bound = work_.sweep.bound(static_cast<int>(k));
  }
  apply(context_, p, found);
  return true;
}

// The bound of the constraint form that a CLIP or REFUTE asks for.
std::optional<double> Follower::bound_again() {
  const std::vector<NumericConstraint>& constraints = problem_.disjuncts[node_.disjunct].constraints;
  const uint32_t constraint = reader_.index(constraints.size());
  context_.refresh(operators());
  const SlopeSpec slopes = reader_.slopes(operators(), context_);
  if (!reader_.ok()) return std::nullopt;
  // Where this does not refute, the search ascends from here.
  start_.constraint = constraint;
  if (slopes.rule == SlopeRule::kExplicit) {
    size_t open = 0;
    start_.slopes.clear();
    const auto hinges = open_hinges(context_, operators());
    for (const CoreOp& op : problem_.program->program.ops) {
      for (ElementId e = op.first; is_hinge(op) && e < op.first + op.count; ++e) {
        const bool is_open = open < hinges.size() && hinges[open].element == e;
        start_.slopes.push_back(is_open ? static_cast<float>(slopes.bytes[open++]) / 128 : 0);
      }
    }
  }
  for (const Multiplier& m : slopes.multipliers) {
    const auto at = std::lower_bound(start_.splits.begin(), start_.splits.end(), m.element);
    if (at != start_.splits.end() && *at == m.element)
      start_.multipliers[static_cast<size_t>(at - start_.splits.begin())] = m.beta;
  }
  return bound_form(constraints[constraint], slopes, work_);
}

bool Follower::split_all_disjuncts() {
  if (draft_.children.size() != problem_.disjuncts.size()) return false;
  const StoredBounds bounds = context_.store();
  for (size_t d = 0; d < problem_.disjuncts.size(); ++d)
    out_.children.push_back(first_sub_problem(problem_, d, bounds));
  return ended_ = true;
}

// As the strategies hand things down. A split without a value is at the midpoint of an input or at 0 of a neuron.
bool Follower::split_at(ElementId e, std::optional<double> at) {
  const BoundProgram& program = *problem_.program;
  const bool input = e < program.program.input_count;
  const CoreKind kind = program.program.ops[program.op_of[e]].kind;
  if (!reader_.ok() || draft_.children.size() != 2 || !(input || kind == CoreKind::kAffine)) return false;
  const double lo = context_.lo(e), hi = context_.hi(e);
  const double value = at ? *at : input ? lo + (hi - lo) * 0.5 : 0;
  const std::vector<ElementId>& stored = context_.stored_elements();
  const auto slot = static_cast<size_t>(std::lower_bound(stored.begin(), stored.end(), e) - stored.begin());
  SubProblem child;
  child.bounds = context_.store();
  child.disjunct = node_.disjunct;
  child.bound = draft_.bound;
  child.depth = node_.depth + 1;
  child.constraint = start_.constraint;
  child.splits = start_.splits;
  child.multipliers = start_.multipliers;
  child.first_stale_op = std::min(propagated_ ? ~uint32_t{0} : node_.first_stale_op, program.op_of[e]);
  child.rebound_depth = propagated_ ? node_.depth : node_.rebound_depth;
  const auto place = std::lower_bound(child.splits.begin(), child.splits.end(), e);
  if (!input && !at && (place == child.splits.end() || *place != e)) {
    child.multipliers.insert(child.multipliers.begin() + (place - child.splits.begin()), 0.0f);
    child.splits.insert(place, e);
  }
  for (const bool above : {false, true}) {
    SubProblem& half = out_.children.emplace_back(child);
    double& end = (above ? half.bounds.lo : half.bounds.hi)[slot];
    end = above ? spec_max(end, value) : spec_min(end, value);
  }
  return ended_ = true;
}

// False where the code cannot be followed.
bool Follower::step(Instruction instruction, bool is_root) {
  switch (instruction) {
    case Instruction::kPropagate:
      return propagate_again(/*check_premise=*/is_root && !propagated_);
    case Instruction::kTighten:
      return tighten_again();
    case Instruction::kClip:
      if (is_root || !bound_again()) return false;
      clip_inputs(work_);
      return true;
    case Instruction::kCase:
      return is_root && split_all_disjuncts();
    case Instruction::kSplitInput: {
      const uint32_t j = reader_.index(problem_.program->program.input_count);
      return !is_root && split_at(j, reader_.split_value());
    }
    case Instruction::kSplitElement: {
      const uint32_t e = reader_.index(problem_.program->program.element_count);
      return !is_root && split_at(e, reader_.split_value());
    }
    case Instruction::kRefute: {
      if (is_root) return false;
      const std::optional<double> bound = bound_again();
      if (!bound || !(*bound > 0)) return false;
      out_.bound = *bound;
      return out_.closed = ended_ = true;
    }
    case Instruction::kEmpty:
      if (!context_.empty()) return false;
      return out_.closed = ended_ = true;
    case Instruction::kEnd:
      return false;
  }
  return false;
}

std::optional<Expansion> Follower::run(bool is_root) {
  start_ = node_;
  context_.load(node_.bounds);
  out_.bound = draft_.bound;
  while (!ended_) {
    const Instruction next = reader_.instruction();
    if (context_.empty() && next != Instruction::kEmpty) return std::nullopt;  // The search closes it at once.
    if (!step(next, is_root) || !reader_.ok()) break;
  }
  if (out_.stopped) return std::move(out_);
  if (!reader_.at_end()) {
    // Other neurons are open than in the draft, and its slopes belong to others than these.
    start_ = node_;
    return std::nullopt;
  }
  if (!ended_) return std::nullopt;
  out_.followed = true;
  out_.code = draft_.code;
  return std::move(out_);
}

}  // namespace

std::optional<Expansion> follow_draft(const Problem& problem, const SubProblem& node, const ProofNode& draft,
                                      bool is_root, Workspace& work, SubProblem& start) {
  return Follower(problem, node, draft, work, start).run(is_root);
}

}  // namespace axiom
