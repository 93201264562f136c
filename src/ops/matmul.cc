// MatMul with the rules of numpy.matmul.
#include <fmt/format.h>

#include "ops/broadcast.h"
#include "ops/check.h"
#include "ops/dispatch.h"
#include "ops/family.h"
#include "ops/product.h"
#include "ops/steps.h"

namespace axiom::ops {
namespace {

constexpr int64_t kBatchCap = int64_t{1} << 24;  // matrices in one MatMul

// numpy.matmul: 1-D operands become a row (left) or a column (right), leading axes broadcast.
struct MatMulPlan {
  Shape shape;  // of the result
  int64_t rows = 1, depth = 1, columns = 1;
  std::vector<int64_t> a_batch, b_batch;  // number of the matrix of a and of b, one per matrix of the result
  Matrix a(size_t batch) const { return {a_batch[batch] * rows * depth, depth, 1}; }
  Matrix b(size_t batch) const { return {b_batch[batch] * depth * columns, columns, 1}; }
  Matrix y(size_t batch) const { return {static_cast<int64_t>(batch) * rows * columns, columns, 1}; }
};

Result<MatMulPlan> plan_matmul(const Node& node, Shape a, Shape b) {
  if (a.empty() || b.empty()) return rejected(node, "a scalar cannot be multiplied as a matrix; use Mul");
  const bool row_vector = a.size() == 1, column_vector = b.size() == 1;
  if (row_vector) a.insert(a.begin(), 1);
  if (column_vector) b.push_back(1);
  MatMulPlan plan;
  plan.rows = a[a.size() - 2];
  plan.depth = a.back();
  plan.columns = b.back();
  if (b[b.size() - 2] != plan.depth)
    return rejected(node,
                    fmt::format("the left matrix has {} columns, the right one {} rows", plan.depth, b[b.size() - 2]));
  const Shape a_lead(a.begin(), a.end() - 2), b_lead(b.begin(), b.end() - 2);
  const auto lead = broadcast_shape(a_lead, b_lead);
  if (!lead)
    return rejected(node, fmt::format("leading axes {} and {} do not broadcast", to_string(a_lead), to_string(b_lead)));
  if (auto count = element_count(*lead, kBatchCap); !count) return rejected(node, count.error().message);
  plan.a_batch = broadcast_index(a_lead, *lead);
  plan.b_batch = broadcast_index(b_lead, *lead);
  plan.shape = *lead;
  if (!row_vector) plan.shape.push_back(plan.rows);
  if (!column_vector) plan.shape.push_back(plan.columns);
  return plan;
}

class MatMul final : public Operator {
 public:
  std::string_view name() const override { return "MatMul"; }

  Result<std::vector<TensorType>> infer(const InferContext& context) const override {
    if (auto ok = check_arity(context, 2, 2); !ok) return ok.error();
    if (auto ok = check_attributes(context.node, {}); !ok) return ok.error();
    if (auto ok = check_float(context, {0, 1}); !ok) return ok.error();
    auto plan = plan_matmul(context.node, context.types[0]->shape, context.types[1]->shape);
    if (!plan) return plan.error();
    return std::vector<TensorType>{{context.types[0]->dtype, plan->shape}};
  }

  Result<std::vector<Tensor>> eval(const Node& node, std::span<const Tensor* const> inputs,
                                   std::span<const TensorType> types) const override {
    auto plan = plan_matmul(node, inputs[0]->shape(), inputs[1]->shape());
    if (!plan) return plan.error();
    return with_float(inputs[0]->dtype(), [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      Tensor result(types[0].dtype, types[0].shape);
      const auto y = result.mutable_data<T>();
      for (size_t batch = 0; batch < plan->a_batch.size(); ++batch)
        multiply<T>(plan->rows, plan->depth, plan->columns, inputs[0]->data<T>(), plan->a(batch), inputs[1]->data<T>(),
                    plan->b(batch), y, plan->y(batch));
      return std::vector<Tensor>{std::move(result)};
    });
  }

  Result<std::vector<Tensor>> gradient(const GradientContext& context) const override {
    const Tensor &a = *context.inputs[0], &b = *context.inputs[1], &dy = context.output_gradients[0];
    auto plan = plan_matmul(context.node, a.shape(), b.shape());
    if (!plan) return plan.error();
    return with_float(dy.dtype(), [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      std::vector<Tensor> gradients(2);
      for (size_t i = 0; i < 2; ++i)
        if (context.wanted[i]) gradients[i] = Tensor(dy.dtype(), context.inputs[i]->shape());
      for (size_t batch = 0; batch < plan->a_batch.size(); ++batch) {
        const Matrix at_a = plan->a(batch), at_b = plan->b(batch), at_y = plan->y(batch);
        if (context.wanted[0])
          multiply<T>(plan->rows, plan->columns, plan->depth, dy.data<T>(), at_y, b.data<T>(), at_b.transposed(),
                      gradients[0].mutable_data<T>(), at_a);
        if (context.wanted[1])
          multiply<T>(plan->depth, plan->rows, plan->columns, a.data<T>(), at_a.transposed(), dy.data<T>(), at_y,
                      gradients[1].mutable_data<T>(), at_b);
      }
      return gradients;
    });
  }

  Status lower(const Node& node, LoweringContext& context) const override {
    const ValueId a = node.inputs[0], b = node.inputs[1];
    const bool view_is_left = !context.constant(a);
    const Tensor* weights = context.constant(view_is_left ? b : a);
    if (!weights) return lower_variable(node, context);
    if (view_is_left == false && context.constant(b)) return uncertified(node, "both factors are constant");
    if (auto finite = require_finite(node, *weights, "the constant factor"); !finite) return finite;
    auto elements = context.elements(node, view_is_left ? a : b);
    if (!elements) return elements.error();
    auto plan = plan_matmul(node, context.type(a).shape, context.type(b).shape);
    if (!plan) return plan.error();

    SumRows sum{.shape = plan->shape, .terms = {}, .addends = 0, .constants = {}};
    RowBuilder builder(sum.terms, context.limits());
    SparseLists lists;
    const auto& weight_batch = view_is_left ? plan->b_batch : plan->a_batch;
    for (size_t batch = 0; batch < weight_batch.size(); ++batch) {
      if (batch == 0 || weight_batch[batch] != weight_batch[batch - 1])
        lists = view_is_left ? compress(weights->data<float>(), plan->b(batch).transposed(), plan->columns, plan->depth)
                             : compress(weights->data<float>(), plan->a(batch), plan->rows, plan->depth);
      const ViewProduct product{.elements = *elements,
                                .at = view_is_left ? plan->a(batch) : plan->b(batch).transposed(),
                                .view_is_left = view_is_left,
                                .lists = lists};
      if (auto done = append_rows(node, plan->rows, plan->columns, product, {}, 0, builder); !done) return done;
    }
    return context.define_sum(node, std::move(sum));
  }

  bool folds_exactly(const Node&, std::span<const Tensor* const>) const override { return false; }

 private:
  // Both factors depend on the inputs: a core operator of all products, then their sums.
  static Status lower_variable(const Node& node, LoweringContext& context) {
    Steps steps(node, context);
    const Elements a = steps.varying(0), b = steps.varying(1);
    if (!steps.status()) return steps.status();
    auto plan = plan_matmul(node, context.type(node.inputs[0]).shape, context.type(node.inputs[1]).shape);
    if (!plan) return plan.error();
    const auto batches = static_cast<int64_t>(plan->a_batch.size());
    uint64_t products = static_cast<uint64_t>(batches);
    for (const int64_t extent : {plan->rows, plan->depth, plan->columns}) {
      if (__builtin_mul_overflow(products, static_cast<uint64_t>(extent), &products) ||
          products > context.limits().terms)
        return too_large(node, fmt::format("it multiplies more than {} pairs", context.limits().terms));
    }
    Elements left, right;
    for (size_t batch = 0; batch < plan->a_batch.size(); ++batch) {
      const Matrix at_a = plan->a(batch), at_b = plan->b(batch);
      for (int64_t i = 0; i < plan->rows; ++i)
        for (int64_t j = 0; j < plan->columns; ++j)
          for (int64_t k = 0; k < plan->depth; ++k) {
            left.push_back(a[static_cast<size_t>(at_a.offset + i * at_a.row + k * at_a.column)]);
            right.push_back(b[static_cast<size_t>(at_b.offset + k * at_b.row + j * at_b.column)]);
          }
    }
    const Elements terms = steps.product(left, right);
    if (!steps.status()) return steps.status();
    SumRows sum{.shape = plan->shape, .terms = {}, .addends = static_cast<uint32_t>(plan->depth), .constants = {}};
    RowBuilder builder(sum.terms, context.limits());
    for (int64_t row = 0; row < batches * plan->rows * plan->columns; ++row) {
      for (int64_t k = 0; k < plan->depth; ++k) builder.term(terms[static_cast<size_t>(row * plan->depth + k)], 1);
      if (auto done = builder.end_row(node); !done) return done;
    }
    return context.define_sum(node, std::move(sum));
  }
};

}  // namespace

Family matmul_family() {
  Family family;
  family.push_back(std::make_unique<MatMul>());
  return family;
}

}  // namespace axiom::ops
