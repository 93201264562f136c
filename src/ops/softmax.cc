// Softmax: exp(x - max) over its sum, along one axis (all axes from `axis` on before operator set 13).
#include <fmt/format.h>

#include <cmath>

#include "ops/check.h"
#include "ops/dispatch.h"
#include "ops/family.h"

namespace axiom::ops {
namespace {

// Of the numbers normalised together, for a certified meaning.
constexpr int64_t kLongest = int64_t{1} << 20;

// Entries of one distribution lie `stride` apart; `blocks` x `stride` distributions of `length`.
struct Layout {
  int64_t blocks = 1, length = 1, stride = 1;
};

Layout layout_of(const Node& node, const Shape& shape) {
  const auto rank = static_cast<int64_t>(shape.size());
  const int64_t given = attribute<int64_t>(node, "axis", node.opset < 13 ? 1 : -1);
  const int64_t axis = given < 0 ? given + rank : given;
  Layout layout;
  for (int64_t i = 0; i < rank; ++i) {
    const bool joins = node.opset < 13 ? i >= axis : i == axis;
    (i < axis ? layout.blocks : joins ? layout.length : layout.stride) *= shape[i];
  }
  return layout;
}

// Calls body(position of entry k of the distribution) for every distribution.
template <typename Body>
void for_each_distribution(const Layout& layout, Body&& body) {
  for (int64_t block = 0; block < layout.blocks; ++block)
    for (int64_t inner = 0; inner < layout.stride; ++inner)
      body([=](int64_t k) { return static_cast<size_t>((block * layout.length + k) * layout.stride + inner); });
}

class Softmax final : public Operator {
 public:
  std::string_view name() const override { return "Softmax"; }

  Result<std::vector<TensorType>> infer(const InferContext& context) const override {
    if (auto ok = check_arity(context, 1, 1); !ok) return ok.error();
    if (auto ok = check_attributes(context.node, {{"axis", Kind::kInt}}); !ok) return ok.error();
    if (auto ok = check_float(context, {0}); !ok) return ok.error();
    const int64_t axis = attribute<int64_t>(context.node, "axis", context.node.opset < 13 ? 1 : -1);
    const auto rank = static_cast<int64_t>(context.types[0]->shape.size());
    if (auto ok = normal_axis(context.node, axis, rank); !ok) return ok.error();
    return std::vector<TensorType>{*context.types[0]};
  }

  Result<std::vector<Tensor>> eval(const Node& node, std::span<const Tensor* const> inputs,
                                   std::span<const TensorType> types) const override {
    return with_float(inputs[0]->dtype(), [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      Tensor result(types[0].dtype, types[0].shape);
      const auto x = inputs[0]->data<T>();
      const auto y = result.mutable_data<T>();
      if (y.empty()) return std::vector<Tensor>{std::move(result)};
      const Layout layout = layout_of(node, types[0].shape);
      for_each_distribution(layout, [&](auto at) {
        T largest = x[at(0)], sum = 0;
        for (int64_t k = 1; k < layout.length; ++k) largest = std::max(largest, x[at(k)]);
        for (int64_t k = 0; k < layout.length; ++k) sum += y[at(k)] = std::exp(x[at(k)] - largest);
        for (int64_t k = 0; k < layout.length; ++k) y[at(k)] /= sum;
      });
      return std::vector<Tensor>{std::move(result)};
    });
  }

  Result<std::vector<Tensor>> gradient(const GradientContext& context) const override {
    const Tensor& out = context.outputs[0];
    return with_float(out.dtype(), [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      Tensor din(out.dtype(), out.shape());
      const auto y = out.data<T>(), dy = context.output_gradients[0].data<T>();
      const auto dx = din.mutable_data<T>();
      if (dx.empty()) return std::vector<Tensor>{std::move(din)};
      const Layout layout = layout_of(context.node, out.shape());
      for_each_distribution(layout, [&](auto at) {
        T mean = 0;
        for (int64_t k = 0; k < layout.length; ++k) mean += y[at(k)] * dy[at(k)];
        for (int64_t k = 0; k < layout.length; ++k) dx[at(k)] = y[at(k)] * (dy[at(k)] - mean);
      });
      return std::vector<Tensor>{std::move(din)};
    });
  }

  // Elements are numbered group after group; the output, row-major, picks them from there.
  Status lower(const Node& node, LoweringContext& context) const override {
    auto source = context.varying(node, node.inputs[0]);
    if (!source) return source.error();
    const Layout layout = layout_of(node, context.type(node.inputs[0]).shape);
    if (layout.length < 1 || layout.length > kLongest)
      return uncertified(
          node, fmt::format("it normalises {} numbers together, 1 to {} are covered", layout.length, kLongest));
    CoreOp op{.kind = CoreKind::kSoftmax};
    op.count = static_cast<uint32_t>(source->size());
    std::vector<size_t> entries;
    for_each_distribution(layout, [&](auto at) {
      op.window_begin.push_back(static_cast<uint32_t>(entries.size()));
      for (int64_t k = 0; k < layout.length; ++k) entries.push_back(at(k));
    });
    op.window_begin.push_back(op.count);
    for (const size_t entry : entries) op.source.push_back((*source)[entry]);
    if (auto defined = context.define_elements(node, std::move(op)); !defined) return defined;
    auto grouped = context.elements(node, node.outputs[0]);
    if (!grouped) return grouped.error();
    std::vector<ElementId> view(entries.size());
    for (size_t i = 0; i < entries.size(); ++i) view[entries[i]] = (*grouped)[i];
    context.define_view(node, std::move(view));
    return {};
  }

  bool folds_exactly(const Node&, std::span<const Tensor* const>) const override { return false; }
};

}  // namespace

Family softmax_family() {
  Family family;
  family.push_back(std::make_unique<Softmax>());
  return family;
}

}  // namespace axiom::ops
