// Tensors named on the command line: FILE or NAME=FILE, and random ones.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "tensor/tensor.h"

namespace axiom::cli {

using TensorMap = std::map<std::string, Tensor>;

/// A tensor for each of `values` (inputs or outputs of the graph), from arguments "FILE" or "NAME=FILE"; FILE is .npy
/// or .json. A FILE without name is for the only value, or holds an object of them by name. Dtypes are converted, and
/// shapes may differ in extents of 1 or be flat. Values that no argument gives are absent. `what` ("input") is for
/// messages.
Result<TensorMap> read_tensor_arguments(const Graph& graph, const std::vector<ValueId>& values,
                                        const std::vector<std::string>& arguments, std::string_view what);

/// Uniform numbers: in [-1, 1) for floats, 0 or 1 for the rest. The same for the same seed on every machine.
Tensor random_tensor(const TensorType& type, uint64_t seed);

/// The part of NAME=FILE after the name if `argument` begins with the name of a value, else all of it under "".
std::pair<std::string, std::string> split_argument(const Graph& graph, const std::vector<ValueId>& values,
                                                   const std::string& argument);

/// The tensor's entries as doubles (exact up to 2^53 for integers).
std::vector<double> entries(const Tensor& tensor);

}  // namespace axiom::cli
