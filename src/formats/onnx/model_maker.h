// Small ONNX models for tests, written with the generated protobuf classes.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "formats/onnx/onnx.pb.h"

namespace axiom::onnx {

inline std::string bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

class ModelMaker {
 public:
  explicit ModelMaker(int64_t opset = 14) {
    model.set_ir_version(8);
    model.add_opset_import()->set_version(opset);
    model.mutable_graph()->set_name("g");
  }

  GraphProto& graph() { return *model.mutable_graph(); }

  ModelMaker& input(const std::string& name, const std::vector<int64_t>& shape) {
    ValueInfoProto& value = *graph().add_input();
    value.set_name(name);
    TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
    type.set_elem_type(1);
    type.mutable_shape();
    for (const int64_t extent : shape) type.mutable_shape()->add_dim()->set_dim_value(extent);
    return *this;
  }

  ModelMaker& output(const std::string& name) {
    graph().add_output()->set_name(name);
    return *this;
  }

  TensorProto& initializer(const std::string& name, const std::vector<int64_t>& shape, int32_t data_type = 1) {
    TensorProto& tensor = *graph().add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(data_type);
    for (const int64_t extent : shape) tensor.add_dims(extent);
    return tensor;
  }

  ModelMaker& weights(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values) {
    initializer(name, shape).set_raw_data(bytes_of(values));
    return *this;
  }

  NodeProto& node(const std::string& op_type, const std::vector<std::string>& inputs, const std::string& output) {
    NodeProto& node = *graph().add_node();
    node.set_op_type(op_type);
    for (const std::string& name : inputs) node.add_input(name);
    node.add_output(output);
    return node;
  }

  std::string bytes() const { return model.SerializeAsString(); }

  ModelProto model;
};

inline AttributeProto& attribute(NodeProto& node, const std::string& name, AttributeProto::AttributeType type) {
  AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(type);
  return attribute;
}

/// y = relu(W x + b).
inline ModelMaker small_network() {
  ModelMaker maker;
  maker.input("x", {1, 2}).weights("w", {2, 2}, {1, 2, 3, 4}).weights("b", {2}, {0.5f, -0.5f});
  attribute(maker.node("Gemm", {"x", "w", "b"}, "h"), "transB", AttributeProto::INT).set_i(1);
  maker.node("Relu", {"h"}, "y").set_name("relu");
  maker.output("y");
  return maker;
}

}  // namespace axiom::onnx
