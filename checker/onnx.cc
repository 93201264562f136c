// A reader of the protobuf wire format and of the messages of onnx.proto that
// matter: ModelProto > GraphProto > NodeProto > AttributeProto > TensorProto.
// One function per message, so the nesting is that of the schema and a file
// cannot deepen it. Unknown fields are skipped; what could give the same bytes
// two meanings (a second graph, functions, external data) is refused.
#include "onnx.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "error.h"

namespace checker {
namespace {

using Span = std::span<const uint8_t>;

// A few bytes of the file may become many in memory; these bound how many.
constexpr size_t kMostIntegers = size_t(1) << 24;
constexpr size_t kMostRank = 16;
constexpr size_t kMostNames = size_t(1) << 22;

[[noreturn]] void fail(const std::string& why) { throw Malformed("model: " + why); }

// The fields of one message, in file order.
class Fields {
 public:
  explicit Fields(Span bytes) : rest_(bytes) {}

  // Advances to the next field; false at the end.
  bool next() {
    if (rest_.empty()) return false;
    const uint64_t key = read_varint();
    // Readers that keep 32 bits of the key would take such a field for another one.
    if (key > UINT32_MAX) fail("protobuf: a field number beyond 29 bits");
    id = uint32_t(key >> 3);
    wire_ = key & 7;
    if (id == 0) fail("protobuf: field number 0");
    switch (wire_) {
      case 0:
        value_ = read_varint();
        break;
      case 1:
        payload_ = take(8);
        break;
      case 2:
        payload_ = take(read_varint());
        break;
      case 5:
        payload_ = take(4);
        break;
      default:
        fail(text("protobuf: wire type ", wire_, " of field ", id, " is not supported"));
    }
    return true;
  }

  uint64_t varint() const {
    expect(0);
    return value_;
  }
  int64_t integer() const { return int64_t(varint()); }
  Span message() const {
    expect(2);
    return payload_;
  }
  std::string string() const {
    expect(2);
    return std::string(payload_.begin(), payload_.end());
  }
  float float32() const {
    expect(5);
    float f;
    std::memcpy(&f, payload_.data(), 4);
    return f;
  }

  // A repeated number: packed or one at a time.
  void append_varints(std::vector<int64_t>& out) const {
    if (wire_ == 0) {
      out.push_back(integer());
    } else {
      Fields packed(message());
      while (!packed.rest_.empty() && out.size() <= kMostIntegers) out.push_back(int64_t(packed.read_varint()));
    }
    if (out.size() > kMostIntegers) fail(text("protobuf: field ", id, " has more than ", kMostIntegers, " integers"));
  }
  // Entries of 4 or 8 bytes, as they are in the file.
  Span fixed(size_t size) const {
    if (wire_ == (size == 4 ? 5u : 1u)) return payload_;
    if (message().size() % size != 0) fail(text("protobuf: field ", id, " is not a whole number of entries"));
    return payload_;
  }

  uint32_t id = 0;

 private:
  void expect(uint64_t wire) const {
    if (wire_ != wire) fail(text("protobuf: field ", id, " has wire type ", wire_, " instead of ", wire));
  }
  Span take(uint64_t size) {
    if (size > rest_.size()) fail(text("protobuf: field ", id, " has ", size, " bytes, ", rest_.size(), " are left"));
    const Span taken = rest_.first(size_t(size));
    rest_ = rest_.subspan(size_t(size));
    return taken;
  }
  uint64_t read_varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      const uint8_t byte = take(1)[0];
      if (shift == 63 && byte > 1) fail("protobuf: varint beyond 64 bits");
      value |= uint64_t(byte & 127) << shift;
      if (byte < 128) return value;
    }
    fail("protobuf: varint beyond 64 bits");
  }

  Span rest_, payload_;
  uint64_t wire_ = 0, value_ = 0;
};

Bytes own(std::vector<uint8_t> bytes) {
  auto owner = std::make_shared<const std::vector<uint8_t>>(std::move(bytes));
  return {.data = *owner, .owner = owner};
}

// Whether an entry that the file holds as a wider integer has a value of the type; cut off, it would be another one.
bool holds(int type, int64_t value) {
  switch (type) {
    case dtype::kBool:
      return value == 0 || value == 1;
    case dtype::kInt8:
      return value == int8_t(value);
    case dtype::kUint8:
      return value == uint8_t(value);
    case dtype::kInt16:
      return value == int16_t(value);
    case dtype::kUint16:
    case dtype::kFloat16:
      return value == uint16_t(value);
    case dtype::kInt32:
      return value == int32_t(value);
    case dtype::kUint32:
      return value == uint32_t(value);
    default:
      return true;
  }
}

// float_data, int32_data, ... as bytes: a single packed field stays in the file.
class TypedData {
 public:
  void add_fixed(Span entries) {
    if (single_.empty() && copied_.empty()) {
      single_ = entries;
    } else {
      copied_.insert(copied_.end(), single_.begin(), single_.end());
      copied_.insert(copied_.end(), entries.begin(), entries.end());
      single_ = {};
    }
  }
  void add_varints(const Fields& field) { field.append_varints(integers_); }

  bool empty() const { return single_.empty() && copied_.empty() && integers_.empty(); }
  Bytes bytes(int type, const std::string& place) {
    if (integers_.empty()) return copied_.empty() ? Bytes{.data = single_} : own(std::move(copied_));
    const size_t entry_size = dtype::size(type);
    for (const int64_t value : integers_) {
      if (!holds(type, value)) throw Malformed(text(place, ": ", value, " is outside its type"));
    }
    std::vector<uint8_t> out(integers_.size() * entry_size);
    for (size_t i = 0; i < integers_.size(); ++i) std::memcpy(&out[i * entry_size], &integers_[i], entry_size);
    return own(std::move(out));
  }

 private:
  Span single_;
  std::vector<uint8_t> copied_;
  std::vector<int64_t> integers_;
};

// The field of TensorProto that holds entries of a type when raw_data does not.
uint32_t typed_field(int type) {
  switch (type) {
    case dtype::kFloat:
      return 4;
    case dtype::kInt64:
      return 7;
    case dtype::kDouble:
      return 10;
    case dtype::kUint32:
    case dtype::kUint64:
      return 11;
    default:
      return 5;
  }
}

TensorProto read_tensor(Span bytes) {
  TensorProto tensor;
  TypedData typed;
  Span raw;
  uint32_t typed_id = 0;
  bool has_raw = false;
  Fields field(bytes);
  while (field.next()) {
    switch (field.id) {
      case 1:
        field.append_varints(tensor.shape);
        break;
      case 2:
        tensor.type = int(std::min<uint64_t>(field.varint(), 1000));
        break;
      case 3:
        fail("a tensor is stored in segments");
      case 6:
        fail("a tensor of strings");
      case 8:
        tensor.name = field.string();
        break;
      case 9:
        if (has_raw) fail("a tensor has raw_data twice");
        raw = field.message();
        has_raw = true;
        break;
      case 4:
      case 5:
      case 7:
      case 10:
      case 11:
        if (typed_id != 0 && typed_id != field.id) fail("a tensor has data of two types");
        typed_id = field.id;
        if (field.id == 4 || field.id == 10) {
          typed.add_fixed(field.fixed(field.id == 4 ? 4 : 8));
        } else {
          typed.add_varints(field);
        }
        break;
      case 13:
        fail("a tensor refers to external data");
      case 14:
        if (field.varint() != 0) fail("a tensor refers to external data");
        break;
      default:
        break;
    }
  }
  const std::string place = "model: tensor '" + tensor.name + "'";
  const size_t size = dtype::size(tensor.type);
  if (size == 0) throw Malformed(text(place, ": element type ", tensor.type, " is not supported"));
  if (has_raw && !typed.empty()) throw Malformed(place + ": has raw_data and other data");
  if (!typed.empty() && typed_id != typed_field(tensor.type)) throw Malformed(place + ": data of another type");
  tensor.values = has_raw ? Bytes{.data = raw} : typed.bytes(tensor.type, place);
  const uint64_t expected = entry_count(tensor.shape, place) * size;
  if (tensor.values.data.size() != expected) {
    throw Malformed(text(place, ": has ", tensor.values.data.size(), " bytes of data, its shape needs ", expected));
  }
  return tensor;
}

Attribute read_attribute(Span bytes) {
  Attribute attribute;
  bool has_tensor = false;
  Fields field(bytes);
  while (field.next()) {
    switch (field.id) {
      case 1:
        attribute.name = field.string();
        break;
      case 2:
        attribute.f = field.float32();
        break;
      case 3:
        attribute.i = field.integer();
        break;
      case 4:
        attribute.s = field.string();
        break;
      case 5:
        if (has_tensor) fail("an attribute has two tensors");  // other readers merge them
        has_tensor = true;
        attribute.t = read_tensor(field.message());
        break;
      case 7:
        for (Span rest = field.fixed(4); !rest.empty(); rest = rest.subspan(4)) {
          attribute.floats.emplace_back();
          std::memcpy(&attribute.floats.back(), rest.data(), 4);
        }
        break;
      case 8:
        field.append_varints(attribute.ints);
        break;
      case 20:
        attribute.type = int(std::min<uint64_t>(field.varint(), 1000));
        break;
      case 21:
        fail("an attribute refers to the attribute of a function");
      default:
        break;
    }
  }
  return attribute;
}

size_t node_size(const Node& node) { return 1 + node.inputs.size() + node.outputs.size() + node.attributes.size(); }

Node read_node(Span bytes, size_t index) {
  Node node;
  Fields field(bytes);
  while (field.next()) {
    switch (field.id) {
      case 1:
        node.inputs.push_back(field.string());
        break;
      case 2:
        node.outputs.push_back(field.string());
        break;
      case 3:
        node.name = field.string();
        break;
      case 4:
        node.op_type = field.string();
        break;
      case 5:
        node.attributes.push_back(read_attribute(field.message()));
        break;
      case 7:
        node.domain = field.string();
        break;
      default:
        break;
    }
  }
  if (node_size(node) > kMostNames) fail("a node has too many inputs, outputs and attributes");
  node.place = text("model: node ", index, " '", node.name, "' (", node.op_type, ")");
  return node;
}

// TypeProto.tensor_type.shape.dim: 0 for every dimension that is not a number.
void read_shape(Span bytes, Shape& shape) {
  Fields dimensions(bytes);
  while (dimensions.next()) {
    if (dimensions.id != 1) continue;
    int64_t value = 0;
    Fields field(dimensions.message());
    while (field.next()) {
      if (field.id == 1) value = field.integer();
      if (field.id == 2) value = 0;
    }
    shape.push_back(value > 0 ? value : 1);
  }
}

void read_type(Span bytes, Input& input) {
  bool is_tensor = false;
  Fields type(bytes);
  while (type.next()) {
    if (type.id == 6) continue;  // denotation
    if (type.id != 1 || is_tensor) fail("input '" + input.name + "' is not one tensor");
    is_tensor = true;
    bool has_shape = false;
    Fields field(type.message());
    while (field.next()) {
      if (field.id == 1) input.type = int(std::min<uint64_t>(field.varint(), 1000));
      if (field.id == 2 && has_shape) fail("input '" + input.name + "' has two shapes");
      if (field.id == 2) read_shape(field.message(), input.shape), has_shape = true;
    }
    if (!has_shape) fail("input '" + input.name + "' has no shape");
  }
}

Input read_value_info(Span bytes) {
  Input input;
  Span type;
  Fields field(bytes);
  while (field.next()) {
    if (field.id == 1) input.name = field.string();
    if (field.id == 2 && !type.empty()) fail("input '" + input.name + "' has two types");
    if (field.id == 2) type = field.message();
  }
  read_type(type, input);
  return input;
}

std::string read_name(Span bytes) {
  std::string name;
  Fields field(bytes);
  while (field.next()) {
    if (field.id == 1) name = field.string();
  }
  return name;
}

void read_graph(Span bytes, Model& model) {
  size_t names = 0;
  Fields field(bytes);
  while (field.next()) {
    if (++names > kMostNames) fail("too many names");
    switch (field.id) {
      case 1:
        model.nodes.push_back(read_node(field.message(), model.nodes.size()));
        names += node_size(model.nodes.back());
        break;
      case 5:
        model.initializers.push_back(read_tensor(field.message()));
        break;
      case 11:
        model.inputs.push_back(read_value_info(field.message()));
        break;
      case 12:
        model.outputs.push_back(read_name(field.message()));
        break;
      case 15:
        fail("sparse initializers are not supported");
      default:
        break;
    }
  }
}

void read_opset(Span bytes, Model& model) {
  std::string domain;
  int64_t version = 0;
  Fields field(bytes);
  while (field.next()) {
    if (field.id == 1) domain = field.string();
    if (field.id == 2) version = field.integer();
  }
  if (!domain.empty() && domain != "ai.onnx") return;
  if (model.opset != 0 && model.opset != version) fail("two versions of the default operator set");
  model.opset = version;
}

}  // namespace

size_t dtype::size(int type) {
  switch (type) {
    case kBool:
    case kUint8:
    case kInt8:
      return 1;
    case kFloat16:
    case kUint16:
    case kInt16:
      return 2;
    case kFloat:
    case kUint32:
    case kInt32:
      return 4;
    case kDouble:
    case kUint64:
    case kInt64:
      return 8;
    default:
      return 0;
  }
}

uint64_t entry_count(const Shape& shape, const std::string& place) {
  constexpr uint64_t kMost = uint64_t(1) << 40;
  if (shape.size() > kMostRank) throw Malformed(text(place, ": rank ", shape.size(), ", at most ", kMostRank));
  uint64_t count = 1;
  for (const int64_t dimension : shape) {
    if (dimension < 0) throw Malformed(text(place, ": dimension ", dimension));
    if (dimension != 0 && count > kMost / uint64_t(dimension)) throw Malformed(place + ": too many entries");
    count *= uint64_t(dimension);
  }
  return count;
}

Model read_onnx(std::span<const uint8_t> bytes) {
  static_assert(std::endian::native == std::endian::little, "entries of tensors are read in place");
  Model model;
  bool has_graph = false;
  Fields field(bytes);
  while (field.next()) {
    switch (field.id) {
      case 7:
        if (has_graph) fail("two graphs");
        has_graph = true;
        read_graph(field.message(), model);
        break;
      case 8:
        read_opset(field.message(), model);
        break;
      case 25:
        fail("functions are not supported");
      default:
        break;
    }
  }
  if (!has_graph) fail("no graph");
  return model;
}

}  // namespace checker
