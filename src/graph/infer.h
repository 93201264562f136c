// Shape inference with exact constant folding.
#pragma once

#include "base/result.h"
#include "graph/graph.h"

namespace axiom {

/// Gives every value its dtype and static shape, and the values that follow exactly from constants their tensor.
///
/// Only results that are exact in float32 are folded (data movement, integer shape arithmetic): folding anything else
/// would verify another model (spec/operators.md). Nodes stay in the graph. Inputs must have their type.
/// Errors name the node. After an error the graph is partly inferred and of no further use.
Status infer_shapes(Graph& graph);

}  // namespace axiom
