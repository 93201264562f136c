// ReduceSum and ReduceMean over some axes.
#include <fmt/format.h>

#include <algorithm>

#include "ops/broadcast.h"
#include "ops/check.h"
#include "ops/dispatch.h"
#include "ops/family.h"
#include "ops/steps.h"

namespace axiom::ops {
namespace {

// Shapes of the result: with the reduced axes as 1, and as ONNX has it; entries that are added up per result.
struct Reduction {
  Shape kept, shape;
  int64_t count = 1;
};

class Reduce final : public Operator {
 public:
  Reduce(std::string_view name, bool mean, int axes_are_input) : name_(name), mean_(mean), newer_(axes_are_input) {}
  std::string_view name() const override { return name_; }

  Result<std::vector<TensorType>> infer(const InferContext& context) const override {
    const Node& node = context.node;
    if (auto ok = check_arity(context, 1, takes_input(node) ? 2 : 1); !ok) return ok.error();
    if (auto ok = takes_input(node)
                      ? check_attributes(node, {{"keepdims", Kind::kInt}, {"noop_with_empty_axes", Kind::kInt}})
                      : check_attributes(node, {{"keepdims", Kind::kInt}, {"axes", Kind::kInts}});
        !ok)
      return ok.error();
    if (auto ok = check_float(context, {0}); !ok) return ok.error();
    const Tensor* axes = input_constant(context, 1);
    if (input_type(context, 1) && !axes) return rejected(node, "the axes must be constant");
    if (axes && axes->dtype() != DType::kInt64) return rejected(node, "the axes must have dtype int64");
    auto plan = plan_of(node, context.types[0]->shape, axes);
    if (!plan) return plan.error();
    return std::vector<TensorType>{{context.types[0]->dtype, plan->shape}};
  }

  Result<std::vector<Tensor>> eval(const Node& node, std::span<const Tensor* const> inputs,
                                   std::span<const TensorType> types) const override {
    const auto plan = plan_of(node, inputs[0]->shape(), input(inputs, 1));
    if (!plan) return plan.error();
    return with_float(types[0].dtype, [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      Tensor result(types[0].dtype, types[0].shape);
      const auto x = inputs[0]->data<T>();
      const auto y = result.mutable_data<T>();
      const auto to = broadcast_index(plan->kept, inputs[0]->shape());
      for (size_t i = 0; i < x.size(); ++i) y[static_cast<size_t>(to[i])] += x[i];
      if (mean_)
        for (T& sum : y) sum /= static_cast<T>(plan->count);
      return std::vector<Tensor>{std::move(result)};
    });
  }

  Result<std::vector<Tensor>> gradient(const GradientContext& context) const override {
    const Tensor& dy = context.output_gradients[0];
    const auto plan = plan_of(context.node, context.inputs[0]->shape(), input(context.inputs, 1));
    if (!plan) return plan.error();
    return with_float(dy.dtype(), [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      std::vector<Tensor> gradients(context.inputs.size());
      gradients[0] = Tensor(dy.dtype(), context.inputs[0]->shape());
      const auto g = dy.data<T>();
      const auto dx = gradients[0].mutable_data<T>();
      const auto to = broadcast_index(plan->kept, context.inputs[0]->shape());
      for (size_t i = 0; i < dx.size(); ++i)
        dx[i] = g[static_cast<size_t>(to[i])] / (mean_ ? static_cast<T>(plan->count) : T{1});
      return gradients;
    });
  }

  Status lower(const Node& node, LoweringContext& context) const override {
    Steps steps(node, context);
    const Elements x = steps.varying(0);
    if (!steps.status()) return steps.status();
    const Shape& in = context.type(node.inputs[0]).shape;
    auto plan = plan_of(node, in, has_input(node, 1) ? context.constant(node.inputs[1]) : nullptr);
    if (!plan) return plan.error();
    const auto count = static_cast<double>(plan->count);
    if (plan->count > 1 << 20)
      return uncertified(node, fmt::format("it adds up {} entries, at most 2^20 are covered", plan->count));
    std::vector<Steps::Row> rows(static_cast<size_t>(*element_count(plan->shape)));
    const auto to = broadcast_index(plan->kept, in);
    for (size_t i = 0; i < x.size(); ++i) rows[static_cast<size_t>(to[i])].emplace_back(x[i], mean_ ? 1 / count : 1);
    if (!mean_) return steps.finish(steps.affine(rows, {}, {.gamma = count + 1, .underflow = 2 * count + 1}));
    return steps.finish(steps.affine(
        rows, {}, {.gamma = count + 3, .underflow = 2 * count + 4, .factor = count, .real_error = 0x1p-50}));
  }

  bool folds_exactly(const Node&, std::span<const Tensor* const>) const override { return false; }

 private:
  bool takes_input(const Node& node) const { return node.opset >= newer_; }

  Result<Reduction> plan_of(const Node& node, const Shape& in, const Tensor* given) const {
    const auto rank = static_cast<int64_t>(in.size());
    std::vector<int64_t> axes =
        given ? integers_of(*given) : attribute<std::vector<int64_t>>(node, "axes", std::vector<int64_t>{});
    Reduction plan{.kept = in, .shape = {}, .count = 1};
    if (axes.empty() && attribute<int64_t>(node, "noop_with_empty_axes", 0) != 0) {
      plan.shape = in;
      return plan;
    }
    std::vector<bool> reduced(in.size(), axes.empty());
    for (const int64_t axis : axes) {
      auto normal = normal_axis(node, axis, rank);
      if (!normal) return normal.error();
      if (reduced[static_cast<size_t>(*normal)]) return rejected(node, fmt::format("axis {} is listed twice", axis));
      reduced[static_cast<size_t>(*normal)] = true;
    }
    const bool keeps = attribute<int64_t>(node, "keepdims", 1) != 0;
    for (size_t i = 0; i < in.size(); ++i) {
      if (reduced[i]) {
        plan.count *= in[i];
        plan.kept[i] = 1;
      }
      if (!reduced[i] || keeps) plan.shape.push_back(plan.kept[i]);
    }
    return plan;
  }

  std::string_view name_;
  bool mean_;
  int newer_;  // The operator set from which on the axes are an input.
};

}  // namespace

Family reduction_family() {
  Family family;
  family.push_back(std::make_unique<Reduce>("ReduceSum", false, 13));
  family.push_back(std::make_unique<Reduce>("ReduceMean", true, 18));
  return family;
}

}  // namespace axiom::ops
