// Functions of two operands with numpy broadcasting: Add, Sub, Mul, Div, Pow, PRelu.
//
// Add, Sub and products with constants lower to rows of sum clusters (spec/operators.md section 3), the others to steps
// of section 4. Integers (shape arithmetic) wrap around, as they do everywhere.
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <type_traits>

#include "ops/broadcast.h"
#include "ops/check.h"
#include "ops/dispatch.h"
#include "ops/family.h"
#include "ops/steps.h"

namespace axiom::ops {
namespace {

enum class Arithmetic { kAdd, kSub, kMul, kDiv, kPow, kPRelu };

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
      case Arithmetic::kPow:
        return static_cast<T>(std::pow(static_cast<double>(a), static_cast<double>(b)));
      case Arithmetic::kPRelu:
        return a < 0 ? a * b : a;
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
    case Arithmetic::kPow:
      return {b == 0 ? T{0} : b * std::pow(a, b - 1), a > 0 ? std::pow(a, b) * std::log(a) : T{0}};
    case Arithmetic::kPRelu:
      return {a < 0 ? b : T{1}, a < 0 ? a : T{0}};
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
    if (auto ok = is_newer() ? check_attributes(node, {})
                             : check_attributes(node, {{"broadcast", Kind::kInt}, {"axis", Kind::kInt}});
        !ok)
      return ok.error();
    if (auto ok = check_operands(context); !ok) return ok.error();
    const Shape& a = context.types[0]->shape;
    const Shape& b = context.types[1]->shape;
    const auto shape = broadcast_shape(a, b);
    if (!shape)
      return rejected(node, fmt::format("shapes {} and {} do not broadcast: aligned at the right, two extents must be "
                                        "equal or one of them 1",
                                        to_string(a), to_string(b)));
    if (op_ == Arithmetic::kPRelu && *shape != a)
      return rejected(node, fmt::format("slopes of shape {} do not broadcast to {}", to_string(b), to_string(a)));
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
    if (context.constant(node.inputs[0]) && context.constant(node.inputs[1]))
      return uncertified(node, "both operands are constant; fold them when the model is exported");
    for (const ValueId value : {node.inputs[0], node.inputs[1]}) {
      const Tensor* tensor = context.constant(value);
      if (!tensor) continue;
      if (auto finite = require_finite(node, *tensor, "a constant operand"); !finite) return finite;
    }
    switch (op_) {
      case Arithmetic::kAdd:
      case Arithmetic::kSub:
        return lower_sum(node, context);
      case Arithmetic::kMul:
        return lower_product(node, context);
      case Arithmetic::kDiv:
        return lower_quotient(node, context);
      case Arithmetic::kPow:
        return lower_power(node, context);
      case Arithmetic::kPRelu:
        return lower_prelu(node, context);
    }
    return Operator::lower(node, context);
  }

  bool folds_exactly(const Node&, std::span<const Tensor* const> inputs) const override {
    if (!inputs[0] || !inputs[1]) return false;
    return inputs[0]->dtype() == DType::kInt64 || inputs[0]->dtype() == DType::kInt32;
  }

 private:
  // Of the operators that came after broadcasting along an axis was given up, and know no integers.
  bool is_newer() const { return op_ == Arithmetic::kPow || op_ == Arithmetic::kPRelu; }

  Status check_operands(const InferContext& context) const {
    if (is_newer()) return check_float(context, {0, 1});
    return check_dtypes(context, {0, 1}, {DType::kFloat32, DType::kFloat64, DType::kInt32, DType::kInt64});
  }

  Status lower_sum(const Node& node, LoweringContext& context) const {
    auto a = context.summand(node, node.inputs[0]);
    if (!a) return a.error();
    auto b = context.summand(node, node.inputs[1]);
    if (!b) return b.error();
    if (op_ == Arithmetic::kSub) negate(*b);
    auto sum = join(node, std::move(*a), std::move(*b), context.type(node.outputs[0]).shape, context.limits());
    if (!sum) return sum.error();
    return context.define_sum(node, std::move(*sum));
  }

  // For each entry of the result, the entry of input i that it reads.
  static std::vector<int64_t> index_of(const Node& node, LoweringContext& context, size_t i) {
    return broadcast_index(context.type(node.inputs[i]).shape, context.type(node.outputs[0]).shape);
  }

  // Rows of one product each: an element times a constant.
  static Status define_scaled(const Node& node, LoweringContext& context, const Elements& elements,
                              std::span<const float> weights) {
    SumRows sum{.shape = context.type(node.outputs[0]).shape, .terms = {}, .addends = 0, .constants = {}};
    RowBuilder rows(sum.terms, context.limits());
    for (size_t i = 0; i < elements.size(); ++i) {
      rows.term(elements[i], double{weights[i]});
      if (auto done = rows.end_row(node); !done) return done;
    }
    return context.define_sum(node, std::move(sum));
  }

  static std::vector<float> floats_of(const Tensor& tensor, const std::vector<int64_t>& index) {
    const auto values = tensor.data<float>();
    return picked(std::vector<float>(values.begin(), values.end()), index);
  }

  static Status lower_product(const Node& node, LoweringContext& context) {
    for (size_t i = 0; i < 2; ++i) {
      const Tensor* weights = context.constant(node.inputs[i]);
      if (!weights) continue;
      auto elements = context.varying(node, node.inputs[1 - i]);
      if (!elements) return elements.error();
      return define_scaled(node, context, picked(*elements, index_of(node, context, 1 - i)),
                           floats_of(*weights, index_of(node, context, i)));
    }
    Steps steps(node, context);
    const Elements a = steps.varying(0), b = steps.varying(1);
    if (!steps.status()) return steps.status();
    return steps.finish(steps.product(picked(a, index_of(node, context, 0)), picked(b, index_of(node, context, 1))));
  }

  static Status lower_quotient(const Node& node, LoweringContext& context) {
    Steps steps(node, context);
    const std::vector<int64_t> index_a = index_of(node, context, 0), index_b = index_of(node, context, 1);
    if (const Tensor* divisors = context.constant(node.inputs[1])) {
      const Elements a = steps.varying(0);
      if (!steps.status()) return steps.status();
      std::vector<Steps::Row> rows;
      for (size_t i = 0; i < index_a.size(); ++i) {
        const double divisor = double{divisors->data<float>()[static_cast<size_t>(index_b[i])]};
        if (!(std::fabs(divisor) >= 0x1p-100 && std::fabs(divisor) <= 0x1p100))
          return uncertified(node, fmt::format("a divisor is {}, its size must be in [2^-100, 2^100]", divisor));
        rows.push_back({{a[static_cast<size_t>(index_a[i])], 1 / divisor}});
      }
      return steps.finish(steps.affine(rows, {}, {.gamma = 4, .underflow = 6, .real_error = 0x1p-50}));
    }
    const Tensor* dividends = context.constant(node.inputs[0]);
    const Elements a = dividends ? Elements{} : steps.varying(0);
    const Elements inverse = steps.unary(UnaryKind::kReciprocal, steps.varying(1));
    if (!steps.status()) return steps.status();
    if (dividends) return define_scaled(node, context, picked(inverse, index_b), floats_of(*dividends, index_a));
    return steps.finish(steps.product(picked(a, index_a), picked(inverse, index_b)));
  }

  static Status lower_power(const Node& node, LoweringContext& context) {
    const Tensor* exponents = context.constant(node.inputs[1]);
    if (!exponents || exponents->size() != 1) return uncertified(node, "the exponent must be one constant");
    if (context.type(node.outputs[0]).shape != context.type(node.inputs[0]).shape)
      return uncertified(node, "the exponent changes the shape");
    const float exponent = exponents->data<float>()[0];
    Steps steps(node, context);
    const Elements x = steps.varying(0);
    if (exponent == 0.5F) return steps.finish(steps.unary(UnaryKind::kSqrt, x));
    if (exponent == -1) return steps.finish(steps.unary(UnaryKind::kReciprocal, x));
    if (!(exponent == 2 || exponent == 3 || exponent == 4))
      return uncertified(node, fmt::format("the exponent is {}; 2, 3, 4, 0.5 and -1 are covered", exponent));
    const Elements square = steps.product(x, x);
    if (exponent == 2) return steps.finish(square);
    return steps.finish(steps.product(square, exponent == 3 ? x : square));
  }

  // relu(x) - slope relu(-x) = slope x + (1 - slope) relu(x).
  static Status lower_prelu(const Node& node, LoweringContext& context) {
    const Tensor* slopes = context.constant(node.inputs[1]);
    if (!slopes) return uncertified(node, "the slopes must be constant");
    Steps steps(node, context);
    const Elements x = steps.varying(0);
    const Elements positive = steps.unary(UnaryKind::kRelu, x);
    const std::vector<float> slope = floats_of(*slopes, index_of(node, context, 1));
    std::vector<Steps::Row> rows;
    for (size_t i = 0; i < positive.size(); ++i) {
      if (!(slope[i] == 0 || (std::fabs(slope[i]) >= 0x1p-100F && std::fabs(slope[i]) <= 0x1p20F)))
        return uncertified(node, fmt::format("a slope is {}, must be 0 or in [2^-100, 2^20] in size", slope[i]));
      rows.push_back({{x[i], double{slope[i]}}, {positive[i], 1 - double{slope[i]}}});
    }
    return steps.finish(steps.affine(rows, {}, {.gamma = 3, .underflow = 6, .real_error = 0x1p-50}));
  }

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
  family.push_back(std::make_unique<ArithmeticOperator>("Pow", Arithmetic::kPow));
  family.push_back(std::make_unique<ArithmeticOperator>("PRelu", Arithmetic::kPRelu));
  return family;
}

}  // namespace axiom::ops
