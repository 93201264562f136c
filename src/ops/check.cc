// Checks shared by all operators.
#include "ops/check.h"

#include <fmt/format.h>

#include <algorithm>

namespace axiom::ops {
namespace {

constexpr std::string_view kKindNames[] = {"an integer",         "a float",         "a string", "a tensor",
                                           "a list of integers", "a list of floats"};

}  // namespace

Status check_arity(const InferContext& context, size_t required, size_t most, size_t outputs) {
  const Node& node = context.node;
  for (size_t i = 0; i < required; ++i)
    if (!input_type(context, i))
      return rejected(node, fmt::format("input {} is missing; the operator needs {} inputs", i, required));
  if (node.inputs.size() > most)
    return rejected(node, fmt::format("has {} inputs, at most {} are supported", node.inputs.size(), most));
  if (node.outputs.empty() || node.outputs[0] == kNoValue) return rejected(node, "its first output has no name");
  if (node.outputs.size() > outputs)
    return rejected(node, fmt::format("has {} outputs, at most {} are supported", node.outputs.size(), outputs));
  return {};
}

Status check_attributes(const Node& node, std::initializer_list<std::pair<std::string_view, Kind>> known) {
  for (const auto& [name, value] : node.attributes) {
    const auto entry =
        std::find_if(known.begin(), known.end(), [&name = name](const auto& k) { return k.first == name; });
    if (entry == known.end())
      return rejected(node, fmt::format("attribute '{}' is not supported in operator set {}", name, node.opset));
    if (static_cast<size_t>(entry->second) != value.index())
      return rejected(node, fmt::format("attribute '{}' is {}, must be {}", name, kKindNames[value.index()],
                                        kKindNames[static_cast<size_t>(entry->second)]));
  }
  return {};
}

Status check_dtypes(const InferContext& context, std::initializer_list<size_t> which,
                    std::initializer_list<DType> allowed) {
  const TensorType* first = nullptr;
  for (const size_t i : which) {
    const TensorType* type = input_type(context, i);
    if (!type) continue;
    if (std::find(allowed.begin(), allowed.end(), type->dtype) == allowed.end()) {
      std::string names;
      for (const DType dtype : allowed) names += fmt::format("{}{}", names.empty() ? "" : " or ", dtype_name(dtype));
      return rejected(context.node,
                      fmt::format("input {} has dtype {}, must be {}", i, dtype_name(type->dtype), names));
    }
    if (first && first->dtype != type->dtype)
      return rejected(context.node, fmt::format("input {} has dtype {}, an earlier one {}; insert a Cast", i,
                                                dtype_name(type->dtype), dtype_name(first->dtype)));
    first = type;
  }
  return {};
}

Status check_float(const InferContext& context, std::initializer_list<size_t> which) {
  return check_dtypes(context, which, {DType::kFloat32, DType::kFloat64});
}

const TensorType* input_type(const InferContext& context, size_t i) {
  return i < context.types.size() ? context.types[i] : nullptr;
}

const Tensor* input_constant(const InferContext& context, size_t i) {
  return i < context.constants.size() ? context.constants[i] : nullptr;
}

Result<int64_t> normal_axis(const Node& node, int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return rejected(node, fmt::format("axis {} is outside [{}, {}] of rank {}", axis, -rank, rank - 1, rank));
  return axis < 0 ? axis + rank : axis;
}

std::vector<int64_t> integers_of(const Tensor& tensor) {
  if (tensor.dtype() == DType::kInt32) {
    const auto values = tensor.data<int32_t>();
    return {values.begin(), values.end()};
  }
  const auto values = tensor.data<int64_t>();
  return {values.begin(), values.end()};
}

}  // namespace axiom::ops
