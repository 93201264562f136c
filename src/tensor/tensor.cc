// Tensors as values: bytes are shared by copies and made private on the first write.
#include "tensor/tensor.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

namespace axiom {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor bytes are little-endian, as in every file format");

template <typename T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) return DType::kFloat32;
  if constexpr (std::is_same_v<T, double>) return DType::kFloat64;
  if constexpr (std::is_same_v<T, uint8_t>) return DType::kUint8;
  if constexpr (std::is_same_v<T, int8_t>) return DType::kInt8;
  if constexpr (std::is_same_v<T, int32_t>) return DType::kInt32;
  if constexpr (std::is_same_v<T, int64_t>) return DType::kInt64;
  if constexpr (std::is_same_v<T, bool>) return DType::kBool;
}

int64_t checked_count(const Shape& shape) {
  const auto count = element_count(shape);
  AXIOM_CHECK(count);
  return *count;
}

}  // namespace

std::string_view dtype_name(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return "float32";
    case DType::kUint8:
      return "uint8";
    case DType::kInt8:
      return "int8";
    case DType::kInt32:
      return "int32";
    case DType::kInt64:
      return "int64";
    case DType::kBool:
      return "bool";
    case DType::kFloat64:
      return "float64";
  }
  AXIOM_CHECK(!"a dtype outside the enumeration");
  return "";
}

size_t dtype_size(DType dtype) {
  switch (dtype) {
    case DType::kUint8:
    case DType::kInt8:
    case DType::kBool:
      return 1;
    case DType::kFloat32:
    case DType::kInt32:
      return 4;
    case DType::kInt64:
    case DType::kFloat64:
      return 8;
  }
  AXIOM_CHECK(!"a dtype outside the enumeration");
  return 0;
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

Result<int64_t> element_count(const Shape& shape, int64_t cap) {
  int64_t count = 1;
  bool too_large = false;
  for (const int64_t extent : shape) {
    if (extent < 0) return invalid_input("shape " + to_string(shape) + " has a negative extent");
    too_large = too_large || __builtin_mul_overflow(count, extent, &count);
  }
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return int64_t{0};
  if (too_large || count > cap) {
    return invalid_input("shape " + to_string(shape) + " has more than " + std::to_string(cap) + " elements");
  }
  return count;
}

Tensor::Tensor(DType dtype, Shape shape) : dtype_(dtype), shape_(std::move(shape)), size_(checked_count(shape_)) {
  bytes_ = std::make_shared<std::string>(byte_size(), '\0');
}

template <typename T>
Tensor Tensor::from(Shape shape, const std::vector<T>& values) {
  Tensor tensor(dtype_of<T>(), std::move(shape));
  AXIOM_CHECK(static_cast<size_t>(tensor.size_) == values.size());
  std::copy(values.begin(), values.end(), tensor.mutable_data<T>().begin());
  return tensor;
}

Tensor Tensor::adopt(DType dtype, Shape shape, std::string bytes) {
  Tensor tensor;
  tensor.dtype_ = dtype;
  tensor.shape_ = std::move(shape);
  tensor.size_ = checked_count(tensor.shape_);
  AXIOM_CHECK(tensor.byte_size() == bytes.size());
  tensor.bytes_ = std::make_shared<std::string>(std::move(bytes));
  return tensor;
}

template <typename T>
std::span<const T> Tensor::data() const {
  AXIOM_CHECK(dtype_ == dtype_of<T>());
  return {reinterpret_cast<const T*>(bytes()), static_cast<size_t>(size_)};
}

template <typename T>
std::span<T> Tensor::mutable_data() {
  AXIOM_CHECK(dtype_ == dtype_of<T>());
  return {reinterpret_cast<T*>(mutable_bytes()), static_cast<size_t>(size_)};
}

std::byte* Tensor::mutable_bytes() {
  if (!bytes_) return nullptr;
  if (bytes_.use_count() > 1) bytes_ = std::make_shared<std::string>(*bytes_);
  return reinterpret_cast<std::byte*>(bytes_->data());
}

Tensor Tensor::reshaped(Shape shape) const {
  AXIOM_CHECK(checked_count(shape) == size_);
  Tensor result = *this;
  result.shape_ = std::move(shape);
  return result;
}

#define AXIOM_TENSOR_OF(T)                                          \
  template Tensor Tensor::from(Shape shape, const std::vector<T>&); \
  template std::span<const T> Tensor::data() const;                 \
  template std::span<T> Tensor::mutable_data()
AXIOM_TENSOR_OF(float);
AXIOM_TENSOR_OF(double);
AXIOM_TENSOR_OF(uint8_t);
AXIOM_TENSOR_OF(int8_t);
AXIOM_TENSOR_OF(int32_t);
AXIOM_TENSOR_OF(int64_t);
AXIOM_TENSOR_OF(bool);
#undef AXIOM_TENSOR_OF

}  // namespace axiom
