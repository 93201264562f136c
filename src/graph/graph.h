// The graph IR: what a reader produces and everything else consumes.
//
// A Graph is a list of nodes in topological order over named-by-index values. Constants (initialisers, Constant
// nodes, folded results) are values with a tensor. After `infer_shapes` every value has dtype and static shape.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "tensor/tensor.h"

namespace axiom {

using ValueId = int32_t;
inline constexpr ValueId kNoValue = -1;  ///< An omitted optional input or output.

using Attribute = std::variant<int64_t, float, std::string, Tensor, std::vector<int64_t>, std::vector<float>>;

struct TensorType {
  DType dtype = DType::kFloat32;
  Shape shape;
};

struct Value {
  std::string name;
  std::optional<TensorType> type;  ///< Known for inputs and, after infer_shapes, for all.
  std::optional<Tensor> constant;  ///< Set when the value does not depend on the inputs.
};

class Operator;  // graph/operator.h

struct Node {
  std::string op_type;
  std::string name;              ///< Never empty: unnamed nodes are called "<op_type>_<index>".
  int index = 0;                 ///< Position in the file, for messages.
  int opset = 0;                 ///< Version of the operator set the model imports.
  std::vector<ValueId> inputs;   ///< kNoValue for an omitted optional input.
  std::vector<ValueId> outputs;  ///< kNoValue for an unused optional output.
  std::map<std::string, Attribute> attributes;
  const Operator* op = nullptr;  ///< Registry entry; set when the graph is built.
};

struct Graph {
  std::string name;
  std::vector<Value> values;
  std::vector<Node> nodes;       ///< Topological order (every input is a constant, a graph input or an earlier output).
  std::vector<ValueId> inputs;   ///< Without initialisers; their order defines X_0, X_1, ... (spec/operators.md).
  std::vector<ValueId> outputs;  ///< Their order defines Y_0, Y_1, ...
  std::string model_digest;      ///< Lower-case hex SHA-256 of the decompressed model bytes; empty if built in memory.
};

}  // namespace axiom
