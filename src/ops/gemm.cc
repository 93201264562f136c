// Gemm: alpha * A' * B' + beta * C, where alpha or beta other than 1 make a scaled sum (spec/operators.md section 3).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ops/broadcast.h"
#include "ops/check.h"
#include "ops/dispatch.h"
#include "ops/family.h"
#include "ops/product.h"

namespace axiom::ops {
namespace {

// alpha * A' * B' + beta * C with A' (rows x depth) and B' (depth x columns).
struct GemmPlan {
  int64_t rows = 0, depth = 0, columns = 0;
  Matrix a, b;
  float alpha = 1, beta = 1;
  Shape shape() const { return {rows, columns}; }
  Matrix y() const { return {0, columns, 1}; }
};

GemmPlan plan_gemm(const Node& node, const Shape& a, const Shape& b) {
  const bool trans_a = attribute<int64_t>(node, "transA", 0) != 0, trans_b = attribute<int64_t>(node, "transB", 0) != 0;
  GemmPlan plan;
  plan.rows = a[trans_a ? 1 : 0];
  plan.depth = a[trans_a ? 0 : 1];
  plan.columns = b[trans_b ? 0 : 1];
  plan.a = trans_a ? Matrix{0, 1, a[1]} : Matrix{0, a[1], 1};
  plan.b = trans_b ? Matrix{0, 1, b[1]} : Matrix{0, b[1], 1};
  plan.alpha = attribute(node, "alpha", 1.0F);
  plan.beta = attribute(node, "beta", 1.0F);
  return plan;
}

class Gemm final : public Operator {
 public:
  std::string_view name() const override { return "Gemm"; }

  Result<std::vector<TensorType>> infer(const InferContext& context) const override {
    const Node& node = context.node;
    if (auto ok = check_arity(context, 2, 3); !ok) return ok.error();
    if (auto ok = check_attributes(node, {{"alpha", Kind::kFloat},
                                          {"beta", Kind::kFloat},
                                          {"transA", Kind::kInt},
                                          {"transB", Kind::kInt},
                                          {"broadcast", Kind::kInt}});
        !ok)
      return ok.error();
    if (auto ok = check_float(context, {0, 1, 2}); !ok) return ok.error();
    const Shape &a = context.types[0]->shape, &b = context.types[1]->shape;
    if (a.size() != 2 || b.size() != 2)
      return rejected(node, fmt::format("factors have shapes {} and {}, both must be matrices; Flatten the input first",
                                        to_string(a), to_string(b)));
    const GemmPlan plan = plan_gemm(node, a, b);
    const int64_t depth_b = attribute<int64_t>(node, "transB", 0) != 0 ? b[1] : b[0];
    if (depth_b != plan.depth)
      return rejected(node, fmt::format("the left matrix has {} columns, the right one {} rows", plan.depth, depth_b));
    if (const TensorType* c = input_type(context, 2))
      if (broadcast_shape(c->shape, plan.shape()) != plan.shape())
        return rejected(node, fmt::format("C has shape {}, which does not broadcast to {}", to_string(c->shape),
                                          to_string(plan.shape())));
    return std::vector<TensorType>{{context.types[0]->dtype, plan.shape()}};
  }

  Result<std::vector<Tensor>> eval(const Node& node, std::span<const Tensor* const> inputs,
                                   std::span<const TensorType> types) const override {
    const GemmPlan plan = plan_gemm(node, inputs[0]->shape(), inputs[1]->shape());
    return with_float(inputs[0]->dtype(), [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      Tensor result(types[0].dtype, types[0].shape);
      const auto y = result.mutable_data<T>();
      multiply<T>(plan.rows, plan.depth, plan.columns, inputs[0]->data<T>(), plan.a, inputs[1]->data<T>(), plan.b, y,
                  plan.y());
      if (plan.alpha != 1)
        for (T& entry : y) entry *= plan.alpha;
      if (const Tensor* c = input(inputs, 2)) {
        const auto addend = c->data<T>();
        const auto index = broadcast_index(c->shape(), plan.shape());
        for (size_t i = 0; i < y.size(); ++i) y[i] += static_cast<T>(plan.beta) * addend[index[i]];
      }
      return std::vector<Tensor>{std::move(result)};
    });
  }

  Result<std::vector<Tensor>> gradient(const GradientContext& context) const override {
    const Tensor &a = *context.inputs[0], &b = *context.inputs[1], &dy = context.output_gradients[0];
    const GemmPlan plan = plan_gemm(context.node, a.shape(), b.shape());
    return with_float(dy.dtype(), [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      std::vector<Tensor> gradients(context.inputs.size());
      for (size_t i = 0; i < gradients.size(); ++i)
        if (context.wanted[i]) gradients[i] = Tensor(dy.dtype(), context.inputs[i]->shape());
      const auto scale = [](Tensor& tensor, float factor) {
        for (T& entry : tensor.mutable_data<T>()) entry *= factor;
      };
      if (context.wanted[0]) {
        multiply<T>(plan.rows, plan.columns, plan.depth, dy.data<T>(), plan.y(), b.data<T>(), plan.b.transposed(),
                    gradients[0].mutable_data<T>(), plan.a);
        scale(gradients[0], plan.alpha);
      }
      if (context.wanted[1]) {
        multiply<T>(plan.depth, plan.rows, plan.columns, a.data<T>(), plan.a.transposed(), dy.data<T>(), plan.y(),
                    gradients[1].mutable_data<T>(), plan.b);
        scale(gradients[1], plan.alpha);
      }
      if (gradients.size() > 2 && context.wanted[2]) {
        const auto index = broadcast_index(gradients[2].shape(), plan.shape());
        const auto g = gradients[2].mutable_data<T>();
        for (size_t i = 0; i < index.size(); ++i) g[index[i]] += static_cast<T>(plan.beta) * dy.data<T>()[i];
      }
      return gradients;
    });
  }

  Status lower(const Node& node, LoweringContext& context) const override {
    const ValueId a = node.inputs[0], b = node.inputs[1];
    const bool view_is_left = !context.constant(a);
    const Tensor* weights = context.constant(view_is_left ? b : a);
    if (!weights) return uncertified(node, "both factors depend on the inputs; one must be constant");
    if (!view_is_left && context.constant(b)) return uncertified(node, "both factors are constant");
    if (auto finite = require_finite(node, *weights, "the constant factor"); !finite) return finite;
    auto elements = context.elements(node, view_is_left ? a : b);
    if (!elements) return elements.error();

    const GemmPlan plan = plan_gemm(node, context.type(a).shape, context.type(b).shape);
    SumRows sum{.shape = plan.shape(), .terms = {}, .addends = 0, .constants = {}};
    const Tensor* c = has_input(node, 2) ? context.constant(node.inputs[2]) : nullptr;
    if (auto done = set_scale(node, plan, *weights, c, sum); !done) return done;
    const SparseLists lists = view_is_left
                                  ? compress(weights->data<float>(), plan.b.transposed(), plan.columns, plan.depth)
                                  : compress(weights->data<float>(), plan.a, plan.rows, plan.depth);
    const ViewProduct product{.elements = *elements,
                              .at = view_is_left ? plan.a : plan.b.transposed(),
                              .view_is_left = view_is_left,
                              .lists = lists,
                              .scale = sum.scaled ? plan.alpha : 1.0};
    auto addend = lower_addend(node, context, plan, sum);
    if (!addend) return addend.error();
    const double beta = sum.scaled ? plan.beta : 1.0;
    RowBuilder builder(sum.terms, context.limits());
    if (auto done = append_rows(node, plan.rows, plan.columns, product, *addend, beta, builder); !done) return done;
    return context.define_sum(node, std::move(sum));
  }

  bool folds_exactly(const Node&, std::span<const Tensor* const>) const override { return false; }

 private:
  // Scaled constants must stay inside binary32, since a machine may scale them first.
  static Status check_scaled(const Node& node, const Tensor& constant, double scale, const char* name) {
    for (const float value : constant.data<float>())
      if (!(scale * std::fabs(double{value}) < 0x1p127))
        return uncertified(node, fmt::format("{} * {} is not below 2^127", name, value));
    return {};
  }

  // Whether the sum is scaled, and its factor F. `addend` is C when it is constant.
  static Status set_scale(const Node& node, const GemmPlan& plan, const Tensor& weights, const Tensor* addend,
                          SumRows& sum) {
    const bool has_c = has_input(node, 2);
    if (plan.alpha == 1 && (plan.beta == 1 || !has_c)) return {};
    const double alpha = std::fabs(double{plan.alpha}), beta = has_c ? std::fabs(double{plan.beta}) : 1.0;
    if (!std::isfinite(alpha) || !std::isfinite(beta) || alpha == 0 || beta == 0)
      return uncertified(
          node, fmt::format("alpha is {} and beta {}; both must be finite and not zero", plan.alpha, plan.beta));
    sum.scaled = true;
    if (auto done = check_scaled(node, weights, alpha, "alpha"); !done) return done;
    if (addend)
      if (auto done = check_scaled(node, *addend, beta, "beta"); !done) return done;
    sum.factor = std::max({1.0, alpha, beta}) / std::min({1.0, alpha, beta});
    return {};
  }

  // C as constants of the rows, or, when it is a view, as one element per row.
  static Result<std::vector<ElementId>> lower_addend(const Node& node, LoweringContext& context, const GemmPlan& plan,
                                                     SumRows& sum) {
    if (!has_input(node, 2)) return std::vector<ElementId>{};
    const auto index = broadcast_index(context.type(node.inputs[2]).shape, plan.shape());
    if (const Tensor* c = context.constant(node.inputs[2])) {
      if (auto finite = require_finite(node, *c, "C"); !finite) return finite.error();
      const auto values = c->data<float>();
      std::vector<double>& constants = sum.constants.emplace_back(index.size());
      const double beta = sum.scaled ? plan.beta : 1.0;
      for (size_t i = 0; i < index.size(); ++i) constants[i] = beta * values[index[i]];
      return std::vector<ElementId>{};
    }
    auto view = context.elements(node, node.inputs[2]);
    if (!view) return view.error();
    std::vector<ElementId> addend(index.size());
    for (size_t i = 0; i < index.size(); ++i) addend[i] = (*view)[index[i]];
    if (!sum.scaled) sum.addends = 1;
    return addend;
  }
};

}  // namespace

Family gemm_family() {
  Family family;
  family.push_back(std::make_unique<Gemm>());
  return family;
}

}  // namespace axiom::ops
