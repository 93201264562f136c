// Add, Sub, Mul, Div with numpy broadcasting.
//
// Add and Sub lower to rows of sum clusters (spec/operators.md section 3); products and quotients of two tensors are
// run only. Integers (shape arithmetic) wrap around, as they do everywhere.
#include <fmt/format.h>

#include <limits>
#include <type_traits>

#include "ops/broadcast.h"
#include "ops/check.h"
#include "ops/dispatch.h"
#include "ops/family.h"

namespace axiom::ops {
namespace {

enum class Arithmetic { kAdd, kSub, kMul, kDiv };

template <typename T>
T compute(Arithmetic op, T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    if (op == Arithmetic::kDiv) return b == -1 ? static_cast<T>(U{0} - static_cast<U>(a)) : static_cast<T>(a / b);
    const U x = static_cast<U>(a), y = static_cast<U>(b);
    return static_cast<T>(op == Arithmetic::kAdd ? x + y : op == Arithmetic::kSub ? x - y : x * y);
  } else {
    switch (op) {
      case Arithmetic::kAdd:
        return a + b;
      case Arithmetic::kSub:
        return a - b;
      case Arithmetic::kMul:
        return a * b;
      case Arithmetic::kDiv:
        return a / b;
    }
    return T{};
  }
}

// d(a op b)/da and /db.
template <typename T>
std::pair<T, T> derivatives(Arithmetic op, T a, T b) {
  switch (op) {
    case Arithmetic::kAdd:
      return {T{1}, T{1}};
    case Arithmetic::kSub:
      return {T{1}, T{-1}};
    case Arithmetic::kMul:
      return {b, a};
    case Arithmetic::kDiv:
      return {T{1} / b, -a / (b * b)};
  }
  return {};
}

void negate(SumRows& rows) {
  for (double& weight : rows.terms.weight) weight = -weight;
  for (auto& constants : rows.constants)
    for (double& b : constants) b = -b;
}

// Constants of `from`, one list per constant, with their rows repeated as `index` says.
void append_constants(const SumRows& from, const std::vector<int64_t>& index, SumRows& to) {
  for (const auto& constants : from.constants) {
    std::vector<double>& repeated = to.constants.emplace_back(index.size());
    for (size_t i = 0; i < index.size(); ++i) repeated[i] = constants[static_cast<size_t>(index[i])];
  }
}

void append_row(const SparseRows& from, int64_t row, RowBuilder& to) {
  const auto r = static_cast<size_t>(row);
  for (uint64_t t = from.begin[r]; t < from.begin[r + 1]; ++t) to.term(from.column[t], from.weight[t]);
}

// Entry by entry, the row of a followed by that of b. When one side has only constants, the other's terms are kept.
Result<SumRows> join(const Node& node, SumRows a, SumRows b, const Shape& shape, const LoweringLimits& limits) {
  const auto a_index = broadcast_index(a.shape, shape);
  const auto b_index = broadcast_index(b.shape, shape);
  SumRows sum{.shape = shape, .terms = {}, .addends = a.addends + b.addends, .constants = {}};
  append_constants(a, a_index, sum);
  append_constants(b, b_index, sum);
  if (b.terms.column.empty() && a.shape == shape) {
    sum.terms = std::move(a.terms);
    return sum;
  }
  if (a.terms.column.empty() && b.shape == shape) {
    sum.terms = std::move(b.terms);
    return sum;
  }
  RowBuilder rows(sum.terms, limits);
  for (size_t i = 0; i < a_index.size(); ++i) {
    append_row(a.terms, a_index[i], rows);
    append_row(b.terms, b_index[i], rows);
    if (auto done = rows.end_row(node); !done) return done.error();
  }
  return sum;
}

class ArithmeticOperator final : public Operator {
 public:
  ArithmeticOperator(std::string_view name, Arithmetic op) : name_(name), op_(op) {}
  std::string_view name() const override { return name_; }

  Result<std::vector<TensorType>> infer(const InferContext& context) const override {
    const Node& node = context.node;
    if (auto ok = check_arity(context, 2, 2); !ok) return ok.error();
    if (node.opset < 7 && attribute<int64_t>(node, "broadcast", 0) != 0)
      return rejected(node, "broadcasting along an explicit axis ended with operator set 7; convert the model to it");
    if (auto ok = check_attributes(node, {{"broadcast", Kind::kInt}, {"axis", Kind::kInt}}); !ok) return ok.error();
    if (auto ok = check_dtypes(context, {0, 1}, {DType::kFloat32, DType::kFloat64, DType::kInt32, DType::kInt64}); !ok)
      return ok.error();
    const Shape& a = context.types[0]->shape;
    const Shape& b = context.types[1]->shape;
    const auto shape = broadcast_shape(a, b);
    if (!shape)
      return rejected(node, fmt::format("shapes {} and {} do not broadcast: aligned at the right, two extents must be "
                                        "equal or one of them 1",
                                        to_string(a), to_string(b)));
    return std::vector<TensorType>{{context.types[0]->dtype, *shape}};
  }

  Result<std::vector<Tensor>> eval(const Node& node, std::span<const Tensor* const> inputs,
                                   std::span<const TensorType> types) const override {
    return with_number(inputs[0]->dtype(), [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      Tensor result(types[0].dtype, types[0].shape);
      const auto a = inputs[0]->data<T>(), b = inputs[1]->data<T>();
      const auto y = result.mutable_data<T>();
      if (std::is_integral_v<T> && op_ == Arithmetic::kDiv)
        for (const T divisor : b)
          if (divisor == 0) return rejected(node, "an integer is divided by zero");
      const auto a_index = broadcast_index(inputs[0]->shape(), types[0].shape);
      const auto b_index = broadcast_index(inputs[1]->shape(), types[0].shape);
      for (size_t i = 0; i < y.size(); ++i) y[i] = compute(op_, a[a_index[i]], b[b_index[i]]);
      return std::vector<Tensor>{std::move(result)};
    });
  }

  Result<std::vector<Tensor>> gradient(const GradientContext& context) const override {
    const auto inputs = context.inputs;
    const Tensor& dy = context.output_gradients[0];
    return with_float(dy.dtype(), [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      Tensor da(dy.dtype(), inputs[0]->shape()), db(dy.dtype(), inputs[1]->shape());
      const auto a = inputs[0]->data<T>(), b = inputs[1]->data<T>(), g = dy.data<T>();
      const auto ga = da.mutable_data<T>(), gb = db.mutable_data<T>();
      const auto a_index = broadcast_index(inputs[0]->shape(), dy.shape());
      const auto b_index = broadcast_index(inputs[1]->shape(), dy.shape());
      for (size_t i = 0; i < g.size(); ++i) {
        const auto [by_a, by_b] = derivatives(op_, a[a_index[i]], b[b_index[i]]);
        ga[a_index[i]] += g[i] * by_a;
        gb[b_index[i]] += g[i] * by_b;
      }
      return std::vector<Tensor>{std::move(da), std::move(db)};
    });
  }

  Status lower(const Node& node, LoweringContext& context) const override {
    if (op_ != Arithmetic::kAdd && op_ != Arithmetic::kSub) return Operator::lower(node, context);
    if (context.constant(node.inputs[0]) && context.constant(node.inputs[1]))
      return uncertified(node, "both operands are constant; fold them when the model is exported");
    auto a = context.summand(node, node.inputs[0]);
    if (!a) return a.error();
    auto b = context.summand(node, node.inputs[1]);
    if (!b) return b.error();
    if (op_ == Arithmetic::kSub) negate(*b);
    auto sum = join(node, std::move(*a), std::move(*b), context.type(node.outputs[0]).shape, context.limits());
    if (!sum) return sum.error();
    return context.define_sum(node, std::move(*sum));
  }

  bool folds_exactly(const Node&, std::span<const Tensor* const> inputs) const override {
    if (!inputs[0] || !inputs[1]) return false;
    return inputs[0]->dtype() == DType::kInt64 || inputs[0]->dtype() == DType::kInt32;
  }

 private:
  std::string_view name_;
  Arithmetic op_;
};

}  // namespace

Family arithmetic_family() {
  Family family;
  family.push_back(std::make_unique<ArithmeticOperator>("Add", Arithmetic::kAdd));
  family.push_back(std::make_unique<ArithmeticOperator>("Sub", Arithmetic::kSub));
  family.push_back(std::make_unique<ArithmeticOperator>("Mul", Arithmetic::kMul));
  family.push_back(std::make_unique<ArithmeticOperator>("Div", Arithmetic::kDiv));
  return family;
}

}  // namespace axiom::ops
