// The operator that every rule of data movement becomes.
#include "ops/movement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "ops/check.h"
#include "ops/dispatch.h"

namespace axiom::ops {
namespace {

template <size_t Size>
void pick(const std::byte* from, const std::vector<int64_t>& index, std::byte* to) {
  for (size_t i = 0; i < index.size(); ++i) std::memcpy(to + i * Size, from + index[i] * Size, Size);
}

class Movement final : public Operator {
 public:
  explicit Movement(const MovementRule& rule) : rule_(rule) {}
  std::string_view name() const override { return rule_.name; }

  Types infer(const InferContext& context) const override { return rule_.infer(context); }

  Result<std::vector<Tensor>> eval(const Node& node, std::span<const Tensor* const> inputs,
                                   std::span<const TensorType> types) const override {
    std::vector<Tensor> results;
    if (!rule_.map) {
      results.push_back(inputs[0]->reshaped(types[0].shape));
    } else {
      auto index = rule_.map({node, data_shapes(inputs), inputs, types[0].shape});
      if (!index) return index.error();
      results.push_back(gather(inputs, *index, types[0]));
    }
    if (types.size() > 1) results.push_back(all_true(types[1].shape));  // the mask of Dropout
    return results;
  }

  Result<std::vector<Tensor>> gradient(const GradientContext& context) const override {
    std::vector<Tensor> gradients(context.inputs.size());
    const Tensor& dy = context.output_gradients[0];
    if (!rule_.map) {
      gradients[0] = dy.reshaped(context.inputs[0]->shape());
      return gradients;
    }
    auto index = rule_.map({context.node, data_shapes(context.inputs), context.inputs, dy.shape()});
    if (!index) return index.error();
    with_float(dy.dtype(), [&](auto zero) { scatter<decltype(zero)>(context, *index, gradients); });
    return gradients;
  }

  Status lower(const Node& node, LoweringContext& context) const override {
    if (!rule_.certified) return Operator::lower(node, context);
    const size_t data = data_count(node.inputs.size());
    std::vector<const Tensor*> inputs(node.inputs.size(), nullptr);
    bool all_constant = true;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == kNoValue) continue;
      inputs[i] = context.constant(node.inputs[i]);
      if (i < data) all_constant = all_constant && inputs[i];
      if (i >= data && !inputs[i])
        return uncertified(node,
                           fmt::format("input {} must be a constant of the model (an initialiser, or data movement "
                                       "of one)",
                                       i));
    }
    if (all_constant) return context.define_constant(node);
    return lower_view(node, inputs, data, context);
  }

  bool folds_exactly(const Node&, std::span<const Tensor* const> inputs) const override {
    // Axes, shapes and indices are constant already (infer asks for it), or omitted, or make the answer false.
    const size_t needed = rule_.joins || rule_.folds_by_indices ? inputs.size() : 1;
    for (size_t i = 0; i < needed; ++i)
      if (!inputs[i]) return false;
    return true;
  }

 private:
  size_t data_count(size_t inputs) const { return rule_.joins ? inputs : 1; }

  std::vector<Shape> data_shapes(std::span<const Tensor* const> inputs) const {
    std::vector<Shape> shapes;
    for (size_t i = 0; i < data_count(inputs.size()); ++i) shapes.push_back(inputs[i]->shape());
    return shapes;
  }

  Status lower_view(const Node& node, std::span<const Tensor* const> inputs, size_t data,
                    LoweringContext& context) const {
    std::vector<ElementId> entries;
    std::vector<Shape> shapes;
    for (size_t i = 0; i < data; ++i) {
      auto elements = context.elements(node, node.inputs[i]);
      if (!elements) return elements.error();
      entries.insert(entries.end(), elements->begin(), elements->end());
      shapes.push_back(context.type(node.inputs[i]).shape);
    }
    if (rule_.map) {
      auto index = rule_.map({node, shapes, inputs, context.type(node.outputs[0]).shape});
      if (!index) return index.error();
      std::vector<ElementId> moved(index->size());
      for (size_t i = 0; i < moved.size(); ++i) moved[i] = entries[(*index)[i]];
      entries = std::move(moved);
    }
    context.define_view(node, std::move(entries));
    return {};
  }

  Tensor gather(std::span<const Tensor* const> inputs, const std::vector<int64_t>& index,
                const TensorType& type) const {
    std::vector<std::byte> joined;
    const std::byte* from = inputs[0]->bytes();
    if (rule_.joins) {
      for (const Tensor* tensor : inputs)
        joined.insert(joined.end(), tensor->bytes(), tensor->bytes() + tensor->byte_size());
      from = joined.data();
    }
    Tensor result(type.dtype, type.shape);
    std::byte* to = result.mutable_bytes();
    switch (dtype_size(type.dtype)) {
      case 1:
        pick<1>(from, index, to);
        break;
      case 4:
        pick<4>(from, index, to);
        break;
      default:
        pick<8>(from, index, to);
    }
    return result;
  }

  template <typename T>
  void scatter(const GradientContext& context, const std::vector<int64_t>& index,
               std::vector<Tensor>& gradients) const {
    std::vector<T> joined;
    for (size_t i = 0; i < data_count(context.inputs.size()); ++i)
      joined.resize(joined.size() + static_cast<size_t>(context.inputs[i]->size()));
    const auto dy = context.output_gradients[0].data<T>();
    for (size_t i = 0; i < index.size(); ++i) joined[index[i]] += dy[i];
    auto next = joined.begin();
    for (size_t i = 0; i < data_count(context.inputs.size()); ++i) {
      const int64_t size = context.inputs[i]->size();
      gradients[i] = Tensor::from<T>(context.inputs[i]->shape(), std::vector<T>(next, next + size));
      next += size;
    }
  }

  static Tensor all_true(const Shape& shape) {
    Tensor mask(DType::kBool, shape);
    for (bool& entry : mask.mutable_data<bool>()) entry = true;
    return mask;
  }

  MovementRule rule_;
};

}  // namespace

std::unique_ptr<const Operator> movement(const MovementRule& rule) { return std::make_unique<Movement>(rule); }

Result<std::optional<std::vector<int64_t>>> integers(const InferContext& context, size_t i, const std::string& name) {
  const Node& node = context.node;
  if (const TensorType* type = input_type(context, i)) {
    const Tensor* tensor = input_constant(context, i);
    if (!tensor)
      return rejected(node, fmt::format("'{}' (input {}) depends on the inputs; it must be constant", name, i));
    if (!is_integer(type->dtype))
      return rejected(node, fmt::format("'{}' has dtype {}, must be int64", name, dtype_name(type->dtype)));
    return std::optional(integers_of(*tensor));
  }
  if (has_attribute(node, name)) return std::optional(attribute(node, name, std::vector<int64_t>{}));
  return std::optional<std::vector<int64_t>>{};
}

Result<std::vector<int64_t>> normal_axes(const Node& node, std::vector<int64_t> axes, int64_t rank) {
  for (int64_t& axis : axes) {
    auto normal = normal_axis(node, axis, rank);
    if (!normal) return normal.error();
    axis = *normal;
  }
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) return rejected(node, "an axis is listed twice");
  return axes;
}

TensorType reshaped(const InferContext& context, Shape shape) { return {context.types[0]->dtype, std::move(shape)}; }

}  // namespace axiom::ops
