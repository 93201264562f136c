// Broadcasting as index maps: an extent of 1 gets stride 0.
#include "ops/broadcast.h"

#include <algorithm>

namespace axiom::ops {

std::optional<Shape> broadcast_shape(const Shape& a, const Shape& b) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape result = longer;
  const size_t lead = longer.size() - shorter.size();
  for (size_t i = 0; i < shorter.size(); ++i) {
    int64_t& extent = result[lead + i];
    if (extent != shorter[i] && extent != 1 && shorter[i] != 1) return std::nullopt;
    if (extent == 1) extent = shorter[i];
  }
  return result;
}

std::vector<int64_t> row_major_strides(const Shape& shape) {
  // Without entries strides mean nothing, and their products could overflow.
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return std::vector<int64_t>(shape.size(), 0);
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

std::vector<int64_t> strided_index(const Shape& shape, std::span<const int64_t> strides, int64_t offset) {
  const auto count = element_count(shape);
  AXIOM_CHECK(count && strides.size() == shape.size());
  std::vector<int64_t> index;
  index.reserve(static_cast<size_t>(*count));
  std::vector<int64_t> coordinate(shape.size(), 0);
  for (int64_t position = offset; static_cast<int64_t>(index.size()) < *count;) {
    index.push_back(position);
    for (size_t axis = shape.size(); axis-- > 0;) {
      position += strides[axis];
      if (++coordinate[axis] < shape[axis]) break;
      position -= strides[axis] * shape[axis];
      coordinate[axis] = 0;
    }
  }
  return index;
}

std::vector<int64_t> broadcast_index(const Shape& from, const Shape& to) {
  AXIOM_CHECK(from.size() <= to.size());
  const size_t lead = to.size() - from.size();
  const std::vector<int64_t> own = row_major_strides(from);
  std::vector<int64_t> strides(to.size(), 0);
  for (size_t i = 0; i < from.size(); ++i) strides[lead + i] = from[i] == 1 ? 0 : own[i];
  return strided_index(to, strides);
}

}  // namespace axiom::ops
