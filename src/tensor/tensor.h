// Tensors: a dtype, a shape and row-major bytes.
//
// A Tensor is a value; copies share the bytes (immutable once shared), `mutable_data` makes a private copy first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace axiom {

/// Element types; the numbers are those of ONNX TensorProto.DataType.
enum class DType : int32_t { kFloat32 = 1, kUint8 = 2, kInt8 = 3, kInt32 = 6, kInt64 = 7, kBool = 9, kFloat64 = 11 };

std::string_view dtype_name(DType dtype);  ///< "float32", "int64", ...
size_t dtype_size(DType dtype);            ///< bytes per element

/// Extents, outermost first; a scalar has an empty shape.
using Shape = std::vector<int64_t>;

std::string to_string(const Shape& shape);  ///< "[1, 3, 32, 32]"

/// Product of the extents; an error when an extent is negative or the product exceeds `cap`.
Result<int64_t> element_count(const Shape& shape, int64_t cap = int64_t{1} << 31);

class Tensor {
 public:
  Tensor() = default;
  /// Zero-filled. The shape must have passed element_count.
  Tensor(DType dtype, Shape shape);

  /// Copies `values`, which must be as many as the shape has elements.
  template <typename T>
  static Tensor from(Shape shape, const std::vector<T>& values);
  /// Takes `bytes` over without a copy; they must be exactly those of the elements, little-endian.
  static Tensor adopt(DType dtype, Shape shape, std::string bytes);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t size() const { return size_; }

  /// Typed views; AXIOM_CHECK when T is not the dtype.
  template <typename T>
  std::span<const T> data() const;
  template <typename T>
  std::span<T> mutable_data();

  const std::byte* bytes() const { return bytes_ ? reinterpret_cast<const std::byte*>(bytes_->data()) : nullptr; }
  std::byte* mutable_bytes();
  size_t byte_size() const { return static_cast<size_t>(size_) * dtype_size(dtype_); }

  /// The same bytes under another shape of equal size.
  Tensor reshaped(Shape shape) const;

 private:
  DType dtype_ = DType::kFloat32;
  Shape shape_;
  int64_t size_ = 0;
  std::shared_ptr<std::string> bytes_;  ///< A string, so that a reader's buffer can be adopted.
};

}  // namespace axiom
