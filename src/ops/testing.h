// Graphs for tests, built in memory: node by node, or one node around a sample of an operator.
#pragma once

#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "graph/infer.h"
#include "ops/registry.h"

namespace axiom::testing {

class GraphBuilder {
 public:
  explicit GraphBuilder(int opset = 13) : opset_(opset) {}

  ValueId input(Shape shape, DType dtype = DType::kFloat32) {
    const ValueId id = value("x" + std::to_string(graph_.inputs.size()));
    graph_.values[id].type = TensorType{dtype, std::move(shape)};
    graph_.inputs.push_back(id);
    return id;
  }

  ValueId constant(Tensor tensor) {
    const ValueId id = value("c" + std::to_string(graph_.values.size()));
    graph_.values[id].constant = std::move(tensor);
    return id;
  }

  ValueId floats(Shape shape, const std::vector<float>& values) { return constant(Tensor::from<float>(shape, values)); }
  ValueId integers(const std::vector<int64_t>& values) {
    return constant(Tensor::from<int64_t>({static_cast<int64_t>(values.size())}, values));
  }

  /// The first output of a new node.
  ValueId node(const std::string& op_type, std::vector<ValueId> inputs,
               std::map<std::string, Attribute> attributes = {}, size_t outputs = 1) {
    Node node;
    node.op_type = op_type;
    node.index = static_cast<int>(graph_.nodes.size());
    node.name = op_type + "_" + std::to_string(node.index);
    node.opset = opset_;
    node.inputs = std::move(inputs);
    node.attributes = std::move(attributes);
    node.op = find_operator(op_type);
    AXIOM_CHECK(node.op != nullptr);
    for (size_t i = 0; i < outputs; ++i) node.outputs.push_back(value(node.name + "_" + std::to_string(i)));
    graph_.nodes.push_back(node);
    return node.outputs[0];
  }

  void output(ValueId id) { graph_.outputs.push_back(id); }

  Graph& graph() { return graph_; }

  /// The graph with inferred types; ends the process when inference refuses it.
  Graph finish() {
    const Status inferred = infer_shapes(graph_);
    if (!inferred) std::fprintf(stderr, "%s\n", inferred.error().message.c_str());
    AXIOM_CHECK(static_cast<bool>(inferred));
    return graph_;
  }

 private:
  ValueId value(std::string name) {
    graph_.values.push_back({.name = std::move(name), .type = {}, .constant = {}});
    return static_cast<ValueId>(graph_.values.size() - 1);
  }

  int opset_;
  Graph graph_;
};

/// Reproducible numbers without structure, in [-scale, scale].
inline Tensor random_tensor(const Shape& shape, uint32_t seed, float scale = 1.0F) {
  std::mt19937 random(seed);
  Tensor tensor(DType::kFloat32, shape);
  for (float& entry : tensor.mutable_data<float>())
    entry = (static_cast<float>(random() >> 8) * 0x1p-23F - 1.0F) * scale;
  return tensor;
}

/// Random numbers for all inputs of a graph.
inline std::vector<Tensor> random_inputs(const Graph& graph, uint32_t seed, float scale = 1.0F) {
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.inputs) inputs.push_back(random_tensor(graph.values[id].type->shape, seed++, scale));
  return inputs;
}

/// A float32 tensor as float64; other dtypes as they are.
inline Tensor widened(const Tensor& tensor) {
  if (tensor.dtype() != DType::kFloat32) return tensor;
  const auto values = tensor.data<float>();
  return Tensor::from<double>(tensor.shape(), std::vector<double>(values.begin(), values.end()));
}

}  // namespace axiom::testing
