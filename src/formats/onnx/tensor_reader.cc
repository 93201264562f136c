// Tensors: the dtype decides which field may hold the values; exactly one field does, with exactly the right size.
#include "formats/onnx/tensor_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

namespace axiom::onnx {
namespace {

/// Names of ONNX TensorProto.DataType, by number.
constexpr std::array<std::string_view, 24> kDataTypes = {
    "undefined", "float32",      "uint8",          "int8",       "uint16",         "int16",  "int32",     "int64",
    "string",    "bool",         "float16",        "float64",    "uint32",         "uint64", "complex64", "complex128",
    "bfloat16",  "float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4",  "int4",      "float4e2m1"};

bool is_external(const TensorProto& proto) { return proto.data_location() == TensorProto::EXTERNAL; }

int value_fields(const TensorProto& proto) {
  return (proto.float_data_size() > 0) + (proto.int32_data_size() > 0) + (proto.int64_data_size() > 0) +
         (proto.double_data_size() > 0) + (proto.uint64_data_size() > 0) + (proto.string_data_size() > 0) +
         (proto.has_raw_data() ? 1 : 0) + (is_external(proto) ? 1 : 0);
}

Error wrong_size(const Shape& shape, int64_t wanted, int64_t found, const char* what) {
  return invalid_input("shape " + to_string(shape) + " needs " + std::to_string(wanted) + " " + what +
                       ", the file has " + std::to_string(found));
}

/// bool has two values; a byte that is neither would make every use of it undefined.
Status check_bytes(DType dtype, const std::string& bytes) {
  if (dtype != DType::kBool) return {};
  const auto is_bool = [](char c) { return c == 0 || c == 1; };
  return std::all_of(bytes.begin(), bytes.end(), is_bool) ? Status() : invalid_input("a bool is neither 0 nor 1");
}

/// Values of a typed field, which may be wider than the dtype.
template <typename T, typename Values>
Result<Tensor> typed(DType dtype, Shape shape, int64_t count, const Values& values) {
  if (values.size() != count) return wrong_size(shape, count, values.size(), "values in the field of its dtype");
  std::string bytes(static_cast<size_t>(count) * sizeof(T), '\0');
  for (int64_t i = 0; i < count; ++i) {
    const auto wide = values.Get(static_cast<int>(i));
    const T value = static_cast<T>(wide);
    if constexpr (sizeof(T) < sizeof wide) {
      if (static_cast<int64_t>(value) != static_cast<int64_t>(wide)) {
        return invalid_input("the value " + std::to_string(wide) + " does not fit " + std::string(dtype_name(dtype)));
      }
    }
    std::memcpy(bytes.data() + static_cast<size_t>(i) * sizeof(T), &value, sizeof(T));
  }
  if (auto checked = check_bytes(dtype, bytes); !checked) return checked.error();
  return Tensor::adopt(dtype, std::move(shape), std::move(bytes));
}

Result<Tensor> from_typed_field(const TensorProto& proto, DType dtype, Shape shape, int64_t count) {
  switch (dtype) {
    case DType::kFloat32:
      return typed<float>(dtype, std::move(shape), count, proto.float_data());
    case DType::kFloat64:
      return typed<double>(dtype, std::move(shape), count, proto.double_data());
    case DType::kInt64:
      return typed<int64_t>(dtype, std::move(shape), count, proto.int64_data());
    case DType::kInt32:
      return typed<int32_t>(dtype, std::move(shape), count, proto.int32_data());
    case DType::kInt8:
      return typed<int8_t>(dtype, std::move(shape), count, proto.int32_data());
    case DType::kUint8:
    case DType::kBool:
      return typed<uint8_t>(dtype, std::move(shape), count, proto.int32_data());
  }
  return internal_error("a dtype outside the enumeration");
}

}  // namespace

Result<DType> dtype_from(int32_t data_type) {
  for (const DType dtype :
       {DType::kFloat32, DType::kUint8, DType::kInt8, DType::kInt32, DType::kInt64, DType::kBool, DType::kFloat64}) {
    if (static_cast<int32_t>(dtype) == data_type) return dtype;
  }
  const bool named = data_type >= 0 && static_cast<size_t>(data_type) < kDataTypes.size();
  const std::string name = named ? std::string(kDataTypes[static_cast<size_t>(data_type)]) : std::to_string(data_type);
  return invalid_input("its dtype " + name + " is not supported; known are float32, float64, int64, int32, int8, " +
                       "uint8 and bool");
}

Result<Tensor> take_tensor(TensorProto& proto, ExternalData& external) {
  const auto dtype = dtype_from(proto.data_type());
  if (!dtype) return dtype.error();
  if (proto.has_segment()) return invalid_input("it is stored in segments, which is not supported");
  Shape shape(proto.dims().begin(), proto.dims().end());
  const auto count = element_count(shape);
  if (!count) return count.error();
  const int fields = value_fields(proto);
  if (fields > 1) return invalid_input("it has values in " + std::to_string(fields) + " fields; one is allowed");
  if (fields == 0 && *count > 0) return invalid_input("it has no values");
  if (!proto.has_raw_data() && !is_external(proto)) return from_typed_field(proto, *dtype, std::move(shape), *count);
  const auto size = static_cast<uint64_t>(*count) * dtype_size(*dtype);
  std::string bytes;
  if (is_external(proto)) {
    auto read = external.read(proto, size);
    if (!read) return read.error();
    bytes = *std::move(read);
  } else {
    bytes = std::move(*proto.mutable_raw_data());
    proto.clear_raw_data();
  }
  if (bytes.size() != size) {
    return wrong_size(shape, static_cast<int64_t>(size), static_cast<int64_t>(bytes.size()), "bytes");
  }
  if (auto checked = check_bytes(*dtype, bytes); !checked) return checked.error();
  return Tensor::adopt(*dtype, std::move(shape), std::move(bytes));
}

}  // namespace axiom::onnx
