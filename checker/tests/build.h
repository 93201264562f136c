// Models and certificates made by hand: a small protobuf encoder with the field
// numbers of onnx.proto, and an encoder of certificates.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checker.h"

namespace build {

using Bytes = std::vector<uint8_t>;

// ---- protobuf

void put_varint(Bytes& out, uint64_t value);

class Message {
 public:
  Message& integer(uint32_t field, int64_t value);
  Message& bytes(uint32_t field, const Bytes& value);
  Message& text(uint32_t field, const std::string& value);
  Message& float32(uint32_t field, float value);
  Message& add(uint32_t field, const Message& value) { return bytes(field, value.out); }
  Bytes out;
};

// ---- ONNX

Message float_tensor(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values);
Message int_tensor(const std::string& name, const std::vector<int64_t>& shape, const std::vector<int64_t>& values);
Message int_attribute(const std::string& name, int64_t value);
Message ints_attribute(const std::string& name, const std::vector<int64_t>& values);
Message float_attribute(const std::string& name, float value);
Message string_attribute(const std::string& name, const std::string& value);
Message tensor_attribute(const std::string& name, const Message& tensor);

// A model under construction. Names of tensors are up to the caller.
struct Model {
  int64_t opset = 13;
  Message graph;

  Model& input(const std::string& name, const std::vector<int64_t>& shape);
  Model& output(const std::string& name);
  Model& constant(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values);
  Model& integers(const std::string& name, const std::vector<int64_t>& values);
  Model& node(const std::string& op, const std::vector<std::string>& inputs, const std::string& output,
              const std::vector<Message>& attributes = {});
  Bytes bytes() const;
  checker::Program lower() const;
};

// ---- certificates

struct Claim {
  Bytes model;
  std::string property;
  checker::Semantics semantics = checker::Semantics::real;
  Bytes tree;
};

// The certificate with the digests and counts that fit.
Bytes certificate(const Claim& claim);
// What a check says. Expects the same of these numbers of threads that share the tree, however small.
checker::Outcome check(const Claim& claim);
checker::Outcome check(const Claim& claim, const Bytes& certificate, const std::vector<unsigned>& threads = {2, 3});

void put_f64(Bytes& out, double value);
void put_f32(Bytes& out, float value);
Bytes join(const std::vector<Bytes>& parts);

// A property with n inputs in [lo, hi] and one Y, and a formula for the unsafe outputs.
std::string box_property(int inputs, double lo, double hi, int outputs, const std::string& unsafe);

}  // namespace build
