// Max and Min of any number of operands, with numpy broadcasting.
#include <fmt/format.h>

#include <cmath>

#include "ops/broadcast.h"
#include "ops/check.h"
#include "ops/dispatch.h"
#include "ops/family.h"
#include "ops/steps.h"

namespace axiom::ops {
namespace {

class Extreme final : public Operator {
 public:
  Extreme(std::string_view name, bool greatest) : name_(name), greatest_(greatest) {}
  std::string_view name() const override { return name_; }

  Result<std::vector<TensorType>> infer(const InferContext& context) const override {
    const size_t count = context.node.inputs.size();
    if (auto ok = check_arity(context, std::max<size_t>(count, 1), count); !ok) return ok.error();
    if (auto ok = check_attributes(context.node, {}); !ok) return ok.error();
    TensorType type = *context.types[0];
    for (size_t i = 0; i < count; ++i) {
      if (auto ok = check_float(context, {0, i}); !ok) return ok.error();
      const auto shape = broadcast_shape(type.shape, context.types[i]->shape);
      if (!shape)
        return rejected(context.node, fmt::format("shapes {} and {} do not broadcast", to_string(type.shape),
                                                  to_string(context.types[i]->shape)));
      type.shape = *shape;
    }
    return std::vector<TensorType>{std::move(type)};
  }

  Result<std::vector<Tensor>> eval(const Node&, std::span<const Tensor* const> inputs,
                                   std::span<const TensorType> types) const override {
    return with_float(types[0].dtype, [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      Tensor result(types[0].dtype, types[0].shape);
      const auto y = result.mutable_data<T>();
      for (size_t k = 0; k < inputs.size(); ++k) {
        const auto x = inputs[k]->data<T>();
        const auto index = broadcast_index(inputs[k]->shape(), types[0].shape);
        for (size_t i = 0; i < y.size(); ++i) {
          const T v = x[static_cast<size_t>(index[i])];
          if (k == 0 || std::isnan(v) || (greatest_ ? v > y[i] : v < y[i])) y[i] = v;  // NaN stays, as in numpy.
        }
      }
      return std::vector<Tensor>{std::move(result)};
    });
  }

  // To the first operand that attains the extreme.
  Result<std::vector<Tensor>> gradient(const GradientContext& context) const override {
    const Tensor &out = context.outputs[0], &dy = context.output_gradients[0];
    return with_float(dy.dtype(), [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      std::vector<Tensor> gradients;
      std::vector<bool> given(dy.size(), false);
      for (const Tensor* input : context.inputs) {
        Tensor& gradient = gradients.emplace_back(dy.dtype(), input->shape());
        const auto x = input->data<T>(), y = out.data<T>(), g = dy.data<T>();
        const auto dx = gradient.mutable_data<T>();
        const auto index = broadcast_index(input->shape(), dy.shape());
        for (size_t i = 0; i < g.size(); ++i) {
          const auto from = static_cast<size_t>(index[i]);
          if (given[i] || x[from] != y[i]) continue;
          dx[from] += g[i];
          given[i] = true;
        }
      }
      return gradients;
    });
  }

  // The operands that depend on the inputs, in order, then the constant ones.
  Status lower(const Node& node, LoweringContext& context) const override {
    Steps steps(node, context);
    const Shape& shape = context.type(node.outputs[0]).shape;
    Elements y;
    bool any = false;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (context.constant(node.inputs[i])) continue;
      const Elements own = steps.varying(i);
      if (!steps.status()) return steps.status();
      const Elements x = picked(own, broadcast_index(context.type(node.inputs[i]).shape, shape));
      y = any ? steps.extreme(greatest_, y, x) : x;
      any = true;
    }
    if (!any) return uncertified(node, "all operands are constant; fold them when the model is exported");
    for (const ValueId value : node.inputs) {
      const Tensor* tensor = context.constant(value);
      if (!tensor) continue;
      if (auto finite = require_finite(node, *tensor, "a constant operand"); !finite) return finite;
      const auto entries = tensor->data<float>();
      y = steps.extreme(
          greatest_, y,
          picked(std::vector<double>(entries.begin(), entries.end()), broadcast_index(tensor->shape(), shape)));
    }
    return steps.finish(std::move(y));
  }

  bool folds_exactly(const Node&, std::span<const Tensor* const>) const override { return false; }

 private:
  std::string_view name_;
  bool greatest_;
};

}  // namespace

Family extremes_family() {
  Family family;
  family.push_back(std::make_unique<Extreme>("Max", true));
  family.push_back(std::make_unique<Extreme>("Min", false));
  return family;
}

}  // namespace axiom::ops
