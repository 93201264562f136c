// How messages name a node: "node 17 'conv1' (Conv): weight has 3 channels, input has 4".
#pragma once

#include <string>

#include "base/result.h"
#include "graph/graph.h"

namespace axiom {

std::string describe(const Node& node);  ///< "node 17 'conv1' (Conv)"

/// The model is malformed at `node`, or asks for something that cannot be run.
Error rejected(const Node& node, const std::string& what);

/// The node can be run, but spec/operators.md gives it no certified meaning.
Error uncertified(const Node& node, const std::string& why);

/// A cap would be exceeded at `node`.
Error too_large(const Node& node, const std::string& what);

}  // namespace axiom
