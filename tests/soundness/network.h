// Networks of the suite: a list of ONNX nodes over tensors with static shapes, and their ONNX bytes.
//
// The suite gives these networks a meaning of its own (meaning.h); nothing of src/graph or src/ops is used.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace axiom::soundness {

using Extents = std::vector<int64_t>;
using Setting = std::variant<int64_t, float, std::vector<int64_t>>;
using Settings = std::map<std::string, Setting>;

int64_t entries_of(const Extents& shape);

struct NetworkValue {
  Extents shape;
  std::optional<std::vector<float>> constant;
  std::optional<std::vector<int64_t>> integers;  ///< A constant int64 tensor (shapes).
};

struct NetworkNode {
  std::string type;
  std::vector<int> inputs;
  int output = 0;
  Settings settings;
};

struct Network {
  std::vector<NetworkValue> values;
  std::vector<NetworkNode> nodes;
  std::vector<int> inputs, outputs;

  int input(Extents shape);
  int constant(Extents shape, std::vector<float> data);
  /// Appends a node; its output's shape follows from the type, inputs and settings.
  int node(const std::string& type, std::vector<int> operands, Settings settings = {});
  int reshape(int value, Extents shape);

  const Extents& shape(int value) const { return values[static_cast<size_t>(value)].shape; }
  int64_t input_count() const;
  int64_t output_count() const;
  std::string onnx_bytes() const;
};

/// Setting of a node, or a default.
template <typename T>
T setting(const NetworkNode& node, const std::string& name, T otherwise) {
  const auto it = node.settings.find(name);
  return it == node.settings.end() ? otherwise : std::get<T>(it->second);
}

/// Extents of the numpy broadcast of two shapes that do broadcast.
Extents broadcast(const Extents& a, const Extents& b);
/// For each row-major entry of `to`, the entry of a tensor of shape `from` that broadcasts there.
std::vector<int64_t> broadcast_entries(const Extents& from, const Extents& to);

}  // namespace axiom::soundness
