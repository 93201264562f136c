// Branch and bound: the search for a proof or a counterexample.
//
// Best-first over sub-problems. Whether a sub-problem is split on an input coordinate or on an unstable neuron, and how
// it is bounded, is decided by a strategy that looks at the network (strategy.h). Every bound comes from the rules
// of spec/certificate.md, so that a finished search *is* a proof tree. The tree does not depend on the number of
// threads.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "verify/attack.h"
#include "verify/checkpoint.h"
#include "verify/problem.h"
#include "verify/search_tree.h"
#include "verify/witness.h"

namespace axiom {

enum class SearchEnd { kProved, kViolated, kTime, kMemory, kInterrupted, kOverflow, kGap };

struct SearchStatistics {
  double seconds = 0;
  uint64_t nodes = 0, leaves = 0, open = 0;
  uint64_t followed = 0;       ///< Of the nodes: as in the draft.
  double worst_bound = 0;      ///< Least bound among the open sub-problems.
  double closed_share = 0;     ///< Of the cases: a node of depth d weighs 2^-d of its disjunct.
  double earlier_seconds = 0;  ///< Of the runs that this one goes on from.
};

/// Saving the state of a search now and then, and going on from there.
struct CheckpointPlan {
  std::string path;           ///< Empty: nothing is saved.
  double every_seconds = 10;  ///< At least; more where writing takes long, so that it costs 5 % at most.
  CheckpointIdentity identity;
};

struct SearchOptions {
  double timeout_seconds = 60;
  double nominal_seconds = 60;  ///< The limit that was asked for, which says how much work is worth it: no clock does.
  int threads = 1;
  uint64_t seed = 1;
  size_t memory_bytes = size_t{6} << 30;  ///< For open sub-problems.
  const std::atomic<bool>* stop = nullptr;
  const Witness* known_witness = nullptr;  ///< Of the other semantics: tried first. May be null.
  std::function<void(const SearchStatistics&)> on_progress;
  CheckpointPlan checkpoint;
  /// A finished tree of the other semantics, to be followed as far as it leads (draft.cc); null: none.
  const ProofNode* draft = nullptr;
  std::optional<SavedSearch> resume;  ///< From read_checkpoint, of the same question.
  bool keep_tree = false;             ///< SearchResult::tree is wanted.
  bool map_violations = false;        ///< A counterexample does not end the search: its box is split on, down to
                                      ///< kMapDepth, to find out how far the violation reaches.
};

/// Depth up to which boxes that hold a counterexample are split by `map_violations`.
inline constexpr uint32_t kMapDepth = 12;

struct SearchResult {
  SearchEnd end = SearchEnd::kGap;
  std::string proof;            ///< kProved: the tree of section 8.
  std::deque<ProofNode> nodes;  ///< kProved: of that tree, the root first; none where it is empty.
  std::optional<Witness> witness;
  SearchStatistics statistics;
  SearchTree tree;          ///< With keep_tree: as far as it came.
  bool checkpoint = false;  ///< The state at the end is in the file of the plan.
  Status saved;             ///< Failure of the last attempt to save.
};

/// Decides the problem. Consumes `options.resume`. `confirm` must be callable from several threads.
SearchResult search(const Problem& problem, SearchOptions options, const Confirm& confirm);

}  // namespace axiom
