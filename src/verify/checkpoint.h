// Checkpoints: the state of a search in a file, to go on from after a time-out, Ctrl-C or kill -9.
//
// A file appears complete or not at all (base/files.h) and ends with its own digest. It belongs to one question: model,
// property, semantics and version of the program. Nothing in it is believed: what a resumed search proves still goes
// through axiom-check, and a file that was forged so that the numbers are wrong leads to a certificate that is
// rejected.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "verify/problem.h"
#include "verify/proof.h"
#include "verify/strategy.h"

namespace axiom {

/// The question that a checkpoint belongs to.
struct CheckpointIdentity {
  std::string version;  ///< Of the program: another one may split or bound differently.
  std::string model_digest, property_digest;
  Semantics semantics = Semantics::kFloat32;
};

/// The figures of a search under way.
struct SearchFigures {
  double seconds = 0, closed_share = 0, gap_bound = kInfinity;
  uint64_t nodes = 0, leaves = 0;
  bool attacked = false, gap = false;
};

/// A node of the proof tree that waits for its turn.
struct OpenNode {
  SubProblem problem;
  ProofNode* proof = nullptr;
  const ProofNode* draft = nullptr;  ///< To be followed; null: none. A checkpoint does not keep it.
};

/// What is written: a view of the search.
struct SearchSnapshot {
  SearchFigures progress;
  const ProofNode* root = nullptr;
  std::unordered_map<const ProofNode*, const SubProblem*> open;  ///< Every node of state kOpen.
};

/// What was read.
struct SavedSearch {
  SearchFigures progress;
  std::deque<ProofNode> nodes;  ///< The root first; they point to each other.
  std::vector<OpenNode> open;

  SavedSearch() = default;
  SavedSearch(SavedSearch&&) = default;  // Keeps the addresses of the nodes; a copy would not.
  SavedSearch& operator=(SavedSearch&&) = default;
};

Status write_checkpoint(const std::string& path, const CheckpointIdentity& identity, const SearchSnapshot& snapshot);

/// kInvalidInput: damaged, or of another question. `problem` is the question that `identity` names.
Result<SavedSearch> read_checkpoint(const std::string& path, const CheckpointIdentity& identity,
                                    const Problem& problem);

}  // namespace axiom
