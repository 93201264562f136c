// The driver of branch and bound: a best-first queue, worker threads, the proof tree, and the attack that goes first.
#include "verify/search.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>

#include "verify/strategy.h"
#include "verify/tightening.h"

namespace axiom {
namespace {

using Clock = std::chrono::steady_clock;

// Descents before anything is bounded, and for disjuncts that their first bounds do not prove; and the shares of the
// time that they may take. Bounding a large network may take all the rest.
constexpr int kFirstRestarts = 2, kLaterRestarts = 30;
constexpr double kFirstShare = 0.3, kLaterShare = 0.1;
// The input box is split with so many free inputs; with more, up to the second, if there are only so many neurons an
// input.
constexpr size_t kFewInputs = 12, kMostInputs = 20, kFewNeurons = 8;
// Multiplications for tightening neurons at the root, for every second of the time limit: about a tenth of what one
// processor does.
constexpr double kTighteningWork = 2e9;
constexpr size_t kKeptViolations = 10000;

// Inputs worth splitting: a decimal that is no double leaves an interval one unit in the last place wide, under `real`.
size_t free_inputs(const NumericDisjunct& disjunct) {
  size_t count = 0;
  for (size_t j = 0; j < disjunct.lo.size(); ++j) {
    const double size = spec_max(std::fabs(disjunct.lo[j]), std::fabs(disjunct.hi[j]));
    count += disjunct.hi[j] - disjunct.lo[j] > 0x1p-50 * size;
  }
  return count;
}

// Elements that can be split for; max-pooling and softmax have none.
size_t neurons(const Program& program) {
  size_t count = 0;
  for (const CoreOp& op : program.ops)
    count += op.kind == CoreKind::kUnary || op.kind == CoreKind::kProduct ? op.count : 0;
  return count;
}

class Driver {
 public:
  Driver(const Problem& problem, SearchOptions& options, const Confirm& confirm)
      : problem_(problem),
        options_(options),
        confirm_(confirm),
        start_(Clock::now()),
        neurons_(neurons(problem.program->program)),
        stored_(BoundContext(*problem.program, problem.semantics).stored_elements()) {
    next_checkpoint_ = options.checkpoint.every_seconds;
  }

  SearchResult run();

 private:
  void root();
  bool root_by_draft(Workspace& work);
  bool settled(const StoredBounds& bounds, Workspace& work) const;
  bool root_by_intervals();
  bool attack_round(const std::vector<size_t>& disjuncts, int restarts, double share);
  std::vector<size_t> open_disjuncts() const;
  void expand_roots();
  void worker();
  bool splits_input(size_t disjunct) const {
    const size_t inputs = free_inputs(problem_.disjuncts[disjunct]);
    return neurons_ == 0 || inputs <= kFewInputs || (inputs <= kMostInputs && neurons_ <= kFewNeurons * inputs);
  }
  bool by_input(const SubProblem& problem) const { return splits_input(problem.disjunct); }
  std::vector<Expansion> expand(std::span<const OpenNode> batch, Workspace& work) const;
  void finish(std::span<OpenNode> batch, std::vector<Expansion> expansions);
  void finish_node(OpenNode& open, Expansion expansion);
  void note_split(ProofNode& node, const std::vector<SubProblem>& children) const;
  void map_violation(OpenNode& open, Witness witness);
  void restore(SavedSearch saved);
  void save_if_due();
  void save();
  void save_at_end(SearchResult& result);
  void end(SearchEnd how);
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  bool out_of_time() const { return seconds() > options_.timeout_seconds; }
  bool must_stop() const { return ended_ || out_of_time() || interrupted(); }
  void end_by_limit() { end(interrupted() ? SearchEnd::kInterrupted : SearchEnd::kTime); }
  bool interrupted() const { return options_.stop != nullptr && options_.stop->load(); }
  void push(OpenNode open);
  void push(SubProblem problem, ProofNode* proof) { push(OpenNode{std::move(problem), proof}); }
  OpenNode pop();
  std::vector<OpenNode> pop_batch();
  ProofNode* new_proof_node();
  void report();

  const Problem& problem_;
  SearchOptions& options_;
  const Confirm& confirm_;
  const Clock::time_point start_;
  const size_t neurons_;
  const std::vector<ElementId> stored_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<double, OpenNode> queue_;  // By bound: the least, most violated, first.
  std::deque<ProofNode> proof_nodes_;
  ProofNode* root_ = nullptr;
  size_t busy_ = 0, queue_bytes_ = 0;
  std::optional<SearchEnd> end_;
  std::atomic<bool> ended_ = false;  // end_ is set; readable without the mutex.
  std::optional<Witness> witness_;
  uint64_t nodes_ = 0, leaves_ = 0, followed_ = 0;
  bool gap_ = false;
  double gap_bound_ = kInfinity;
  double next_report_ = 0;
  double closed_share_ = 0, earlier_seconds_ = 0;
  bool attacked_ = false;                  // The long attack is over.
  std::set<const OpenNode*> in_progress_;  // Open, but not in the queue.
  std::vector<Witness> violations_;        // With map_violations.
  double next_checkpoint_ = 0;
  bool saved_now_ = false;  // Nothing has changed since the last save.
  Status saved_;
};

ProofNode* Driver::new_proof_node() {
  proof_nodes_.emplace_back();
  return &proof_nodes_.back();
}

size_t bytes_of(const SubProblem& p) {
  return 16 * p.bounds.lo.size() + 4 * p.slopes.size() + 12 * p.splits.size() + 200;
}

void Driver::push(OpenNode open) {
  queue_bytes_ += bytes_of(open.problem);
  const double key = open.problem.bound;
  queue_.emplace(key, std::move(open));
}

// Best first; once the open sub-problems fill half the memory, the ones nearest to a proof first.
OpenNode Driver::pop() {
  auto it = queue_.begin();
  if (queue_bytes_ > options_.memory_bytes / 2) it = std::prev(queue_.end());
  OpenNode open = std::move(it->second);
  queue_bytes_ -= bytes_of(open.problem);
  queue_.erase(it);
  return open;
}

void Driver::end(SearchEnd how) {
  if (!end_) end_ = how;
  ended_ = true;
  changed_.notify_all();
}

void Driver::report() {
  if (!options_.on_progress || seconds() < next_report_) return;
  next_report_ = seconds() + (options_.keep_tree ? 0.01 : 0.1);
  SearchStatistics now{.seconds = seconds(),
                       .nodes = nodes_,
                       .leaves = leaves_,
                       .open = queue_.size() + busy_,
                       .worst_bound = queue_.empty() ? 0 : queue_.begin()->first,
                       .closed_share = closed_share_,
                       .earlier_seconds = earlier_seconds_};
  options_.on_progress(now);
}

bool Driver::attack_round(const std::vector<size_t>& disjuncts, int restarts, double share) {
  Evaluator evaluator(*problem_.program);
  AttackPlan plan;
  plan.seed = options_.seed;
  plan.restarts = restarts;
  const double limit = std::min(options_.timeout_seconds, seconds() + std::max(0.05, share * options_.timeout_seconds));
  plan.stop = [&] { return interrupted() || seconds() > limit; };
  witness_ = attack(problem_, disjuncts, evaluator, plan, confirm_);
  if (!witness_) return false;
  if (options_.map_violations) {
    violations_.push_back(*witness_);
    return false;
  }
  end(SearchEnd::kViolated);
  return true;
}

std::vector<size_t> Driver::open_disjuncts() const {
  std::vector<size_t> open(problem_.disjuncts.size());
  for (const auto& [bound, item] : queue_) open[item.problem.disjunct] = 1;
  std::vector<size_t> list;
  for (size_t d = 0; d < open.size(); ++d) {
    if (open[d]) list.push_back(d);
  }
  return list;
}

// The root as in the draft; false, and nothing has changed, when that does not lead on.
bool Driver::root_by_draft(Workspace& work) {
  OpenNode whole{{}, root_, options_.draft};
  whole.problem.bounds = work.context.store();
  SubProblem start;
  std::optional<Expansion> expansion =
      follow_draft(problem_, whole.problem, *options_.draft, /*is_root=*/true, work, start);
  if (expansion && !expansion->stopped) {
    finish_node(whole, std::move(*expansion));
    return true;
  }
  work.context.reset(problem_.hull_lo, problem_.hull_hi);
  return false;
}

// PROPAGATE over the hull of all disjuncts, then one sub-problem per disjunct.
void Driver::root() {
  root_ = new_proof_node();
  Workspace work(problem_);
  work.stop = [this] { return must_stop(); };
  work.context.reset(problem_.hull_lo, problem_.hull_hi);
  if (options_.draft != nullptr && root_by_draft(work)) return;
  PropagatePlan plan;
  plan.check_premise = true;
  plan.stop = work.stop;
  ThreadPool threads(options_.threads);
  plan.threads = &threads;
  ProofCode code;
  code.propagate(plan);
  switch (propagate(work.context, work.sweep, plan)) {
    case PropagateEnd::kOverflow:
      return end(SearchEnd::kOverflow);
    case PropagateEnd::kStopped:
      return end_by_limit();
    case PropagateEnd::kDone:
      break;
  }
  ++nodes_;
  if (work.context.empty()) {
    code.empty();
    root_->code = code.take();
    root_->state = NodeState::kClosed;
    closed_share_ = 1;
    ++leaves_;
    return;
  }
  if (!splits_input(0) && !settled(work.context.store(), work))
    tighten(work, threads, kTighteningWork * options_.nominal_seconds, code);
  code.split_all_disjuncts();
  root_->code = code.take();
  root_->state = NodeState::kSplit;
  const StoredBounds bounds = work.context.store();
  for (size_t d = 0; d < problem_.disjuncts.size(); ++d) {
    root_->children.push_back(new_proof_node());
    push(first_sub_problem(problem_, d, bounds), root_->children.back());
  }
}

// Whether all disjuncts are refuted by the bounds as they stand; then nothing need be tightened.
bool Driver::settled(const StoredBounds& bounds, Workspace& work) const {
  for (size_t d = 0; d < problem_.disjuncts.size(); ++d) {
    if (!first_sub_problem(problem_, d, bounds).propagated ||
        !(bound_forms(problem_, problem_.disjuncts[d], work).best > 0))
      return false;
  }
  return true;
}

// What follows from softmax alone holds whatever the logits are, as long as they are finite: interval steps, which cost
// next to nothing, prove it before anything else is tried. Only for disjuncts that all have the same box.
bool Driver::root_by_intervals() {
  const std::vector<CoreOp>& ops = problem_.program->program.ops;
  if (std::none_of(ops.begin(), ops.end(), [](const CoreOp& op) { return op.kind == CoreKind::kSoftmax; }))
    return false;
  Workspace work(problem_);
  work.context.reset(problem_.hull_lo, problem_.hull_hi);
  PropagatePlan plan;
  plan.sweep_all = false;
  plan.check_premise = true;
  if (propagate(work.context, work.sweep, plan) != PropagateEnd::kDone || work.context.empty()) return false;
  const StoredBounds bounds = work.context.store();
  std::vector<std::pair<std::string, double>> leaves;  // Code and bound.
  for (size_t d = 0; d < problem_.disjuncts.size(); ++d) {
    if (must_stop() || !first_sub_problem(problem_, d, bounds).propagated) return false;
    const FormBounds forms = bound_forms(problem_, problem_.disjuncts[d], work);
    if (!(forms.best > 0)) return false;
    ProofCode code;
    code.refute(forms.constraint, SlopeSpec{forms.rule, {}, {}});
    leaves.emplace_back(code.take(), forms.best);
  }
  root_ = new_proof_node();
  ProofCode code;
  code.propagate(plan);
  code.split_all_disjuncts();
  root_->code = code.take();
  root_->state = NodeState::kSplit;
  for (auto& [leaf, bound] : leaves) {
    root_->children.push_back(new_proof_node());
    root_->children.back()->code = std::move(leaf);
    root_->children.back()->state = NodeState::kClosed;
    root_->children.back()->bound = bound;
  }
  nodes_ += 1 + leaves.size();
  leaves_ += leaves.size();
  return true;
}

// Which stored element the parts of a split differ in; what follows from it in only one of them comes later.
void Driver::note_split(ProofNode& node, const std::vector<SubProblem>& children) const {
  const StoredBounds &first = children.front().bounds, &last = children.back().bounds;
  for (size_t k = 0; k < first.lo.size(); ++k) {
    if (first.lo[k] == last.lo[k] && first.hi[k] == last.hi[k]) continue;
    node.split = stored_[k];
    node.split_at = first.hi[k];
    return;
  }
}

// Splits the side that is longest in proportion to the box of the disjunct, until the box is small enough to show.
void Driver::map_violation(OpenNode& open, Witness witness) {
  const NumericDisjunct& box = problem_.disjuncts[open.problem.disjunct];
  if (!witness_) witness_ = witness;
  if (violations_.size() < kKeptViolations) violations_.push_back(std::move(witness));
  const StoredBounds& bounds = open.problem.bounds;
  size_t longest = 0;
  double greatest = 0;
  for (size_t j = 0; j < box.lo.size(); ++j) {
    const double whole = box.hi[j] - box.lo[j], middle = bounds.lo[j] + (bounds.hi[j] - bounds.lo[j]) * 0.5;
    if (!(bounds.lo[j] < middle && middle < bounds.hi[j]) || (bounds.hi[j] - bounds.lo[j]) / whole <= greatest)
      continue;
    greatest = (bounds.hi[j] - bounds.lo[j]) / whole;
    longest = j;
  }
  if (open.problem.depth >= kMapDepth || greatest == 0) {
    open.proof->state = NodeState::kViolated;
    return;
  }
  open.proof->state = NodeState::kSplit;
  open.proof->split = stored_[longest];
  open.proof->split_at = bounds.lo[longest] + (bounds.hi[longest] - bounds.lo[longest]) * 0.5;
  for (int side = 0; side < 2; ++side) {
    SubProblem child = open.problem;
    (side == 0 ? child.bounds.hi : child.bounds.lo)[longest] = open.proof->split_at;
    child.propagated = false;
    ++child.depth;
    open.proof->children.push_back(new_proof_node());
    push(std::move(child), open.proof->children.back());
  }
}

void Driver::finish_node(OpenNode& open, Expansion expansion) {
  saved_now_ = false;
  ++nodes_;
  followed_ += expansion.followed;
  if (expansion.witness && options_.map_violations) return map_violation(open, std::move(*expansion.witness));
  if (expansion.witness) {
    open.proof->state = NodeState::kViolated;
    witness_ = std::move(expansion.witness);
    return end(SearchEnd::kViolated);
  }
  if (expansion.stopped) {
    push(std::move(open));  // Still open; keeps its bound in the report.
    return end_by_limit();
  }
  open.proof->code = std::move(expansion.code);
  open.proof->bound = expansion.bound;
  if (expansion.closed) {
    ++leaves_;
    closed_share_ += std::ldexp(1.0 / static_cast<double>(problem_.disjuncts.size()),
                                -static_cast<int>(std::min(open.problem.depth, 2000u)));
    open.proof->state = NodeState::kClosed;
    return;
  }
  if (expansion.stuck) {
    gap_ = true;
    gap_bound_ = std::min(gap_bound_, expansion.bound);
    open.proof->state = NodeState::kStuck;
    return;
  }
  open.proof->state = NodeState::kSplit;
  if (options_.keep_tree) note_split(*open.proof, expansion.children);
  for (size_t k = 0; k < expansion.children.size(); ++k) {
    open.proof->children.push_back(new_proof_node());
    OpenNode child{std::move(expansion.children[k]), open.proof->children.back()};
    if (expansion.followed) child.draft = open.draft->children[k];
    push(std::move(child));
  }
  if (queue_bytes_ > options_.memory_bytes) end(SearchEnd::kMemory);
}

// One that is split by input, or several that are split by neuron: as many as go together, with some left for the other
// threads.
std::vector<OpenNode> Driver::pop_batch() {
  std::vector<OpenNode> batch;
  const size_t threads = static_cast<size_t>(options_.threads);
  const size_t most = std::min<size_t>(Lanes::kCount, (queue_.size() + threads - 1) / threads);
  do {
    batch.push_back(pop());
  } while (batch.size() < most && !by_input(batch.back().problem));
  return batch;
}

std::vector<Expansion> Driver::expand(std::span<const OpenNode> batch, Workspace& work) const {
  std::vector<Expansion> expansions(batch.size());
  std::vector<SubProblem> starts(batch.size());  // Where a draft fails.
  std::vector<const SubProblem*> nodes;
  std::vector<size_t> places;
  for (size_t k = 0; k < batch.size(); ++k) {
    const SubProblem* node = &batch[k].problem;
    if (batch[k].draft != nullptr) {
      if (auto followed = follow_draft(problem_, *node, *batch[k].draft, /*is_root=*/false, work, starts[k])) {
        expansions[k] = std::move(*followed);
        continue;
      }
      node = &starts[k];
    }
    nodes.push_back(node);
    places.push_back(k);
  }
  if (nodes.empty()) return expansions;
  if (by_input(*nodes.front())) {
    expansions[places.front()] = expand_by_input(problem_, *nodes.front(), work, confirm_);
    return expansions;
  }
  std::vector<Expansion> found = expand_by_neuron(problem_, nodes, work, confirm_);
  for (size_t n = 0; n < found.size(); ++n) expansions[places[n]] = std::move(found[n]);
  return expansions;
}

// The first sub-problem of every disjunct, before threads start and before the long attack.
void Driver::expand_roots() {
  Workspace work(problem_);
  work.stop = [this] { return must_stop(); };
  std::vector<OpenNode> roots;
  while (!queue_.empty()) roots.push_back(pop());
  const auto expanded = [](const OpenNode& open) { return open.problem.depth > 0; };  // Before the checkpoint.
  const auto later = std::stable_partition(roots.begin(), roots.end(), std::not_fn(expanded));
  for (auto open = later; open != roots.end(); ++open) push(std::move(*open));
  roots.erase(later, roots.end());
  for (const OpenNode& open : roots) in_progress_.insert(&open);
  for (size_t first = 0; first < roots.size();) {
    save_if_due();
    const size_t most = by_input(roots[first].problem) ? 1 : std::min<size_t>(Lanes::kCount, roots.size() - first);
    const std::span<OpenNode> batch = std::span(roots).subspan(first, most);
    first += most;
    if (!end_ && must_stop()) end_by_limit();
    if (end_) {
      for (OpenNode& open : batch) push(std::move(open));  // Keeps its bound in the report.
    } else {
      finish(batch, expand(batch, work));
    }
    for (const OpenNode& open : batch) in_progress_.erase(&open);
  }
}

void Driver::restore(SavedSearch saved) {
  proof_nodes_ = std::move(saved.nodes);
  root_ = &proof_nodes_.front();
  for (OpenNode& open : saved.open) push(std::move(open.problem), open.proof);
  nodes_ = saved.progress.nodes;
  leaves_ = saved.progress.leaves;
  earlier_seconds_ = saved.progress.seconds;
  closed_share_ = saved.progress.closed_share;
  attacked_ = saved.progress.attacked;
  gap_ = saved.progress.gap;
  gap_bound_ = saved.progress.gap_bound;
}

// With the mutex held, or alone. What other threads work at is saved as open.
void Driver::save() {
  SearchSnapshot snapshot{{.seconds = earlier_seconds_ + seconds(),
                           .closed_share = closed_share_,
                           .gap_bound = gap_bound_,
                           .nodes = nodes_,
                           .leaves = leaves_,
                           .attacked = attacked_,
                           .gap = gap_},
                          root_,
                          {}};
  for (const auto& [bound, open] : queue_) snapshot.open.emplace(open.proof, &open.problem);
  for (const OpenNode* open : in_progress_) snapshot.open.emplace(open->proof, &open->problem);
  saved_ = write_checkpoint(options_.checkpoint.path, options_.checkpoint.identity, snapshot);
  saved_now_ = static_cast<bool>(saved_);
}

void Driver::save_if_due() {
  const double began = seconds();
  if (options_.checkpoint.path.empty() || began < next_checkpoint_ || end_) return;
  save();
  const double cost = seconds() - began;
  next_checkpoint_ = seconds() + std::max(options_.checkpoint.every_seconds, 20 * cost);
}

void Driver::worker() {
  Workspace work(problem_);
  work.stop = [this] { return must_stop(); };
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return end_ || !queue_.empty() || busy_ == 0; });
    if (end_ || queue_.empty()) break;
    if (must_stop()) return end_by_limit();
    report();
    save_if_due();
    std::vector<OpenNode> batch = pop_batch();
    for (const OpenNode& open : batch) in_progress_.insert(&open);
    busy_ += batch.size();
    lock.unlock();
    std::vector<Expansion> expansions = expand(batch, work);
    lock.lock();
    for (const OpenNode& open : batch) in_progress_.erase(&open);
    busy_ -= batch.size();
    finish(batch, std::move(expansions));
    changed_.notify_all();
  }
  changed_.notify_all();
}

void Driver::finish(std::span<OpenNode> batch, std::vector<Expansion> expansions) {
  for (size_t k = 0; k < batch.size(); ++k) finish_node(batch[k], std::move(expansions[k]));
}

// What a time-out or Ctrl-C leaves can be gone on from; so can a long search that was killed while it was sealed.
void Driver::save_at_end(SearchResult& result) {
  const bool limited =
      result.end == SearchEnd::kTime || result.end == SearchEnd::kMemory || result.end == SearchEnd::kInterrupted;
  const bool worth = limited || (result.end == SearchEnd::kProved && seconds() > options_.checkpoint.every_seconds);
  const bool has_tree = root_ != nullptr && root_->state != NodeState::kOpen;
  if (!options_.checkpoint.path.empty() && worth && has_tree && !saved_now_) save();
  result.checkpoint = saved_now_;
  result.saved = saved_;
}

SearchResult Driver::run() {
  SearchResult result;
  if (problem_.disjuncts.empty()) {
    result.end = SearchEnd::kProved;
    return result;
  }
  if (const Witness* known = options_.known_witness) {
    witness_ = confirm_(known->disjunct, known->input, known->origin);
    if (witness_) end(SearchEnd::kViolated);
  }
  std::vector<size_t> all(problem_.disjuncts.size());
  std::iota(all.begin(), all.end(), size_t{0});
  if (options_.resume) {
    restore(std::move(*options_.resume));
  } else {
    attacked_ = options_.draft != nullptr;  // What proves the other semantics leaves next to nothing to find.
    const bool proved = !end_ && root_by_intervals();
    if (!proved && !end_ && (attacked_ || !attack_round(all, kFirstRestarts, kFirstShare))) root();
  }
  if (!end_) expand_roots();
  if (!end_ && !queue_.empty() && !attacked_ && !witness_) attack_round(open_disjuncts(), kLaterRestarts, kLaterShare);
  attacked_ = !end_;
  if (!end_) {
    std::vector<std::thread> threads;
    for (int t = 1; t < options_.threads; ++t) threads.emplace_back([this] { worker(); });
    worker();
    for (std::thread& t : threads) t.join();
  }
  double worst = gap_bound_;
  if (!queue_.empty()) worst = std::min(worst, queue_.begin()->first);
  result.statistics = {.seconds = seconds(),
                       .nodes = nodes_,
                       .leaves = leaves_,
                       .open = queue_.size(),
                       .followed = followed_,
                       .worst_bound = worst,
                       .closed_share = closed_share_,
                       .earlier_seconds = earlier_seconds_};
  result.end = witness_ ? SearchEnd::kViolated : end_ ? *end_ : gap_ ? SearchEnd::kGap : SearchEnd::kProved;
  result.witness = witness_;
  if (result.end == SearchEnd::kProved) {
    result.proof = serialize(*root_);
    result.statistics.leaves = count_leaves(*root_);
  }
  save_at_end(result);
  if (options_.keep_tree && root_ != nullptr) result.tree = summarize_tree(*root_);
  result.tree.violations = std::move(violations_);
  if (result.end == SearchEnd::kProved) result.nodes = std::move(proof_nodes_);
  return result;
}

}  // namespace

SubProblem first_sub_problem(const Problem& problem, size_t disjunct, const StoredBounds& bounds) {
  const NumericDisjunct& box = problem.disjuncts[disjunct];
  SubProblem child;
  child.bounds = bounds;
  child.disjunct = disjunct;
  child.propagated = true;
  for (size_t j = 0; j < problem.hull_lo.size(); ++j) {
    child.propagated &= box.lo[j] <= bounds.lo[j] && box.hi[j] >= bounds.hi[j];
    child.bounds.lo[j] = spec_max(child.bounds.lo[j], box.lo[j]);
    child.bounds.hi[j] = spec_min(child.bounds.hi[j], box.hi[j]);
  }
  return child;
}

SearchResult search(const Problem& problem, SearchOptions options, const Confirm& confirm) {
  return Driver(problem, options, confirm).run();
}

}  // namespace axiom
