// Attributes: one value, of the stated type.
#include "formats/onnx/attribute_reader.h"

#include <string>
#include <utility>

#include "formats/onnx/tensor_reader.h"

namespace axiom::onnx {
namespace {

using Type = AttributeProto::AttributeType;

/// True when no field but that of `type` holds a value.
bool only_field(const AttributeProto& proto, Type type) {
  const auto absent_or = [type](bool present, Type field) { return !present || type == field; };
  return absent_or(proto.has_f(), AttributeProto::FLOAT) && absent_or(proto.has_i(), AttributeProto::INT) &&
         absent_or(proto.has_s(), AttributeProto::STRING) && absent_or(proto.has_t(), AttributeProto::TENSOR) &&
         absent_or(proto.floats_size() > 0, AttributeProto::FLOATS) &&
         absent_or(proto.ints_size() > 0, AttributeProto::INTS) && proto.strings_size() == 0 &&
         proto.tensors_size() == 0 && !proto.has_tp() && proto.type_protos_size() == 0 && !proto.has_sparse_tensor() &&
         proto.sparse_tensors_size() == 0;
}

Result<Attribute> tensor_attribute(AttributeProto& proto, ExternalData& external) {
  if (!proto.has_t()) return invalid_input("has no value");
  auto tensor = take_tensor(*proto.mutable_t(), external);
  if (!tensor) return invalid_input("holds a tensor that cannot be read: " + tensor.error().message);
  return Attribute(*std::move(tensor));
}

}  // namespace

Result<Attribute> take_attribute(AttributeProto& proto, ExternalData& external) {
  if (proto.has_g() || proto.graphs_size() > 0) {
    return invalid_input("holds a subgraph; control flow is not supported, export a model without it");
  }
  if (!proto.ref_attr_name().empty()) return invalid_input("refers to an attribute of a function; inline functions");
  if (!only_field(proto, proto.type())) return invalid_input("has a value that is not of its stated type");
  switch (proto.type()) {
    case AttributeProto::FLOAT:
      return Attribute(proto.f());
    case AttributeProto::INT:
      return Attribute(int64_t{proto.i()});
    case AttributeProto::STRING:
      return Attribute(std::string(proto.s()));
    case AttributeProto::TENSOR:
      return tensor_attribute(proto, external);
    case AttributeProto::FLOATS:
      return Attribute(std::vector<float>(proto.floats().begin(), proto.floats().end()));
    case AttributeProto::INTS:
      return Attribute(std::vector<int64_t>(proto.ints().begin(), proto.ints().end()));
    case AttributeProto::UNDEFINED:
      return invalid_input("has no type");
    default:
      return invalid_input("has a type that is not supported; known are float, int, string, tensor and lists");
  }
}

}  // namespace axiom::onnx
