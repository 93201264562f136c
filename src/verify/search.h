// Branch and bound: the search for a proof or a counterexample.
//
// Best-first over sub-problems. Whether a sub-problem is split on an input coordinate or on an unstable neuron, and how
// it is bounded, is decided by a strategy that looks at the network (strategy.h). Every bound comes from the rules
// of spec/certificate.md, so that a finished search *is* a proof tree. The tree does not depend on the number of
// threads.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include "verify/attack.h"
#include "verify/problem.h"
#include "verify/witness.h"

namespace axiom {

enum class SearchEnd { kProved, kViolated, kTime, kMemory, kInterrupted, kOverflow, kGap };

struct SearchStatistics {
  double seconds = 0;
  uint64_t nodes = 0, leaves = 0, open = 0;
  double worst_bound = 0;  ///< Least bound among the open sub-problems.
};

struct SearchOptions {
  double timeout_seconds = 60;
  int threads = 1;
  uint64_t seed = 1;
  size_t memory_bytes = size_t{6} << 30;  ///< For open sub-problems.
  const std::atomic<bool>* stop = nullptr;
  const Witness* known_witness = nullptr;  ///< Of the other semantics: tried first. May be null.
  std::function<void(const SearchStatistics&)> on_progress;
};

struct SearchResult {
  SearchEnd end = SearchEnd::kGap;
  std::string proof;  ///< kProved: the tree of section 8.
  std::optional<Witness> witness;
  SearchStatistics statistics;
};

/// Decides the problem. `confirm` must be callable from several threads.
SearchResult search(const Problem& problem, const SearchOptions& options, const Confirm& confirm);

}  // namespace axiom
