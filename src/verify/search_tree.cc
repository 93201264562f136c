// From a proof tree to what reports show of it.
#include "verify/search_tree.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

namespace axiom {
namespace {

// The state of a node with everything below it: what is worst for a proof.
int gravity(NodeState state) {
  switch (state) {
    case NodeState::kClosed:
      return 0;
    case NodeState::kStuck:
      return 2;
    case NodeState::kViolated:
      return 3;
    case NodeState::kOpen:
    case NodeState::kSplit:
      return 1;
  }
  return 1;
}

std::vector<NodeState> states_of_subtrees(const SearchTree& tree) {
  std::vector<NodeState> states(tree.nodes.size(), NodeState::kClosed);
  for (size_t i = tree.nodes.size(); i-- > 0;) {
    const SearchTree::Node& node = tree.nodes[i];
    if (node.state != NodeState::kSplit) states[i] = node.state;
    if (i > 0 && gravity(states[i]) > gravity(states[node.parent])) states[node.parent] = states[i];
  }
  return states;
}

double share_of(const InputRegion& region, const NumericDisjunct& whole) {
  double share = 1;
  for (size_t j = 0; j < whole.lo.size(); ++j) {
    const double width = whole.hi[j] - whole.lo[j];
    if (width > 0) share *= (region.hi[j] - region.lo[j]) / width;
  }
  return share;
}

}  // namespace

SearchTree summarize_tree(const ProofNode& root) {
  SearchTree tree;
  std::unordered_map<const ProofNode*, uint32_t> parents;  // Of the nodes that are still to come.
  preorder(root, [&](const ProofNode& node) {
    const auto index = static_cast<uint32_t>(tree.nodes.size());
    const auto found = parents.find(&node);
    const uint32_t parent = found == parents.end() ? 0 : found->second;
    const uint32_t depth = found == parents.end() ? 0 : tree.nodes[parent].depth + 1;
    if (found != parents.end()) parents.erase(found);
    tree.nodes.push_back({parent, depth, node.state, node.split, node.split_at, node.bound});
    for (const ProofNode* child : node.children) parents.emplace(child, index);
  });
  return tree;
}

std::vector<InputRegion> input_regions(const SearchTree& tree, const Problem& problem) {
  const std::vector<NodeState> states = states_of_subtrees(tree);
  std::vector<uint32_t> children(tree.nodes.size());
  for (size_t i = 1; i < tree.nodes.size(); ++i) ++children[tree.nodes[i].parent];
  const auto cuts_box = [&](size_t i) {
    const SearchTree::Node& node = tree.nodes[i];
    return i > 0 && node.state == NodeState::kSplit && node.split < problem.hull_lo.size() && children[i] == 2;
  };
  std::vector<std::optional<InputRegion>> boxes(tree.nodes.size());
  std::vector<uint32_t> seen(tree.nodes.size());  // Children met so far.
  std::vector<InputRegion> regions;
  if (tree.nodes.size() == 1) {  // Decided over all disjuncts at once.
    for (size_t d = 0; d < problem.disjuncts.size(); ++d)
      regions.push_back({d, states[0], problem.disjuncts[d].lo, problem.disjuncts[d].hi, 1});
    return regions;
  }
  for (size_t i = 1; i < tree.nodes.size(); ++i) {
    const uint32_t parent = tree.nodes[i].parent;
    const uint32_t place = seen[parent]++;
    if (parent == 0) {
      if (place >= problem.disjuncts.size()) continue;
      const NumericDisjunct& disjunct = problem.disjuncts[place];
      boxes[i] = InputRegion{place, states[i], disjunct.lo, disjunct.hi, 1};
    } else if (boxes[parent] && cuts_box(parent)) {
      const SearchTree::Node& split = tree.nodes[parent];
      boxes[i] = boxes[parent];
      (place == 0 ? boxes[i]->hi : boxes[i]->lo)[split.split] = split.split_at;
      if (place == 1) boxes[parent].reset();
    }
    if (!boxes[i] || cuts_box(i)) continue;
    boxes[i]->state = states[i];
    boxes[i]->share = share_of(*boxes[i], problem.disjuncts[boxes[i]->disjunct]);
    regions.push_back(std::move(*boxes[i]));
    boxes[i].reset();
  }
  return regions;
}

}  // namespace axiom
