#include "tests/build.h"

#include <cstring>

#include "error.h"
#include "onnx.h"
#include "sha256.h"
#include "tests/test.h"

namespace build {

void put_varint(Bytes& out, uint64_t value) {
  for (; value >= 128; value >>= 7) out.push_back(uint8_t(value | 128));
  out.push_back(uint8_t(value));
}

Message& Message::integer(uint32_t field, int64_t value) {
  put_varint(out, field << 3);
  put_varint(out, uint64_t(value));
  return *this;
}

Message& Message::bytes(uint32_t field, const Bytes& value) {
  put_varint(out, field << 3 | 2);
  put_varint(out, value.size());
  out.insert(out.end(), value.begin(), value.end());
  return *this;
}

Message& Message::text(uint32_t field, const std::string& value) {
  return bytes(field, Bytes(value.begin(), value.end()));
}

Message& Message::float32(uint32_t field, float value) {
  put_varint(out, field << 3 | 5);
  put_f32(out, value);
  return *this;
}

Message float_tensor(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values) {
  Message tensor;
  for (const int64_t dimension : shape) tensor.integer(1, dimension);
  Bytes raw;
  for (const float value : values) put_f32(raw, value);
  return tensor.integer(2, 1).text(8, name).bytes(9, raw);
}

Message int_tensor(const std::string& name, const std::vector<int64_t>& shape, const std::vector<int64_t>& values) {
  Message tensor;
  for (const int64_t dimension : shape) tensor.integer(1, dimension);
  Bytes packed;
  for (const int64_t value : values) put_varint(packed, uint64_t(value));
  return tensor.integer(2, 7).text(8, name).bytes(7, packed);
}

Message int_attribute(const std::string& name, int64_t value) {
  return Message().text(1, name).integer(3, value).integer(20, 2);
}

Message ints_attribute(const std::string& name, const std::vector<int64_t>& values) {
  Message attribute = Message().text(1, name).integer(20, 7);
  for (const int64_t value : values) attribute.integer(8, value);
  return attribute;
}

Message float_attribute(const std::string& name, float value) {
  return Message().text(1, name).float32(2, value).integer(20, 1);
}

Message string_attribute(const std::string& name, const std::string& value) {
  return Message().text(1, name).text(4, value).integer(20, 3);
}

Message tensor_attribute(const std::string& name, const Message& tensor) {
  return Message().text(1, name).add(5, tensor).integer(20, 4);
}

Model& Model::input(const std::string& name, const std::vector<int64_t>& shape) {
  Message dimensions;
  for (const int64_t dimension : shape) dimensions.add(1, Message().integer(1, dimension));
  const Message type = Message().add(1, Message().integer(1, 1).add(2, dimensions));
  graph.add(11, Message().text(1, name).add(2, type));
  return *this;
}

Model& Model::output(const std::string& name) {
  graph.add(12, Message().text(1, name));
  return *this;
}

Model& Model::constant(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values) {
  graph.add(5, float_tensor(name, shape, values));
  return *this;
}

Model& Model::integers(const std::string& name, const std::vector<int64_t>& values) {
  graph.add(5, int_tensor(name, {int64_t(values.size())}, values));
  return *this;
}

Model& Model::node(const std::string& op, const std::vector<std::string>& inputs, const std::string& output,
                   const std::vector<Message>& attributes) {
  Message node;
  for (const std::string& input : inputs) node.text(1, input);
  node.text(2, output).text(3, "n_" + output).text(4, op);
  for (const Message& attribute : attributes) node.add(5, attribute);
  graph.add(1, node);
  return *this;
}

Bytes Model::bytes() const { return Message().integer(1, 8).add(7, graph).add(8, Message().integer(2, opset)).out; }

checker::Program Model::lower() const {
  const Bytes model = bytes();
  return checker::lower(checker::read_onnx(model), {});
}

Bytes certificate(const Claim& claim) {
  const std::span property(reinterpret_cast<const uint8_t*>(claim.property.data()), claim.property.size());
  const checker::Program program = checker::lower(checker::read_onnx(claim.model), {});
  const checker::Property parsed = checker::read_property(property, claim.semantics, program);
  Bytes out{'A', 'X', 'C', 'E', 'R', 'T', '0', '1', uint8_t(claim.semantics)};
  for (const checker::Digest& digest : {checker::sha256(claim.model), checker::sha256(property)}) {
    out.insert(out.end(), digest.begin(), digest.end());
  }
  put_varint(out, program.inputs());
  put_varint(out, program.outputs.size());
  put_varint(out, program.operators.size());
  put_varint(out, program.elements());
  put_varint(out, parsed.disjuncts.size());
  put_varint(out, claim.tree.size());
  return join({out, claim.tree});
}

checker::Outcome check(const Claim& claim, const Bytes& certificate, const std::vector<unsigned>& threads) {
  const std::span property(reinterpret_cast<const uint8_t*>(claim.property.data()), claim.property.size());
  const checker::Outcome outcome = checker::check(certificate, claim.model, property);
  for (const unsigned count : threads) {
    const checker::Division division{.threads = count, .parts_per_thread = 1, .least_work = 0};
    const checker::Outcome again = checker::check(certificate, claim.model, property, {}, nullptr, division);
    EXPECT_NOTE(again.result == outcome.result && again.reason == outcome.reason && again.nodes == outcome.nodes &&
                    again.leaves == outcome.leaves,
                again.reason + " instead of " + outcome.reason);
  }
  return outcome;
}

checker::Outcome check(const Claim& claim) { return check(claim, certificate(claim)); }

void put_f64(Bytes& out, double value) {
  uint8_t raw[8];
  std::memcpy(raw, &value, 8);
  out.insert(out.end(), raw, raw + 8);
}

void put_f32(Bytes& out, float value) {
  uint8_t raw[4];
  std::memcpy(raw, &value, 4);
  out.insert(out.end(), raw, raw + 4);
}

Bytes join(const std::vector<Bytes>& parts) {
  Bytes out;
  for (const Bytes& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

std::string box_property(int inputs, double lo, double hi, int outputs, const std::string& unsafe) {
  std::string out;
  for (int j = 0; j < inputs; ++j) out += checker::text("(declare-const X_", j, " Real)\n");
  for (int k = 0; k < outputs; ++k) out += checker::text("(declare-const Y_", k, " Real)\n");
  for (int j = 0; j < inputs; ++j) {
    out += checker::text("(assert (>= X_", j, " ", checker::number(lo), "))\n");
    out += checker::text("(assert (<= X_", j, " ", checker::number(hi), "))\n");
  }
  return out + "(assert " + unsafe + ")\n";
}

}  // namespace build
