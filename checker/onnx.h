// An ONNX model as its bytes state it: the part of the protobuf schema that
// operators with a certified meaning need. Nothing is interpreted here.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace checker {

// Values of a tensor as little-endian entries of its type, row-major. They lie
// in the model's bytes, or in `owner` where the file spells them otherwise.
struct Bytes {
  std::span<const uint8_t> data = {};
  std::shared_ptr<const std::vector<uint8_t>> owner = {};
};

using Shape = std::vector<int64_t>;

// Number of entries; throws Malformed (at `place`) for a negative dimension or more than 2^40 entries.
uint64_t entry_count(const Shape& shape, const std::string& place);

namespace dtype {
constexpr int kFloat = 1, kUint8 = 2, kInt8 = 3, kUint16 = 4, kInt16 = 5, kInt32 = 6, kInt64 = 7, kBool = 9,
              kFloat16 = 10, kDouble = 11, kUint32 = 12, kUint64 = 13;
// Bytes per entry; 0 for types that this reader does not know.
size_t size(int type);
}  // namespace dtype

struct TensorProto {
  std::string name;
  int type = 0;
  Shape shape;
  Bytes values;  // exactly entry_count(shape) entries
};

struct Attribute {
  enum Type { kNone = 0, kFloat = 1, kInt = 2, kString = 3, kTensor = 4, kFloats = 6, kInts = 7 };
  std::string name;
  int type = kNone;
  float f = 0;
  int64_t i = 0;
  std::string s;
  TensorProto t;
  std::vector<float> floats;
  std::vector<int64_t> ints;
};

struct Node {
  std::string name, op_type, domain;
  std::vector<std::string> inputs, outputs;
  std::vector<Attribute> attributes;
  std::string place;  // "model: node 17 'conv1' (Conv)"
};

struct Input {
  std::string name;
  int type = 0;
  Shape shape;  // dimensions that are symbolic, absent or not positive are 1
};

struct Model {
  int64_t opset = 0;
  std::vector<TensorProto> initializers;
  std::vector<Input> inputs;  // as in graph.input
  std::vector<std::string> outputs;
  std::vector<Node> nodes;
};

// `bytes` must outlive the model. Throws Malformed.
Model read_onnx(std::span<const uint8_t> bytes);

}  // namespace checker
