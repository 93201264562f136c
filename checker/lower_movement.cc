// Data movement: operators that make no elements and round nothing (spec
// section 2). A view moves its indices, a constant its bytes; both by the same
// list that says which entry of the operand each entry of the output reads.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "error.h"
#include "lowering.h"

namespace checker {
namespace {

Tensor with_shape(Lowering& lowering, const Call& call, Shape shape) {
  lowering.allot(call, {1});
  entry_count(shape, call.node.place);  // its rank, above all
  Tensor tensor = call[0];
  tensor.shape = std::move(shape);
  return tensor;
}

// Entry o of the output is entry from[o] of the operand.
Tensor gather(const Tensor& tensor, const Index& from, Shape shape) {
  Tensor out{.kind = tensor.kind, .shape = std::move(shape), .type = tensor.type};
  if (tensor.is_constant()) {
    const size_t size = dtype::size(tensor.type);
    std::vector<uint8_t> bytes(from.size() * size);
    for (size_t o = 0; o < from.size(); ++o) {
      std::memcpy(&bytes[o * size], &tensor.values.data[from[o] * size], size);
    }
    out.values.owner = std::make_shared<const std::vector<uint8_t>>(std::move(bytes));
    out.values.data = *out.values.owner;
  } else {
    Index index(from.size());
    for (size_t o = 0; o < from.size(); ++o) index[o] = (*tensor.index)[from[o]];
    out.index = std::make_shared<const Index>(std::move(index));
  }
  return out;
}

std::vector<uint64_t> strides(const Shape& shape) {
  std::vector<uint64_t> result(shape.size(), 1);
  for (size_t axis = shape.size(); axis-- > 1;) result[axis - 1] = result[axis] * uint64_t(shape[axis]);
  return result;
}

// offsets[axis][i] summed over the axes, for every index of a shape, row-major.
Index sum_of_offsets(const std::vector<Index>& offsets) {
  Index sums{0};
  for (const Index& axis : offsets) {
    Index next;
    next.reserve(sums.size() * axis.size());
    for (const uint32_t sum : sums) {
      for (const uint32_t offset : axis) next.push_back(sum + offset);
    }
    sums = std::move(next);
  }
  return sums;
}

Tensor lower_identity(Lowering&, const Call& call) { return call[0]; }

Tensor lower_dropout(Lowering&, const Call& call) {
  if (call.has(2)) {
    const Tensor& mode = call[2];
    if (!mode.is_constant() || mode.type != dtype::kBool || mode.entries() != 1) {
      call.fail("training_mode is not a constant");
    }
    if (mode.integer_at(0) != 0) call.fail("training_mode is true, the model is random");
  }
  return call[0];
}

Tensor lower_flatten(Lowering& lowering, const Call& call) {
  const Shape& shape = call[0].shape;
  const int64_t rank = int64_t(shape.size()), axis = call.integer("axis", 1);
  if (axis < -rank || axis > rank) call.fail(text("axis ", axis, " of a tensor of rank ", rank));
  const auto middle = shape.begin() + (axis < 0 ? axis + rank : axis);
  const auto product = [](auto from, auto to) { return std::accumulate(from, to, int64_t(1), std::multiplies<>()); };
  return with_shape(lowering, call, {product(shape.begin(), middle), product(middle, shape.end())});
}

Tensor lower_reshape(Lowering& lowering, const Call& call) {
  const Tensor& data = call[0];
  Shape shape = call.integer_list(1);
  const bool allow_zero = call.integer("allowzero", 0) != 0;
  std::ptrdiff_t inferred = -1;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == 0 && !allow_zero) {
      if (axis >= data.shape.size()) call.fail(text("dimension ", axis, " to copy is missing"));
      shape[axis] = data.shape[axis];
    } else if (shape[axis] == -1) {
      if (inferred >= 0) call.fail("two dimensions are -1");
      inferred = std::ptrdiff_t(axis);
      shape[axis] = 1;
    }
  }
  const uint64_t known = entry_count(shape, call.node.place), entries = data.entries();
  if (inferred >= 0 && known > 0 && entries % known == 0) shape[size_t(inferred)] = int64_t(entries / known);
  if (entry_count(shape, call.node.place) != entries) call.fail(text(entries, " entries do not fit the shape"));
  return with_shape(lowering, call, std::move(shape));
}

// The axes of Squeeze and Unsqueeze, of the attribute or the input, as marks.
std::vector<bool> marked_axes(const Call& call, size_t rank) {
  if (call.has(1) && call.attribute("axes", Attribute::kInts)) call.fail("axes are given twice");
  std::vector<bool> marked(rank);
  for (const int64_t axis : call.has(1) ? call.integer_list(1) : call.integers("axes", {})) {
    const auto normal = size_t(normal_axis(call, axis, rank));
    if (marked[normal]) call.fail(text("axis ", axis, " is given twice"));
    marked[normal] = true;
  }
  return marked;
}

Tensor lower_squeeze(Lowering& lowering, const Call& call) {
  const Shape& shape = call[0].shape;
  std::vector<bool> marked = marked_axes(call, shape.size());
  const bool given = call.has(1) || call.attribute("axes", Attribute::kInts);
  if (given && std::count(marked.begin(), marked.end(), true) == 0)
    call.fail("a list of no axes, which runtimes read differently");
  if (!given) {
    for (size_t axis = 0; axis < shape.size(); ++axis) marked[axis] = shape[axis] == 1;
  }
  Shape squeezed;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (!marked[axis]) squeezed.push_back(shape[axis]);
    if (marked[axis] && shape[axis] != 1) call.fail(text("axis ", axis, " has extent ", shape[axis]));
  }
  return with_shape(lowering, call, std::move(squeezed));
}

Tensor lower_unsqueeze(Lowering& lowering, const Call& call) {
  const Shape& shape = call[0].shape;
  const size_t added = call.has(1) ? call.integer_list(1).size() : call.integers("axes", {}).size();
  if (added == 0 || added > 64) call.fail(text(added, " axes"));
  const std::vector<bool> marked = marked_axes(call, shape.size() + added);
  Shape unsqueezed;
  for (size_t axis = 0, old = 0; axis < marked.size(); ++axis) unsqueezed.push_back(marked[axis] ? 1 : shape[old++]);
  return with_shape(lowering, call, std::move(unsqueezed));
}

Tensor lower_transpose(Lowering& lowering, const Call& call) {
  const Tensor& data = call[0];
  const size_t rank = data.shape.size();
  std::vector<int64_t> reversed(rank);
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  const std::vector<int64_t> perm = call.integers("perm", reversed);
  std::vector<int64_t> sorted = perm;
  std::sort(sorted.begin(), sorted.end());
  std::sort(reversed.begin(), reversed.end());
  if (sorted != reversed) call.fail("perm is not a permutation");

  lowering.allot(call, data.shape);
  const std::vector<uint64_t> stride = strides(data.shape);
  Shape shape;
  std::vector<Index> offsets;
  for (const int64_t axis : perm) {
    shape.push_back(data.shape[size_t(axis)]);
    Index& offset = offsets.emplace_back();
    for (int64_t i = 0; i < shape.back(); ++i) offset.push_back(uint32_t(uint64_t(i) * stride[size_t(axis)]));
  }
  return gather(data, sum_of_offsets(offsets), std::move(shape));
}

// Shape of the concatenation; every operand agrees with the first but for `axis`.
Shape concatenated_shape(const Call& call, size_t axis) {
  Shape shape = call[0].shape;
  for (size_t i = 1; i < call.inputs.size(); ++i) {
    Shape other = call[i].shape;
    if (other.size() != shape.size()) call.fail("operands of different rank");
    shape[axis] += other[axis];
    other[axis] = shape[axis];
    if (other != shape) call.fail("operands whose shapes do not match");
    entry_count(shape, call.node.place);
  }
  return shape;
}

Tensor lower_concat(Lowering& lowering, const Call& call) {
  if (call.attribute("axis", Attribute::kInt) == nullptr) call.fail("axis is missing");
  const auto axis = size_t(normal_axis(call, call.integer("axis", 0), call[0].shape.size()));
  const Shape shape = concatenated_shape(call, axis);
  lowering.allot(call, shape);
  bool constant = true;
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    constant = constant && call[i].is_constant();
    if (call[i].type != call[0].type) call.fail("operands of different types");
  }
  // One long list of all operands' entries, then a gather that interleaves them.
  Tensor list{.kind = constant ? Tensor::constant : Tensor::view, .shape = {}, .type = call[0].type};
  std::vector<uint8_t> bytes;
  Index elements, from;
  std::vector<uint64_t> block, begin{0};  // entries per outer index, first entry in the list
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    if (constant) {
      bytes.insert(bytes.end(), call[i].values.data.begin(), call[i].values.data.end());
    } else {
      const auto index = lowering.view(call, i);
      elements.insert(elements.end(), index->begin(), index->end());
    }
    block.push_back(strides(call[i].shape)[axis] * uint64_t(call[i].shape[axis]));
    begin.push_back(begin.back() + call[i].entries());
  }
  uint64_t outer = 1;
  for (size_t i = 0; i < axis; ++i) outer *= uint64_t(shape[i]);
  for (uint64_t o = 0; o < outer; ++o) {
    for (size_t i = 0; i < block.size(); ++i) {
      for (uint64_t entry = 0; entry < block[i]; ++entry) from.push_back(uint32_t(begin[i] + o * block[i] + entry));
    }
  }
  list.values.owner = std::make_shared<const std::vector<uint8_t>>(std::move(bytes));
  list.values.data = *list.values.owner;
  list.index = std::make_shared<const Index>(std::move(elements));
  return gather(list, from, shape);
}

// Entry o of an axis reads entry floor(o / scale). Beyond this extent, runtimes that divide in binary32 read others.
constexpr int64_t kMostScaled = int64_t(1) << 24;

Tensor enlarge(Lowering& lowering, const Call& call, const std::vector<float>& scales) {
  const Tensor& data = call[0];
  if (scales.size() != data.shape.size()) call.fail(text(scales.size(), " scales for rank ", data.shape.size()));
  Shape shape = data.shape;
  for (size_t axis = 0; axis < scales.size(); ++axis) {
    const float scale = scales[axis];
    if (!(scale >= 1 && scale <= 65536 && scale == std::floor(scale))) call.fail(text("scale ", scale));
    shape[axis] *= int64_t(scale);
    if (scale > 1 && shape[axis] > kMostScaled) call.fail(text("an axis enlarged to ", shape[axis]));
    entry_count(shape, call.node.place);
  }
  lowering.allot(call, shape);
  const std::vector<uint64_t> stride = strides(data.shape);
  std::vector<Index> offsets;
  for (size_t axis = 0; axis < scales.size(); ++axis) {
    Index& offset = offsets.emplace_back();
    const auto scale = int64_t(scales[axis]);
    for (int64_t o = 0; o < shape[axis]; ++o) offset.push_back(uint32_t(uint64_t(o / scale) * stride[axis]));
  }
  return gather(data, sum_of_offsets(offsets), std::move(shape));
}

std::vector<float> constant_floats(const Call& call, size_t input) {
  const Tensor& tensor = call.float_constant(input);
  std::vector<float> values;
  for (uint64_t i = 0; i < tensor.entries(); ++i) values.push_back(tensor.float_at(i));
  return values;
}

Tensor lower_upsample(Lowering& lowering, const Call& call) {
  if (call.string("mode", "nearest") != "nearest") call.fail("mode " + call.string("mode", ""));
  const Attribute* attribute = call.attribute("scales", Attribute::kFloats);
  if ((attribute != nullptr) == call.has(1)) call.fail("scales are needed once");
  return enlarge(lowering, call, attribute ? attribute->floats : constant_floats(call, 1));
}

Tensor lower_resize(Lowering& lowering, const Call& call) {
  if (call.string("mode", "nearest") != "nearest") call.fail("mode " + call.string("mode", ""));
  if (call.string("coordinate_transformation_mode", "half_pixel") != "asymmetric" ||
      call.string("nearest_mode", "round_prefer_floor") != "floor") {
    call.fail("only coordinate_transformation_mode asymmetric with nearest_mode floor");
  }
  if (call.has(3)) call.fail("sizes instead of scales");
  return enlarge(lowering, call, constant_floats(call, 2));
}

Tensor lower_constant(Lowering&, const Call& call) {
  const Attribute* value = call.attribute("value", Attribute::kTensor);
  if (value == nullptr) call.fail("value is missing");
  return {.kind = Tensor::constant, .shape = value->t.shape, .type = value->t.type, .values = value->t.values};
}

Tensor lower_cast(Lowering& lowering, const Call& call) {
  if (call.integer("to", 0) != dtype::kFloat) call.fail("a cast to another type than float32");
  const Tensor& data = call[0];
  if (data.type == dtype::kFloat) return data;
  if (!is_integer(data.type)) call.fail(text("a cast from type ", data.type));
  const uint64_t count = lowering.allot(call, data.shape);
  std::vector<uint8_t> bytes(count * 4);
  for (uint64_t i = 0; i < count; ++i) {
    const int64_t value = data.integer_at(i);
    if (data.type == dtype::kUint64 && value < 0) call.fail(text(uint64_t(value), " is too large for a cast"));
    const auto exact = float(value);
    constexpr int64_t kMost = int64_t(1) << 62;  // far from where the comparison below could overflow
    if (value < -kMost || value > kMost || int64_t(exact) != value) call.fail(text(value, " is no float32 number"));
    std::memcpy(&bytes[i * 4], &exact, 4);
  }
  Tensor out{.kind = Tensor::constant, .shape = data.shape};
  out.values.owner = std::make_shared<const std::vector<uint8_t>>(std::move(bytes));
  out.values.data = *out.values.owner;
  return out;
}

constexpr Rule kRules[] = {
    {"Identity", lower_identity, 1, 1, ""},
    {"Dropout", lower_dropout, 1, 3, "ratio seed"},
    {"Flatten", lower_flatten, 1, 1, "axis"},
    {"Reshape", lower_reshape, 2, 2, "allowzero"},
    {"Squeeze", lower_squeeze, 1, 2, "axes"},
    {"Unsqueeze", lower_unsqueeze, 1, 2, "axes"},
    {"Transpose", lower_transpose, 1, 1, "perm"},
    {"Concat", lower_concat, 1, SIZE_MAX, "axis"},
    {"Upsample", lower_upsample, 1, 2, "mode scales"},
    {"Resize", lower_resize, 3, 4,
     "mode coordinate_transformation_mode nearest_mode cubic_coeff_a exclude_outside extrapolation_value"},
    {"Constant", lower_constant, 0, 0, "value"},
    {"Cast", lower_cast, 1, 1, "to saturate"},
};

}  // namespace

std::span<const Rule> movement_rules() { return kRules; }

int64_t normal_axis(const Call& call, int64_t axis, size_t rank) {
  const int64_t normal = axis < 0 ? axis + int64_t(rank) : axis;
  if (normal < 0 || normal >= int64_t(rank)) call.fail(text("axis ", axis, " of a tensor of rank ", rank));
  return normal;
}

Shape broadcast(const Call& call, const Shape& a, const Shape& b) {
  Shape shape(std::max(a.size(), b.size()), 1);
  for (size_t back = 1; back <= shape.size(); ++back) {
    const int64_t x = back <= a.size() ? a[a.size() - back] : 1, y = back <= b.size() ? b[b.size() - back] : 1;
    if (x != y && x != 1 && y != 1) call.fail(text("extents ", x, " and ", y, " do not broadcast"));
    shape[shape.size() - back] = x == 1 ? y : x;
  }
  return shape;
}

Index broadcast_map(const Shape& from, const Shape& to) {
  const std::vector<uint64_t> stride = strides(from);
  std::vector<Index> offsets;
  for (size_t axis = 0; axis < to.size(); ++axis) {
    Index& offset = offsets.emplace_back(size_t(to[axis]), 0);
    if (axis + from.size() < to.size()) continue;  // an axis that `from` does not have
    const size_t own = axis + from.size() - to.size();
    if (from[own] == 1) continue;
    for (int64_t i = 0; i < to[axis]; ++i) offset[size_t(i)] = uint32_t(uint64_t(i) * stride[own]);
  }
  return sum_of_offsets(offsets);
}

}  // namespace checker
