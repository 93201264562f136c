// Data movement that keeps the order of entries: Identity, Dropout, Flatten, Reshape, Squeeze, Unsqueeze.
#include <fmt/format.h>

#include <algorithm>

#include "ops/check.h"
#include "ops/family.h"
#include "ops/movement.h"

namespace axiom::ops {
namespace {

Types infer_identity(const InferContext& context) {
  if (auto ok = check_arity(context, 1, 1); !ok) return ok.error();
  if (auto ok = check_attributes(context.node, {}); !ok) return ok.error();
  return std::vector{*context.types[0]};
}

Types infer_dropout(const InferContext& context) {
  const Node& node = context.node;
  if (auto ok = check_arity(context, 1, 3, 2); !ok) return ok.error();
  if (auto ok = check_attributes(node, {{"ratio", Kind::kFloat}, {"seed", Kind::kInt}, {"is_test", Kind::kInt}}); !ok)
    return ok.error();
  bool training = node.opset < 7 && attribute<int64_t>(node, "is_test", 0) == 0;
  if (const TensorType* type = input_type(context, 2)) {
    const Tensor* mode = input_constant(context, 2);
    if (!mode) return rejected(node, "training_mode depends on the inputs; it must be a constant false");
    if (type->dtype != DType::kBool || mode->size() != 1)
      return rejected(node, fmt::format("training_mode is {}{}, must be one bool", dtype_name(type->dtype),
                                        to_string(type->shape)));
    training = mode->data<bool>()[0];
  }
  if (training) return rejected(node, "training_mode is true: the model is random; export it for inference");
  return std::vector<TensorType>{*context.types[0], {DType::kBool, context.types[0]->shape}};
}

Types infer_flatten(const InferContext& context) {
  const Node& node = context.node;
  if (auto ok = check_arity(context, 1, 1); !ok) return ok.error();
  if (auto ok = check_attributes(node, {{"axis", Kind::kInt}}); !ok) return ok.error();
  const Shape& in = context.types[0]->shape;
  const auto rank = static_cast<int64_t>(in.size());
  int64_t axis = attribute<int64_t>(node, "axis", 1);
  if (axis < -rank || axis > rank)
    return rejected(node, fmt::format("axis {} is outside [{}, {}] of rank {}", axis, -rank, rank, rank));
  if (axis < 0) axis += rank;
  auto rows = element_count(Shape(in.begin(), in.begin() + axis));
  auto columns = element_count(Shape(in.begin() + axis, in.end()));
  if (!rows || !columns) return rejected(node, fmt::format("shape {} is too large to flatten", to_string(in)));
  return std::vector{reshaped(context, {*rows, *columns})};
}

// The one extent that is -1 takes what the others leave.
Status infer_minus_one(const Node& node, int64_t size, Shape& shape) {
  const auto open = std::find(shape.begin(), shape.end(), -1);
  if (open == shape.end()) return {};
  *open = 1;
  auto rest = element_count(shape);
  if (!rest) return rejected(node, rest.error().message);
  if (*rest == 0 || size % *rest != 0)
    return rejected(node,
                    fmt::format("{} entries cannot be split by the other extents, whose product is {}", size, *rest));
  *open = size / *rest;
  return {};
}

Types infer_reshape(const InferContext& context) {
  const Node& node = context.node;
  if (auto ok = check_arity(context, 1, 2); !ok) return ok.error();
  if (auto ok = check_attributes(node, {{"allowzero", Kind::kInt}, {"shape", Kind::kInts}}); !ok) return ok.error();
  auto wanted = integers(context, 1, "shape");
  if (!wanted) return wanted.error();
  if (!*wanted) return rejected(node, "the new shape is missing");
  const Shape& in = context.types[0]->shape;
  Shape shape = **wanted;
  if (std::count(shape.begin(), shape.end(), -1) > 1)
    return rejected(node, fmt::format("shape {} has more than one -1", to_string(shape)));
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < -1) return rejected(node, fmt::format("shape {} has a negative extent", to_string(shape)));
    if (shape[i] != 0 || attribute<int64_t>(node, "allowzero", 0) != 0) continue;
    if (i >= in.size())
      return rejected(node, fmt::format("extent {} of shape {} is 0 (copied), but the input has rank {}", i,
                                        to_string(shape), in.size()));
    shape[i] = in[i];
  }
  const int64_t size = *element_count(in);
  if (auto done = infer_minus_one(node, size, shape); !done) return done.error();
  auto count = element_count(shape);
  if (!count || *count != size)
    return rejected(node, fmt::format("input has shape {} ({} entries), which does not fit {}", to_string(in), size,
                                      to_string(shape)));
  return std::vector{reshaped(context, shape)};
}

Types infer_squeeze(const InferContext& context) {
  const Node& node = context.node;
  if (auto ok = check_arity(context, 1, 2); !ok) return ok.error();
  if (auto ok = check_attributes(node, {{"axes", Kind::kInts}}); !ok) return ok.error();
  auto given = integers(context, 1, "axes");
  if (!given) return given.error();
  const Shape& in = context.types[0]->shape;
  std::vector<int64_t> axes;
  if (*given && (*given)->empty())
    return rejected(node, "its list of axes is empty, which runtimes read differently; leave it out or fill it");
  if (*given) {
    auto normal = normal_axes(node, **given, static_cast<int64_t>(in.size()));
    if (!normal) return normal.error();
    axes = *normal;
  } else {
    for (size_t i = 0; i < in.size(); ++i)
      if (in[i] == 1) axes.push_back(static_cast<int64_t>(i));
  }
  Shape shape;
  for (size_t i = 0; i < in.size(); ++i) {
    if (!std::binary_search(axes.begin(), axes.end(), static_cast<int64_t>(i)))
      shape.push_back(in[i]);
    else if (in[i] != 1)
      return rejected(node,
                      fmt::format("axis {} of shape {} has extent {}, only 1 can be removed", i, to_string(in), in[i]));
  }
  return std::vector{reshaped(context, shape)};
}

Types infer_unsqueeze(const InferContext& context) {
  const Node& node = context.node;
  if (auto ok = check_arity(context, 1, 2); !ok) return ok.error();
  if (auto ok = check_attributes(node, {{"axes", Kind::kInts}}); !ok) return ok.error();
  auto given = integers(context, 1, "axes");
  if (!given) return given.error();
  if (!*given || (*given)->empty()) return rejected(node, "the axes are missing");
  const Shape& in = context.types[0]->shape;
  auto axes = normal_axes(node, **given, static_cast<int64_t>(in.size() + (*given)->size()));
  if (!axes) return axes.error();
  Shape shape = in;
  for (const int64_t axis : *axes) shape.insert(shape.begin() + axis, 1);
  return std::vector{reshaped(context, shape)};
}

constexpr MovementRule kRules[] = {
    {.name = "Identity", .infer = infer_identity}, {.name = "Dropout", .infer = infer_dropout},
    {.name = "Flatten", .infer = infer_flatten},   {.name = "Reshape", .infer = infer_reshape},
    {.name = "Squeeze", .infer = infer_squeeze},   {.name = "Unsqueeze", .infer = infer_unsqueeze},
};

}  // namespace

Family reshaping_family() {
  Family family;
  for (const MovementRule& rule : kRules) family.push_back(movement(rule));
  return family;
}

}  // namespace axiom::ops
