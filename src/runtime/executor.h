// Executor: a graph, node by node, on a backend.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"
#include "runtime/backend.h"

namespace axiom {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

struct RunOptions {
  /// Called after each node with its inputs (nullptr for omitted ones) and outputs on the host; an error ends the run.
  /// Costs a wait per node; meant for comparing machines node by node.
  std::function<Status(const Node&, std::span<const Tensor* const> inputs, std::span<const Tensor> outputs)> on_node;
};

/// The graph's outputs, in order, for these inputs, in order. Types must be inferred (graph/infer.h).
///
/// Buffers are released as soon as nothing reads them any more. On failure, whenever it occurs, everything that was
/// submitted is awaited and released first; the error names the node and the backend. Same inputs, same bits.
Result<std::vector<NamedTensor>> run(const Graph& graph, std::span<const Tensor> inputs, Backend& backend,
                                     const RunOptions& options = {});

/// The same for float32 inputs and outputs as flat lists: X_0, X_1, ... to Y_0, Y_1, ... kInvalidInput when their
/// number is not that of the graph, or a tensor is not float32.
Result<std::vector<float>> run_flat(const Graph& graph, std::span<const float> input, Backend& backend);

/// An error unless there is one tensor per input, with its dtype and shape.
Status check_inputs(const Graph& graph, std::span<const Tensor> inputs);

}  // namespace axiom
