// ModelProto -> Graph.
#pragma once

#include "base/result.h"
#include "formats/onnx/onnx.pb.h"
#include "graph/graph.h"

namespace axiom::onnx {

/// Checks the rules of the format and builds the graph. Takes the weights out of `model`. `folder` is where external
/// data lies, empty when there may be none. Leaves model_digest empty.
Result<Graph> build_graph(ModelProto& model, const std::string& folder);

}  // namespace axiom::onnx
