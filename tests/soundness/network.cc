// Shapes of the suite's networks and their ONNX encoding.
#include "network.h"

#include <algorithm>
#include <numeric>

#include "formats/onnx/model_maker.h"

namespace axiom::soundness {
namespace {

using Ints = std::vector<int64_t>;

int64_t window_extent(int64_t in, int64_t kernel, int64_t stride, int64_t before, int64_t after) {
  return (in + before + after - kernel) / stride + 1;
}

Extents convolution_shape(const NetworkNode& node, const Extents& x, const Extents& kernel, int64_t channels) {
  const Ints strides = setting(node, "strides", Ints{1, 1}), pads = setting(node, "pads", Ints{0, 0, 0, 0});
  return {x[0], channels, window_extent(x[2], kernel[0], strides[0], pads[0], pads[2]),
          window_extent(x[3], kernel[1], strides[1], pads[1], pads[3])};
}

Extents matmul_shape(const Extents& a, const Extents& b) {
  Extents out(a.begin(), a.end() - 1);
  out.push_back(b.back());
  return out;
}

Extents result_shape(const Network& net, const NetworkNode& node) {
  const Extents& x = net.shape(node.inputs[0]);
  if (node.type == "Gemm") {
    const Extents& w = net.shape(node.inputs[1]);
    return {x[setting<int64_t>(node, "transA", 0) ? 1 : 0], w[setting<int64_t>(node, "transB", 0) ? 0 : 1]};
  }
  if (node.type == "MatMul") return matmul_shape(x, net.shape(node.inputs[1]));
  for (const char* type : {"Add", "Sub", "Mul", "Div", "Max", "Min"}) {
    if (node.type != type) continue;
    Extents out = x;
    for (const int value : node.inputs) out = broadcast(out, net.shape(value));
    return out;
  }
  if (node.type == "Conv") {
    const Extents& w = net.shape(node.inputs[1]);
    return convolution_shape(node, x, {w[2], w[3]}, w[0]);
  }
  if (node.type == "ConvTranspose") {
    const Extents& w = net.shape(node.inputs[1]);
    const Ints strides = setting(node, "strides", Ints{1, 1}), pads = setting(node, "pads", Ints{0, 0, 0, 0});
    return {x[0], w[1], (x[2] - 1) * strides[0] + w[2] - pads[0] - pads[2],
            (x[3] - 1) * strides[1] + w[3] - pads[1] - pads[3]};
  }
  if (node.type == "MaxPool") return convolution_shape(node, x, setting(node, "kernel_shape", Ints{}), x[1]);
  if (node.type == "Flatten") return {x[0], entries_of(x) / x[0]};
  if (node.type == "Reshape") return *net.values[static_cast<size_t>(node.inputs[1])].integers;
  if (node.type == "Transpose") {
    const Ints perm = setting(node, "perm", Ints{});
    Extents out;
    for (const int64_t axis : perm) out.push_back(x[static_cast<size_t>(axis)]);
    return out;
  }
  if (node.type == "Concat") {
    Extents out = x;
    const auto axis = static_cast<size_t>(setting<int64_t>(node, "axis", 1));
    for (size_t i = 1; i < node.inputs.size(); ++i) out[axis] += net.shape(node.inputs[i])[axis];
    return out;
  }
  return x;
}

std::string name_of(int value) { return "v" + std::to_string(value); }

void add_setting(onnx::NodeProto& node, const std::string& name, const Setting& value) {
  using Proto = onnx::AttributeProto;
  if (const auto* i = std::get_if<int64_t>(&value)) {
    onnx::attribute(node, name, Proto::INT).set_i(*i);
  } else if (const auto* f = std::get_if<float>(&value)) {
    onnx::attribute(node, name, Proto::FLOAT).set_f(*f);
  } else {
    Proto& list = onnx::attribute(node, name, Proto::INTS);
    for (const int64_t entry : std::get<Ints>(value)) list.add_ints(entry);
  }
}

}  // namespace

int64_t entries_of(const Extents& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

Extents broadcast(const Extents& a, const Extents& b) {
  Extents out(std::max(a.size(), b.size()), 1);
  for (const Extents* from : {&a, &b}) {
    const size_t lead = out.size() - from->size();
    for (size_t i = 0; i < from->size(); ++i) out[lead + i] = std::max(out[lead + i], (*from)[i]);
  }
  return out;
}

std::vector<int64_t> broadcast_entries(const Extents& from, const Extents& to) {
  std::vector<int64_t> entries;
  const size_t lead = to.size() - from.size();
  for (int64_t entry = 0; entry < entries_of(to); ++entry) {
    int64_t rest = entry, source = 0, step = 1;
    for (size_t axis = to.size(); axis-- > 0; rest /= to[axis]) {
      if (axis < lead) continue;
      const int64_t extent = from[axis - lead];
      if (extent > 1) source += rest % to[axis] * step;
      step *= extent;
    }
    entries.push_back(source);
  }
  return entries;
}

int Network::input(Extents shape) {
  values.push_back({std::move(shape), {}, {}});
  inputs.push_back(static_cast<int>(values.size()) - 1);
  return inputs.back();
}

int Network::constant(Extents shape, std::vector<float> data) {
  values.push_back({std::move(shape), std::move(data), {}});
  return static_cast<int>(values.size()) - 1;
}

int Network::node(const std::string& type, std::vector<int> operands, Settings settings) {
  NetworkNode added{type, std::move(operands), static_cast<int>(values.size()), std::move(settings)};
  values.push_back({result_shape(*this, added), {}, {}});
  nodes.push_back(std::move(added));
  return nodes.back().output;
}

int Network::reshape(int value, Extents shape) {
  values.push_back({{static_cast<int64_t>(shape.size())}, {}, shape});
  return node("Reshape", {value, static_cast<int>(values.size()) - 1});
}

int64_t Network::input_count() const {
  int64_t count = 0;
  for (const int value : inputs) count += entries_of(shape(value));
  return count;
}

int64_t Network::output_count() const {
  int64_t count = 0;
  for (const int value : outputs) count += entries_of(shape(value));
  return count;
}

std::string Network::onnx_bytes() const {
  onnx::ModelMaker maker(13);
  for (const int value : inputs) maker.input(name_of(value), shape(value));
  for (size_t i = 0; i < values.size(); ++i) {
    const NetworkValue& value = values[i];
    if (value.constant) maker.weights(name_of(static_cast<int>(i)), value.shape, *value.constant);
    if (!value.integers) continue;
    onnx::TensorProto& tensor = maker.initializer(name_of(static_cast<int>(i)), value.shape, 7);
    for (const int64_t entry : *value.integers) tensor.add_int64_data(entry);
  }
  for (const NetworkNode& node : nodes) {
    std::vector<std::string> names;
    for (const int value : node.inputs) names.push_back(name_of(value));
    onnx::NodeProto& proto = maker.node(node.type, names, name_of(node.output));
    for (const auto& [name, value] : node.settings) add_setting(proto, name, value);
  }
  for (const int value : outputs) maker.output(name_of(value));
  return maker.bytes();
}

}  // namespace axiom::soundness
