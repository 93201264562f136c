// Building the graph: names become value numbers, Constant nodes become constants, and the other nodes are put in the
// order that spec/operators.md defines: repeatedly the lowest file index whose inputs are available.
#include "formats/onnx/graph_builder.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "formats/onnx/attribute_reader.h"
#include "formats/onnx/external_data.h"
#include "formats/onnx/tensor_reader.h"
#include "graph/message.h"
#include "ops/registry.h"

namespace axiom::onnx {
namespace {

constexpr int kMaxNodes = 1'000'000;
constexpr size_t kMaxNameLength = 1'000;
constexpr int64_t kOldestOpset = 7, kNewestOpset = 28;

bool is_default_domain(std::string_view domain) { return domain.empty() || domain == "ai.onnx"; }

/// A name may stand in a message: one line, of bounded length.
bool is_printable(std::string_view name) {
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; };
  return name.size() <= kMaxNameLength && std::none_of(name.begin(), name.end(), is_control);
}

std::string quoted(std::string_view name) {
  return is_printable(name) ? "'" + std::string(name) + "'" : "with an unprintable name";
}

Error at(const std::string& place, const std::string& what) { return invalid_input("onnx: " + place + ": " + what); }
Error at(const std::string& place, const Error& error) { return {error.kind, "onnx: " + place + ": " + error.message}; }
Error at(const Node& node, const std::string& what) { return at(describe(node), what); }

Result<int64_t> opset_of(const ModelProto& model) {
  int64_t opset = model.opset_import_size() == 0 ? 1 : 0;  // The format's rule for its oldest versions.
  for (const OperatorSetIdProto& import : model.opset_import()) {
    if (!is_default_domain(import.domain())) continue;
    if (opset != 0 && opset != import.version())
      return invalid_input("onnx: the model imports two default operator sets");
    opset = import.version();
  }
  if (opset == 0) return invalid_input("onnx: the model imports no default operator set; is it complete?");
  if (opset < kOldestOpset || opset > kNewestOpset) {
    return invalid_input("onnx: operator set " + std::to_string(opset) +
                         " is not supported; convert the model to one of " + std::to_string(kOldestOpset) + " to " +
                         std::to_string(kNewestOpset) + " (onnx.version_converter)");
  }
  return opset;
}

/// A function may take the place of an operator of the same name, so one in the default domain cannot be ignored.
Status check_functions(const ModelProto& model) {
  for (const FunctionProto& function : model.functions()) {
    if (is_default_domain(function.domain())) {
      return at("function " + quoted(function.name()), "redefines an operator; inline it (onnx.inliner)");
    }
  }
  return {};
}

Result<TensorType> input_type(const ValueInfoProto& input) {
  if (!input.type().has_tensor_type()) return invalid_input("it is no tensor, which is not supported");
  const TypeProto::Tensor& tensor = input.type().tensor_type();
  const auto dtype = dtype_from(tensor.elem_type());
  if (!dtype) return dtype.error();
  if (!tensor.has_shape()) return invalid_input("it has no shape; export the model with one");
  TensorType type{.dtype = *dtype, .shape = {}};
  for (const TensorShapeProto::Dimension& dimension : tensor.shape().dim()) {
    type.shape.push_back(dimension.dim_value() > 0 ? dimension.dim_value() : 1);
  }
  if (const auto count = element_count(type.shape); !count) return count.error();
  return type;
}

/// The tensor of a Constant node.
Result<Tensor> constant_of(const Node& node) {
  if (node.attributes.size() != 1) return at(node, "it must have exactly one attribute, its value");
  const auto& [name, value] = *node.attributes.begin();
  if (const auto* tensor = std::get_if<Tensor>(&value); tensor && name == "value") return *tensor;
  if (const auto* f = std::get_if<float>(&value); f && name == "value_float") return Tensor::from<float>({}, {*f});
  if (const auto* i = std::get_if<int64_t>(&value); i && name == "value_int") return Tensor::from<int64_t>({}, {*i});
  if (const auto* list = std::get_if<std::vector<float>>(&value); list && name == "value_floats") {
    return Tensor::from<float>({static_cast<int64_t>(list->size())}, *list);
  }
  if (const auto* list = std::get_if<std::vector<int64_t>>(&value); list && name == "value_ints") {
    return Tensor::from<int64_t>({static_cast<int64_t>(list->size())}, *list);
  }
  return at(node, "the attribute '" + name + "' is not supported; known are value, value_float(s) and value_int(s)");
}

class GraphBuilder {
 public:
  GraphBuilder(ModelProto& model, const std::string& folder) : model_(model), external_(folder) {}
  Result<Graph> build();

 private:
  Status add_initializers();
  Status add_inputs();
  Status add_nodes();
  Result<Node> make_node(NodeProto& proto, int index);
  Status take_attributes(NodeProto& proto, Node& node);
  Status connect(const NodeProto& proto, Node& node);
  Status sort_nodes();
  Status add_outputs();
  Result<ValueId> define(const std::string& name);

  ModelProto& model_;
  ExternalData external_;
  int opset_ = 0;
  Graph graph_;
  std::unordered_map<std::string, ValueId> ids_;
  std::vector<bool> available_;  ///< By value: an input or a constant.
};

Result<Graph> GraphBuilder::build() {
  if (!model_.has_graph()) return invalid_input("onnx: the file holds no graph; is it an ONNX model?");
  if (auto checked = check_functions(model_); !checked) return checked.error();
  const auto opset = opset_of(model_);
  if (!opset) return opset.error();
  opset_ = static_cast<int>(*opset);
  if (is_printable(model_.graph().name())) graph_.name = model_.graph().name();
  for (const auto step : {&GraphBuilder::add_initializers, &GraphBuilder::add_inputs, &GraphBuilder::add_nodes,
                          &GraphBuilder::sort_nodes, &GraphBuilder::add_outputs}) {
    if (auto done = (this->*step)(); !done) return done.error();
  }
  return std::move(graph_);
}

/// The error is the part of a message after the place.
Result<ValueId> GraphBuilder::define(const std::string& name) {
  if (name.empty()) return invalid_input("it has no name");
  if (!is_printable(name)) return invalid_input("its name is unprintable or longer than 1,000 bytes");
  const auto id = static_cast<ValueId>(graph_.values.size());
  if (!ids_.emplace(name, id).second) return invalid_input("the name '" + name + "' is defined twice");
  graph_.values.push_back({.name = name, .type = {}, .constant = {}});
  available_.push_back(false);
  return id;
}

Status GraphBuilder::add_initializers() {
  GraphProto& graph = *model_.mutable_graph();
  if (graph.sparse_initializer_size() > 0) {
    return invalid_input("onnx: sparse initialisers are not supported; store them as dense tensors");
  }
  for (int i = 0; i < graph.initializer_size(); ++i) {
    TensorProto& proto = *graph.mutable_initializer(i);
    const std::string place = "initialiser " + quoted(proto.name());
    const auto id = define(proto.name());
    if (!id) return at(place, id.error());
    auto tensor = take_tensor(proto, external_);
    if (!tensor) return at(place, tensor.error());
    Value& value = graph_.values[static_cast<size_t>(*id)];
    value.type = TensorType{.dtype = tensor->dtype(), .shape = tensor->shape()};
    value.constant = *std::move(tensor);
    available_.back() = true;
  }
  return {};
}

Status GraphBuilder::add_inputs() {
  std::unordered_map<std::string_view, int> seen;
  for (const ValueInfoProto& input : model_.graph().input()) {
    const std::string place = "input " + quoted(input.name());
    if (++seen[input.name()] > 1) return at(place, "it is listed twice");
    if (ids_.contains(input.name())) continue;  // An initialiser: a constant, whatever the list says.
    const auto id = define(input.name());
    if (!id) return at(place, id.error());
    auto type = input_type(input);
    if (!type) return at(place, type.error());
    graph_.values[static_cast<size_t>(*id)].type = *std::move(type);
    available_.back() = true;
    graph_.inputs.push_back(*id);
  }
  return {};
}

Result<Node> GraphBuilder::make_node(NodeProto& proto, int index) {
  Node node;
  node.op_type = proto.op_type();
  node.index = index;
  node.opset = opset_;
  if (!is_printable(proto.op_type()) || !is_printable(proto.name()) || proto.op_type().empty()) {
    return at("node " + std::to_string(index), "it has no operator, or an unprintable name");
  }
  node.name = proto.name().empty() ? proto.op_type() + "_" + std::to_string(index) : proto.name();
  if (!is_default_domain(proto.domain())) {
    return at(node, "operators of the domain " + quoted(proto.domain()) + " are not supported; inline functions " +
                        "(onnx.inliner) or export with standard operators");
  }
  if (auto taken = take_attributes(proto, node); !taken) return taken.error();
  if (node.op_type == "Constant") return node;
  node.op = find_operator(node.op_type);
  if (node.op == nullptr) return at(node, "this operator is not supported; export the model with others");
  return node;
}

Status GraphBuilder::take_attributes(NodeProto& proto, Node& node) {
  for (int i = 0; i < proto.attribute_size(); ++i) {
    AttributeProto& attribute = *proto.mutable_attribute(i);
    if (!is_printable(attribute.name()) || attribute.name().empty()) return at(node, "an attribute has a bad name");
    auto value = take_attribute(attribute, external_);
    if (!value) return at(node, "attribute '" + attribute.name() + "' " + value.error().message);
    if (!node.attributes.emplace(attribute.name(), *std::move(value)).second) {
      return at(node, "attribute '" + attribute.name() + "' is given twice");
    }
  }
  return {};
}

Status GraphBuilder::add_nodes() {
  GraphProto& graph = *model_.mutable_graph();
  if (graph.node_size() > kMaxNodes) return invalid_input("onnx: the graph has more than 1,000,000 nodes");
  std::vector<int> kept;  // File indices of the nodes that are not constants.
  for (int index = 0; index < graph.node_size(); ++index) {
    NodeProto& proto = *graph.mutable_node(index);
    auto node = make_node(proto, index);
    if (!node) return node.error();
    for (const std::string& name : proto.output()) {
      const auto id = name.empty() ? Result<ValueId>(kNoValue) : define(name);
      if (!id) return at(*node, id.error().message);
      node->outputs.push_back(*id);
    }
    if (node->op_type != "Constant") {
      graph_.nodes.push_back(*std::move(node));
      kept.push_back(index);
      continue;
    }
    if (proto.input_size() != 0 || proto.output_size() != 1 || node->outputs[0] == kNoValue) {
      return at(*node, "it must have no input and one output");
    }
    auto tensor = constant_of(*node);
    if (!tensor) return tensor.error();
    Value& value = graph_.values[static_cast<size_t>(node->outputs[0])];
    value.type = TensorType{.dtype = tensor->dtype(), .shape = tensor->shape()};
    value.constant = *std::move(tensor);
    available_.back() = true;
  }
  for (size_t i = 0; i < kept.size(); ++i) {
    if (auto connected = connect(graph.node(kept[i]), graph_.nodes[i]); !connected) return connected;
  }
  return {};
}

Status GraphBuilder::connect(const NodeProto& proto, Node& node) {
  for (const std::string& name : proto.input()) {
    const auto known = ids_.find(name);
    if (!name.empty() && known == ids_.end()) return at(node, "its input " + quoted(name) + " is not defined");
    node.inputs.push_back(name.empty() ? kNoValue : known->second);
  }
  return {};
}

Status GraphBuilder::sort_nodes() {
  std::vector<std::vector<size_t>> users(graph_.values.size());  // Of values that no node has computed yet.
  std::vector<size_t> missing(graph_.nodes.size(), 0);
  for (size_t i = 0; i < graph_.nodes.size(); ++i) {
    for (const ValueId input : graph_.nodes[i].inputs) {
      if (input == kNoValue || available_[static_cast<size_t>(input)]) continue;
      users[static_cast<size_t>(input)].push_back(i);
      ++missing[i];
    }
  }
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  for (size_t i = 0; i < missing.size(); ++i) {
    if (missing[i] == 0) ready.push(i);
  }
  std::vector<Node> sorted;
  while (!ready.empty()) {
    Node& node = graph_.nodes[ready.top()];
    ready.pop();
    for (const ValueId output : node.outputs) {
      if (output == kNoValue) continue;
      for (const size_t user : users[static_cast<size_t>(output)]) {
        if (--missing[user] == 0) ready.push(user);
      }
    }
    sorted.push_back(std::move(node));
  }
  if (sorted.size() < graph_.nodes.size()) {
    const auto waits = std::find_if(missing.begin(), missing.end(), [](size_t count) { return count > 0; });
    return at(graph_.nodes[static_cast<size_t>(waits - missing.begin())], "it lies on or behind a cycle");
  }
  graph_.nodes = std::move(sorted);
  return {};
}

Status GraphBuilder::add_outputs() {
  for (const ValueInfoProto& output : model_.graph().output()) {
    const auto known = ids_.find(output.name());
    if (known == ids_.end()) return at("output " + quoted(output.name()), "nothing in the graph defines it");
    graph_.outputs.push_back(known->second);
  }
  return graph_.outputs.empty() ? Status(invalid_input("onnx: the graph has no outputs")) : Status();
}

}  // namespace

Result<Graph> build_graph(ModelProto& model, const std::string& folder) { return GraphBuilder(model, folder).build(); }

}  // namespace axiom::onnx
