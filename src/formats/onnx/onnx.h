// Reader of ONNX models.
//
// The result is a Graph in topological order (repeatedly the node with the lowest file index whose inputs are
// available), with constants as values and operators looked up in the registry; shapes are not inferred yet. A
// dimension of an input that is not positive, symbolic or absent means 1.
//
// Files are hostile: the format's rules are checked (each name defined once, every use defined, no cycle, one value
// field per tensor of exactly the size of its shape, attribute types), and sizes are capped: 2 GiB after
// decompression, 1,000,000 nodes, 2^31 elements per tensor, 512 MiB for the parsed structure without weights.
// External data lies beneath the model's folder, reached without links. What is not supported is an error that names
// it: subgraphs, functions, sparse tensors, operators outside the registry, other dtypes.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "graph/graph.h"

namespace axiom {

/// Reads a file, gzip or not. Peak memory is about that of the weights.
Result<Graph> read_onnx(const std::string& path);

/// Reads a model from memory; `folder` is where external data lies, empty when there may be none.
Result<Graph> parse_onnx(std::string_view bytes, const std::string& folder = "");

}  // namespace axiom
