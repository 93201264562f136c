// How far two conforming machines may differ at one node: the parity budget.
//
// End to end such bounds are vacuous after ten layers. Fed with equal inputs, however, each machine's result of one
// node lies within the node's bound of spec/operators.md section 5, hence two of them within twice that bound.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"
#include "tensor/tensor.h"

namespace axiom {

/// For each entry of the node's first output, how far a covered evaluation may be from the exact result when the node's
/// inputs are these. Zero for data movement. Errors: kNotCertifiable when the node has no certified meaning.
Result<std::vector<double>> error_budget(const Graph& graph, const Node& node, std::span<const Tensor* const> inputs);

struct NodeComparison {
  const Node* node = nullptr;
  size_t recording = 0;   ///< Where the worst entry is.
  bool budgeted = false;  ///< False: the node has no certified meaning, or that of Softmax, which admits every
                          ///< distribution; only agreement to 1e-4 is asked for.
  double worst = 0;       ///< Greatest |ours - theirs| / allowed, at `entry`; infinite when only one of them is finite.
  int64_t entry = 0;
  double ours = 0, theirs = 0, allowed = 0;
  bool agrees() const { return worst <= 1; }
};

/// What another machine computed, by name of value. Constants need not be there.
using Recording = std::map<std::string, Tensor>;

/// Evaluates every node of a shape-inferred graph from the recorded values of its inputs and compares its first output
/// with the recorded one: one comparison per node, the worst over all recordings. Nodes whose output is constant or not
/// recorded are skipped; a missing or misshapen input is an error.
Result<std::vector<NodeComparison>> compare_nodes(const Graph& graph, std::span<const Recording> recordings);

}  // namespace axiom
