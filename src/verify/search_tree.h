// What a search leaves behind for reports and region maps. It proves nothing: a certificate does.
#pragma once

#include <cstdint>
#include <vector>

#include "verify/problem.h"
#include "verify/proof.h"
#include "verify/witness.h"

namespace axiom {

struct SearchTree {
  struct Node {
    uint32_t parent = 0;  ///< Index; of the root 0.
    uint32_t depth = 0;
    NodeState state = NodeState::kOpen;
    ElementId split = kNoElement;  ///< An input when below the number of inputs, else a neuron.
    double split_at = 0;
    double bound = -kInfinity;
  };
  std::vector<Node> nodes;          ///< Parents first, siblings in order; the children of the root are the disjuncts.
  std::vector<Witness> violations;  ///< All that were met.
};

SearchTree summarize_tree(const ProofNode& root);

/// A box of inputs and what is known about one disjunct in it.
struct InputRegion {
  size_t disjunct = 0;
  NodeState state = NodeState::kOpen;  ///< kClosed: no input of it meets the disjunct. kViolated: some input does.
  std::vector<double> lo, hi;
  double share = 0;  ///< Of the volume of the disjunct's box, over its inputs that are not fixed.
};

/// The leaves of the splits on inputs, in the order of the tree. A split on a neuron cuts no box: below it a box is
/// closed when all its parts are.
std::vector<InputRegion> input_regions(const SearchTree& tree, const Problem& problem);

}  // namespace axiom
