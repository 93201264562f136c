// The driver of branch and bound: a best-first queue, worker threads, the proof tree, and the attack that goes first.
#include "verify/search.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <numeric>
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
constexpr size_t kInputSplitLimit = 12;  // Free inputs up to which the input box is split.

// Inputs worth splitting: a decimal that is no double leaves an interval one unit in the last place wide, under `real`.
size_t free_inputs(const NumericDisjunct& disjunct) {
  size_t count = 0;
  for (size_t j = 0; j < disjunct.lo.size(); ++j) {
    const double size = spec_max(std::fabs(disjunct.lo[j]), std::fabs(disjunct.hi[j]));
    count += disjunct.hi[j] - disjunct.lo[j] > 0x1p-50 * size;
  }
  return count;
}

bool splits_input(const NumericDisjunct& disjunct) { return free_inputs(disjunct) <= kInputSplitLimit; }

struct Open {
  SubProblem problem;
  ProofNode* proof;
};

class Driver {
 public:
  Driver(const Problem& problem, const SearchOptions& options, const Confirm& confirm)
      : problem_(problem), options_(options), confirm_(confirm), start_(Clock::now()) {}

  SearchResult run();

 private:
  void root();
  bool settled(const StoredBounds& bounds, Workspace& work) const;
  bool root_by_intervals();
  SubProblem first_sub_problem(size_t disjunct, const StoredBounds& bounds) const;
  bool attack_round(const std::vector<size_t>& disjuncts, int restarts, double share);
  std::vector<size_t> open_disjuncts() const;
  void expand_roots();
  void worker();
  bool by_input(const SubProblem& problem) const { return splits_input(problem_.disjuncts[problem.disjunct]); }
  std::vector<Expansion> expand(std::span<const Open> batch, Workspace& work) const;
  void finish(std::span<const Open> batch, std::vector<Expansion> expansions);
  void finish_node(const Open& open, Expansion expansion);
  void end(SearchEnd how);
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  bool out_of_time() const { return seconds() > options_.timeout_seconds; }
  bool must_stop() const { return ended_ || out_of_time() || interrupted(); }
  void end_by_limit() { end(interrupted() ? SearchEnd::kInterrupted : SearchEnd::kTime); }
  bool interrupted() const { return options_.stop != nullptr && options_.stop->load(); }
  void push(SubProblem problem, ProofNode* proof);
  Open pop();
  std::vector<Open> pop_batch();
  ProofNode* new_proof_node();
  void report();

  const Problem& problem_;
  const SearchOptions& options_;
  const Confirm& confirm_;
  const Clock::time_point start_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<double, Open> queue_;  // By bound: the least, most violated, first.
  std::deque<ProofNode> proof_nodes_;
  ProofNode* root_ = nullptr;
  size_t busy_ = 0, queue_bytes_ = 0;
  std::optional<SearchEnd> end_;
  std::atomic<bool> ended_ = false;  // end_ is set; readable without the mutex.
  std::optional<Witness> witness_;
  uint64_t nodes_ = 0, leaves_ = 0;
  bool gap_ = false;
  double gap_bound_ = kInfinity;
  double next_report_ = 0.1;
};

ProofNode* Driver::new_proof_node() {
  proof_nodes_.emplace_back();
  return &proof_nodes_.back();
}

size_t bytes_of(const SubProblem& p) {
  return 16 * p.bounds.lo.size() + 4 * p.slopes.size() + 12 * p.splits.size() + 200;
}

void Driver::push(SubProblem problem, ProofNode* proof) {
  queue_bytes_ += bytes_of(problem);
  const double key = problem.bound;
  queue_.emplace(key, Open{std::move(problem), proof});
}

// Best first; once the open sub-problems fill half the memory, the ones nearest to a proof first.
Open Driver::pop() {
  auto it = queue_.begin();
  if (queue_bytes_ > options_.memory_bytes / 2) it = std::prev(queue_.end());
  Open open = std::move(it->second);
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
  next_report_ = seconds() + 0.1;
  SearchStatistics now{seconds(), nodes_, leaves_, queue_.size() + busy_, queue_.empty() ? 0 : queue_.begin()->first};
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
  if (witness_) end(SearchEnd::kViolated);
  return witness_.has_value();
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

// PROPAGATE over the hull of all disjuncts, then one sub-problem per disjunct.
void Driver::root() {
  root_ = new_proof_node();
  Workspace work(problem_);
  work.context.reset(problem_.hull_lo, problem_.hull_hi);
  PropagatePlan plan;
  plan.check_premise = true;
  plan.stop = [this] { return must_stop(); };
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
    ++leaves_;
    return;
  }
  work.stop = plan.stop;
  if (!splits_input(problem_.disjuncts.front()) && !settled(work.context.store(), work)) tighten(work, code);
  code.split_all_disjuncts();
  root_->code = code.take();
  const StoredBounds bounds = work.context.store();
  for (size_t d = 0; d < problem_.disjuncts.size(); ++d) {
    root_->children.push_back(new_proof_node());
    push(first_sub_problem(d, bounds), root_->children.back());
  }
}

// Whether all disjuncts are refuted by the bounds as they stand; then nothing need be tightened.
bool Driver::settled(const StoredBounds& bounds, Workspace& work) const {
  for (size_t d = 0; d < problem_.disjuncts.size(); ++d) {
    if (!first_sub_problem(d, bounds).propagated || !(bound_forms(problem_, problem_.disjuncts[d], work).best > 0))
      return false;
  }
  return true;
}

SubProblem Driver::first_sub_problem(size_t disjunct, const StoredBounds& bounds) const {
  const NumericDisjunct& box = problem_.disjuncts[disjunct];
  SubProblem child;
  child.bounds = bounds;
  child.disjunct = disjunct;
  child.propagated = true;
  for (size_t j = 0; j < problem_.hull_lo.size(); ++j) {
    child.propagated &= box.lo[j] <= bounds.lo[j] && box.hi[j] >= bounds.hi[j];
    child.bounds.lo[j] = spec_max(child.bounds.lo[j], box.lo[j]);
    child.bounds.hi[j] = spec_min(child.bounds.hi[j], box.hi[j]);
  }
  return child;
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
  std::vector<std::string> leaves;
  for (size_t d = 0; d < problem_.disjuncts.size(); ++d) {
    if (must_stop() || !first_sub_problem(d, bounds).propagated) return false;
    const FormBounds forms = bound_forms(problem_, problem_.disjuncts[d], work);
    if (!(forms.best > 0)) return false;
    ProofCode code;
    code.refute(forms.constraint, SlopeSpec{forms.rule, {}, {}});
    leaves.push_back(code.take());
  }
  root_ = new_proof_node();
  ProofCode code;
  code.propagate(plan);
  code.split_all_disjuncts();
  root_->code = code.take();
  for (std::string& leaf : leaves) {
    root_->children.push_back(new_proof_node());
    root_->children.back()->code = std::move(leaf);
  }
  nodes_ += 1 + leaves.size();
  leaves_ += leaves.size();
  return true;
}

void Driver::finish_node(const Open& open, Expansion expansion) {
  ++nodes_;
  open.proof->code = std::move(expansion.code);
  if (expansion.witness) {
    witness_ = std::move(expansion.witness);
    return end(SearchEnd::kViolated);
  }
  if (expansion.stopped) {
    gap_bound_ = std::min(gap_bound_, open.problem.bound);
    return end_by_limit();
  }
  if (expansion.closed) {
    ++leaves_;
    return;
  }
  if (expansion.stuck) {
    gap_ = true;
    gap_bound_ = std::min(gap_bound_, expansion.bound);
    return;
  }
  for (SubProblem& child : expansion.children) {
    open.proof->children.push_back(new_proof_node());
    push(std::move(child), open.proof->children.back());
  }
  if (queue_bytes_ > options_.memory_bytes) end(SearchEnd::kMemory);
}

// One that is split by input, or several that are split by neuron: as many as go together, with some left for the other
// threads.
std::vector<Open> Driver::pop_batch() {
  std::vector<Open> batch;
  const size_t threads = static_cast<size_t>(options_.threads);
  const size_t most = std::min<size_t>(Lanes::kCount, (queue_.size() + threads - 1) / threads);
  do {
    batch.push_back(pop());
  } while (batch.size() < most && !by_input(batch.back().problem));
  return batch;
}

std::vector<Expansion> Driver::expand(std::span<const Open> batch, Workspace& work) const {
  if (by_input(batch.front().problem)) {
    std::vector<Expansion> one;
    one.push_back(expand_by_input(problem_, batch.front().problem, work, confirm_));
    return one;
  }
  std::vector<const SubProblem*> nodes;
  for (const Open& open : batch) nodes.push_back(&open.problem);
  return expand_by_neuron(problem_, nodes, work, confirm_);
}

// The first sub-problem of every disjunct, before threads start and before the long attack.
void Driver::expand_roots() {
  Workspace work(problem_);
  work.stop = [this] { return must_stop(); };
  std::vector<Open> roots;
  while (!queue_.empty()) roots.push_back(pop());
  for (size_t first = 0; first < roots.size();) {
    const size_t most = by_input(roots[first].problem) ? 1 : std::min<size_t>(Lanes::kCount, roots.size() - first);
    const std::span<Open> batch = std::span(roots).subspan(first, most);
    first += most;
    if (!end_ && must_stop()) end_by_limit();
    if (end_) {
      for (Open& open : batch) push(std::move(open.problem), open.proof);  // Keeps its bound in the report.
    } else {
      finish(batch, expand(batch, work));
    }
  }
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
    const std::vector<Open> batch = pop_batch();
    busy_ += batch.size();
    lock.unlock();
    std::vector<Expansion> expansions = expand(batch, work);
    lock.lock();
    busy_ -= batch.size();
    finish(batch, std::move(expansions));
    changed_.notify_all();
  }
  changed_.notify_all();
}

void Driver::finish(std::span<const Open> batch, std::vector<Expansion> expansions) {
  for (size_t k = 0; k < batch.size(); ++k) finish_node(batch[k], std::move(expansions[k]));
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
  const bool proved = !end_ && root_by_intervals();
  if (!proved && !end_ && !attack_round(all, kFirstRestarts, kFirstShare)) root();
  if (!end_) expand_roots();
  if (!end_ && !queue_.empty()) attack_round(open_disjuncts(), kLaterRestarts, kLaterShare);
  if (!end_) {
    std::vector<std::thread> threads;
    for (int t = 1; t < options_.threads; ++t) threads.emplace_back([this] { worker(); });
    worker();
    for (std::thread& t : threads) t.join();
  }
  result.statistics = {seconds(), nodes_, leaves_, queue_.size(), 0};
  double worst = gap_bound_;
  if (!queue_.empty()) worst = std::min(worst, queue_.begin()->first);
  result.statistics.worst_bound = worst;
  result.end = end_ ? *end_ : gap_ ? SearchEnd::kGap : SearchEnd::kProved;
  result.witness = witness_;
  if (result.end == SearchEnd::kProved) {
    result.proof = serialize(*root_);
    result.statistics.leaves = count_leaves(*root_);
  }
  return result;
}

}  // namespace

SearchResult search(const Problem& problem, const SearchOptions& options, const Confirm& confirm) {
  return Driver(problem, options, confirm).run();
}

}  // namespace axiom
