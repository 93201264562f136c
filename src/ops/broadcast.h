// Numpy broadcasting: shapes align at the right, extents of 1 repeat.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace axiom::ops {

/// The common shape; nothing when two extents differ and neither is 1.
std::optional<Shape> broadcast_shape(const Shape& a, const Shape& b);

/// For each row-major entry of `to`, the row-major entry of `from` that it reads. `from` must broadcast to `to`.
std::vector<int64_t> broadcast_index(const Shape& from, const Shape& to);

/// For each row-major entry of `shape`, sum of coordinate * stride; one stride per axis. The work horse of all index
/// maps.
std::vector<int64_t> strided_index(const Shape& shape, std::span<const int64_t> strides, int64_t offset = 0);

/// Strides of a row-major tensor.
std::vector<int64_t> row_major_strides(const Shape& shape);

}  // namespace axiom::ops
