// Data movement by an index map: Transpose, Concat, Upsample, Resize and, run only, Gather and Slice.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/broadcast.h"
#include "ops/check.h"
#include "ops/family.h"
#include "ops/movement.h"

namespace axiom::ops {
namespace {

Result<std::vector<int64_t>> permutation(const Node& node, size_t rank) {
  std::vector<int64_t> perm(rank);
  for (size_t i = 0; i < rank; ++i) perm[i] = static_cast<int64_t>(rank - 1 - i);
  perm = attribute(node, "perm", perm);
  std::vector<int64_t> sorted = perm, axes(rank);
  std::sort(sorted.begin(), sorted.end());
  std::iota(axes.begin(), axes.end(), int64_t{0});
  if (sorted != axes)
    return rejected(node, fmt::format("perm {} is not a permutation of the {} axes", to_string(perm), rank));
  return perm;
}

Types infer_transpose(const InferContext& context) {
  if (auto ok = check_arity(context, 1, 1); !ok) return ok.error();
  if (auto ok = check_attributes(context.node, {{"perm", Kind::kInts}}); !ok) return ok.error();
  const Shape& in = context.types[0]->shape;
  auto perm = permutation(context.node, in.size());
  if (!perm) return perm.error();
  Shape shape;
  for (const int64_t axis : *perm) shape.push_back(in[axis]);
  return std::vector{reshaped(context, shape)};
}

IndexMap map_transpose(const MapContext& context) {
  auto perm = permutation(context.node, context.out.size());
  if (!perm) return perm.error();
  const auto strides = row_major_strides(context.data[0]);
  std::vector<int64_t> permuted;
  for (const int64_t axis : *perm) permuted.push_back(strides[axis]);
  return strided_index(context.out, permuted);
}

Types infer_concat(const InferContext& context) {
  const Node& node = context.node;
  if (auto ok = check_arity(context, std::max<size_t>(node.inputs.size(), 1), SIZE_MAX); !ok) return ok.error();
  if (auto ok = check_attributes(node, {{"axis", Kind::kInt}}); !ok) return ok.error();
  if (!has_attribute(node, "axis")) return rejected(node, "attribute 'axis' is missing");
  Shape shape = context.types[0]->shape;
  auto axis = normal_axis(node, attribute<int64_t>(node, "axis", 0), static_cast<int64_t>(shape.size()));
  if (!axis) return axis.error();
  for (size_t i = 1; i < context.types.size(); ++i) {
    if (context.types[i]->dtype != context.types[0]->dtype)
      return rejected(node, fmt::format("input {} has dtype {}, input 0 {}", i, dtype_name(context.types[i]->dtype),
                                        dtype_name(context.types[0]->dtype)));
    Shape other = context.types[i]->shape;
    const int64_t extent = other.size() == shape.size() ? other[*axis] : 0;
    if (other.size() == shape.size()) other[*axis] = shape[*axis];
    if (other != shape)
      return rejected(node, fmt::format("input {} has shape {}, input 0 {}; they must agree outside axis {}", i,
                                        to_string(context.types[i]->shape), to_string(context.types[0]->shape), *axis));
    if (__builtin_add_overflow(shape[*axis], extent, &shape[*axis])) return rejected(node, "the result is too large");
  }
  return std::vector{reshaped(context, shape)};
}

IndexMap map_concat(const MapContext& context) {
  const auto rank = static_cast<int64_t>(context.out.size());
  auto axis = normal_axis(context.node, attribute<int64_t>(context.node, "axis", 0), rank);
  if (!axis) return axis.error();
  const int64_t total = *element_count(context.out);
  std::vector<int64_t> index;
  index.reserve(static_cast<size_t>(total));
  if (total == 0) return index;
  int64_t blocks = 1;
  for (int64_t i = 0; i < *axis; ++i) blocks *= context.out[i];
  for (int64_t block = 0; block < blocks; ++block) {
    int64_t offset = 0;
    for (const Shape& shape : context.data) {
      const int64_t size = *element_count(shape), run = size / blocks;
      for (int64_t i = 0; i < run; ++i) index.push_back(offset + block * run + i);
      offset += size;
    }
  }
  return index;
}

// The constant scales of Upsample (input 1 or, before operator set 9, an attribute) or Resize (input 2).
Result<std::vector<float>> scales_of(const InferContext& context, size_t i) {
  const Node& node = context.node;
  std::vector<float> scales = attribute(node, "scales", std::vector<float>{});
  if (input_type(context, i)) {
    const Tensor* tensor = input_constant(context, i);
    if (!tensor || tensor->dtype() != DType::kFloat32) return rejected(node, "the scales must be float32 constants");
    scales.assign(tensor->data<float>().begin(), tensor->data<float>().end());
  }
  const size_t rank = context.types[0]->shape.size();
  if (scales.size() != rank)
    return rejected(node, fmt::format("has {} scales, the input has rank {} (output sizes are not supported)",
                                      scales.size(), rank));
  for (const float scale : scales)
    if (!(scale >= 1 && scale <= 65536 && std::trunc(scale) == scale))
      return rejected(node, fmt::format("scale {} is not supported; scales must be integers from 1 to 65536", scale));
  return scales;
}

constexpr int64_t kMostScaled = int64_t{1} << 24;

Types infer_scaled(const InferContext& context, size_t scales_input) {
  if (attribute<std::string>(context.node, "mode", "nearest") != "nearest")
    return rejected(context.node, fmt::format("mode '{}' is not supported; use nearest",
                                              attribute<std::string>(context.node, "mode", "")));
  auto scales = scales_of(context, scales_input);
  if (!scales) return scales.error();
  Shape shape = context.types[0]->shape;
  for (size_t i = 0; i < shape.size(); ++i)
    if (__builtin_mul_overflow(shape[i], static_cast<int64_t>((*scales)[i]), &shape[i]))
      return rejected(context.node, "the result is too large");
  for (size_t i = 0; i < shape.size(); ++i)
    if ((*scales)[i] > 1 && shape[i] > kMostScaled)
      return rejected(context.node, fmt::format("axis {} would have {} entries; at most 2^24 are supported, since "
                                                "runtimes divide in binary32",
                                                i, shape[i]));
  return std::vector{reshaped(context, shape)};
}

Types infer_upsample(const InferContext& context) {
  if (auto ok = check_arity(context, 1, 2); !ok) return ok.error();
  if (auto ok = check_attributes(context.node, {{"mode", Kind::kString}, {"scales", Kind::kFloats}}); !ok)
    return ok.error();
  return infer_scaled(context, 1);
}

Types infer_resize(const InferContext& context) {
  const Node& node = context.node;
  if (auto ok = check_arity(context, 1, 4); !ok) return ok.error();
  if (auto ok = check_attributes(node, {{"mode", Kind::kString},
                                        {"coordinate_transformation_mode", Kind::kString},
                                        {"nearest_mode", Kind::kString},
                                        {"cubic_coeff_a", Kind::kFloat},
                                        {"exclude_outside", Kind::kInt},
                                        {"extrapolation_value", Kind::kFloat}});
      !ok)
    return ok.error();
  const auto coordinates = attribute<std::string>(node, "coordinate_transformation_mode", "half_pixel");
  const auto rounding = attribute<std::string>(node, "nearest_mode", "round_prefer_floor");
  if (coordinates != "asymmetric" || rounding != "floor")
    return rejected(node, fmt::format("coordinate_transformation_mode '{}' with nearest_mode '{}' is not supported; "
                                      "use asymmetric with floor",
                                      coordinates, rounding));
  if (has_input(node, 3)) return rejected(node, "output sizes are not supported; state the scales");
  return infer_scaled(context, 2);
}

// Entry o of an axis reads floor(o / scale).
IndexMap map_scaled(const MapContext& context) {
  const Shape& in = context.data[0];
  std::vector<int64_t> index{0};
  for (size_t axis = 0; axis < in.size(); ++axis) {
    std::vector<int64_t> finer;
    finer.reserve(index.size() * static_cast<size_t>(context.out[axis]));
    const int64_t scale = in[axis] == 0 ? 1 : context.out[axis] / in[axis];
    for (const int64_t lead : index)
      for (int64_t o = 0; o < context.out[axis]; ++o) finer.push_back(lead * in[axis] + o / scale);
    index = std::move(finer);
  }
  return index;
}

Types infer_gather(const InferContext& context) {
  const Node& node = context.node;
  if (auto ok = check_arity(context, 2, 2); !ok) return ok.error();
  if (auto ok = check_attributes(node, {{"axis", Kind::kInt}}); !ok) return ok.error();
  if (!is_integer(context.types[1]->dtype))
    return rejected(node, fmt::format("the indices have dtype {}, must be int64", dtype_name(context.types[1]->dtype)));
  const Shape& in = context.types[0]->shape;
  auto axis = normal_axis(node, attribute<int64_t>(node, "axis", 0), static_cast<int64_t>(in.size()));
  if (!axis) return axis.error();
  Shape shape(in.begin(), in.begin() + *axis);
  shape.insert(shape.end(), context.types[1]->shape.begin(), context.types[1]->shape.end());
  shape.insert(shape.end(), in.begin() + *axis + 1, in.end());
  return std::vector{reshaped(context, shape)};
}

IndexMap map_gather(const MapContext& context) {
  const Shape& in = context.data[0];
  const int64_t axis =
      *normal_axis(context.node, attribute<int64_t>(context.node, "axis", 0), static_cast<int64_t>(in.size()));
  if (*element_count(context.out) == 0) return std::vector<int64_t>{};
  const int64_t outer = *element_count(Shape(in.begin(), in.begin() + axis));
  const int64_t inner = *element_count(Shape(in.begin() + axis + 1, in.end()));
  const std::vector<int64_t> chosen = integers_of(*context.inputs[1]);
  std::vector<int64_t> index;
  for (int64_t block = 0; block < outer; ++block)
    for (const int64_t i : chosen) {
      if (i < -in[axis] || i >= in[axis])
        return rejected(context.node, fmt::format("index {} is outside axis {} of extent {}", i, axis, in[axis]));
      const int64_t row = block * in[axis] + (i < 0 ? i + in[axis] : i);
      for (int64_t k = 0; k < inner; ++k) index.push_back(row * inner + k);
    }
  return index;
}

// First entry and step of each axis, and how many entries are taken.
struct Slices {
  std::vector<int64_t> start, step;
  Shape shape;
};

Slices whole(const Shape& in) { return {std::vector<int64_t>(in.size(), 0), std::vector<int64_t>(in.size(), 1), in}; }

// One axis of a slice, with the clamping of ONNX (and numpy).
void cut(Slices& slices, int64_t axis, int64_t extent, int64_t start, int64_t end, int64_t step) {
  const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? extent : extent - 1;
  const auto clamp = [&](int64_t i) { return std::clamp(i < 0 ? i + extent : i, low, high); };
  const int64_t first = clamp(start), last = clamp(end);
  const int64_t span = step > 0 ? last - first : first - last;
  const int64_t stride = step > 0 ? step : -step;
  slices.start[axis] = first;
  slices.step[axis] = step;
  slices.shape[axis] = span <= 0 ? 0 : (span - 1) / stride + 1;
}

Result<Slices> slices_of(const InferContext& context) {
  const Node& node = context.node;
  const Shape& in = context.types[0]->shape;
  auto starts = integers(context, 1, "starts");
  if (!starts) return starts.error();
  auto ends = integers(context, 2, "ends");
  if (!ends) return ends.error();
  auto axes = integers(context, 3, "axes");
  if (!axes) return axes.error();
  auto steps = integers(context, 4, "steps");
  if (!steps) return steps.error();
  if (!*starts || !*ends) return rejected(node, "starts or ends are missing");
  const size_t count = (*starts)->size();
  std::vector<int64_t> default_axes(count);
  std::iota(default_axes.begin(), default_axes.end(), int64_t{0});
  const auto cut_axes = axes->value_or(default_axes), cut_steps = steps->value_or(std::vector<int64_t>(count, 1));
  if ((*ends)->size() != count || cut_axes.size() != count || cut_steps.size() != count)
    return rejected(node, fmt::format("{} starts, {} ends, {} axes, {} steps; there must be as many of each", count,
                                      (*ends)->size(), cut_axes.size(), cut_steps.size()));
  Slices slices = whole(in);
  for (size_t i = 0; i < count; ++i) {
    auto axis = normal_axis(node, cut_axes[i], static_cast<int64_t>(in.size()));
    if (!axis) return axis.error();
    if (cut_steps[i] == 0 || cut_steps[i] == INT64_MIN) return rejected(node, "a step must not be 0");
    cut(slices, *axis, in[*axis], (**starts)[i], (**ends)[i], cut_steps[i]);
  }
  return slices;
}

Types infer_slice(const InferContext& context) {
  const Node& node = context.node;
  if (auto ok = check_arity(context, 1, 5); !ok) return ok.error();
  if (auto ok = check_attributes(node, {{"starts", Kind::kInts}, {"ends", Kind::kInts}, {"axes", Kind::kInts}}); !ok)
    return ok.error();
  auto slices = slices_of(context);
  if (!slices) return slices.error();
  return std::vector{reshaped(context, slices->shape)};
}

IndexMap map_slice(const MapContext& context) {
  const TensorType data{DType::kFloat32, context.data[0]}, integer{DType::kInt64, {}};
  InferContext infer{.node = context.node, .types = {&data}, .constants = {nullptr}};
  for (size_t i = 1; i < context.inputs.size(); ++i) {
    infer.types.push_back(context.inputs[i] ? &integer : nullptr);
    infer.constants.push_back(context.inputs[i]);
  }
  auto slices = slices_of(infer);
  if (!slices) return slices.error();
  std::vector<int64_t> strides = row_major_strides(context.data[0]);
  int64_t offset = 0;
  for (size_t axis = 0; axis < strides.size(); ++axis) {
    offset += slices->start[axis] * strides[axis];
    // The step of an axis with one entry is never taken and may be huge.
    strides[axis] *= slices->shape[axis] > 1 ? slices->step[axis] : 0;
  }
  return strided_index(context.out, strides, offset);
}

constexpr MovementRule kRules[] = {
    {.name = "Transpose", .infer = infer_transpose, .map = map_transpose},
    {.name = "Concat", .infer = infer_concat, .map = map_concat, .joins = true},
    {.name = "Upsample", .infer = infer_upsample, .map = map_scaled},
    {.name = "Resize", .infer = infer_resize, .map = map_scaled},
    {.name = "Gather", .infer = infer_gather, .map = map_gather, .folds_by_indices = true, .certified = false},
    {.name = "Slice", .infer = infer_slice, .map = map_slice, .certified = false},
};

}  // namespace

Family reordering_family() {
  Family family;
  for (const MovementRule& rule : kRules) family.push_back(movement(rule));
  return family;
}

}  // namespace axiom::ops
