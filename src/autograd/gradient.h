// Reverse-mode differentiation of a graph with respect to its inputs (Linnainmaa 1976).
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"
#include "tensor/tensor.h"

namespace axiom {

struct Gradient {
  std::vector<Tensor> outputs;  ///< The graph's outputs at the point.
  std::vector<Tensor>
      inputs;  ///< One gradient per graph input, of its dtype and shape; zero where nothing depends on it.
};

/// The gradient of sum over outputs of <seed, output> at `inputs`. One seed per output, of its shape and dtype; an
/// empty Tensor counts as zero. Types must be inferred. At kinks (Relu at 0, ties in MaxPool) it is that of one of the
/// pieces.
Result<Gradient> gradient(const Graph& graph, std::span<const Tensor> inputs, std::span<const Tensor> output_seed);

}  // namespace axiom
