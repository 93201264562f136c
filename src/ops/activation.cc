// Functions of one entry: Relu, LeakyRelu, Sigmoid, Tanh, HardSigmoid, Abs, Neg, Exp, Reciprocal, Sqrt, Sin, Cos, Clip.
//
// Sigmoid, Tanh, Exp, Sin and Cos of float32 are computed in binary64 and rounded, which keeps them far inside what
// spec/operators.md section 5 allows (docs/measurements/elementary-functions.md).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/check.h"
#include "ops/dispatch.h"
#include "ops/family.h"
#include "ops/steps.h"

namespace axiom::ops {
namespace {

enum class Function {
  kRelu,
  kLeakyRelu,
  kSigmoid,
  kTanh,
  kHardSigmoid,
  kAbs,
  kNeg,
  kExp,
  kReciprocal,
  kSqrt,
  kSin,
  kCos,
  kClip
};

// LeakyRelu uses `low` as its slope; HardSigmoid both as slope and offset; Clip both as its ends.
struct Parameters {
  double low = 0, high = 0;
};

double sigmoid(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }

template <typename T>
T value_at(Function function, Parameters p, T x) {
  switch (function) {
    case Function::kRelu:
      return x < 0 ? T{0} : x;
    case Function::kLeakyRelu:
      return x < 0 ? static_cast<T>(p.low) * x : x;
    case Function::kSigmoid:
      return static_cast<T>(sigmoid(x));
    case Function::kTanh:
      return static_cast<T>(std::tanh(static_cast<double>(x)));
    case Function::kAbs:
      return std::fabs(x);
    case Function::kNeg:
      return -x;
    case Function::kExp:
      return static_cast<T>(std::exp(static_cast<double>(x)));
    case Function::kHardSigmoid:
      return std::max(T{0}, std::min(T{1}, static_cast<T>(p.low) * x + static_cast<T>(p.high)));
    case Function::kReciprocal:
      return T{1} / x;
    case Function::kSqrt:
      return std::sqrt(x);
    case Function::kSin:
      return static_cast<T>(std::sin(static_cast<double>(x)));
    case Function::kCos:
      return static_cast<T>(std::cos(static_cast<double>(x)));
    case Function::kClip:
      // As ONNX says it, min(max(x, low), high): the upper end wins where low > high.
      return x < static_cast<T>(p.low) ? std::min(static_cast<T>(p.low), static_cast<T>(p.high))
                                       : (x > static_cast<T>(p.high) ? static_cast<T>(p.high) : x);
  }
  return x;
}

template <typename T>
T derivative_at(Function function, Parameters p, T x, T y) {
  switch (function) {
    case Function::kRelu:
      return x > 0 ? T{1} : T{0};
    case Function::kLeakyRelu:
      return x < 0 ? static_cast<T>(p.low) : T{1};
    case Function::kSigmoid:
      return y * (1 - y);
    case Function::kTanh:
      return 1 - y * y;
    case Function::kAbs:
      return static_cast<T>((x > 0) - (x < 0));
    case Function::kNeg:
      return T{-1};
    case Function::kExp:
      return y;
    case Function::kHardSigmoid:
      return y > 0 && y < 1 ? static_cast<T>(p.low) : T{0};
    case Function::kReciprocal:
      return -y * y;
    case Function::kSqrt:
      return T{1} / (2 * y);
    case Function::kSin:
      return std::cos(x);
    case Function::kCos:
      return -std::sin(x);
    case Function::kClip:
      return x > static_cast<T>(p.low) && x < static_cast<T>(p.high) ? T{1} : T{0};
  }
  return T{0};
}

template <typename T>
Parameters parameters_of(Function function, const Node& node, std::span<const Tensor* const> inputs) {
  if (function == Function::kLeakyRelu) return {.low = attribute(node, "alpha", 0.01F)};
  if (function == Function::kHardSigmoid)
    return {.low = attribute(node, "alpha", 0.2F), .high = attribute(node, "beta", 0.5F)};
  constexpr T kMost = std::numeric_limits<T>::max();
  const auto end = [&](size_t i, const char* name, T fallback) -> double {
    if (const Tensor* given = input(inputs, i)) return given->data<T>()[0];
    return has_attribute(node, name) ? attribute(node, name, 0.0F) : fallback;
  };
  if (function == Function::kClip) return {.low = end(1, "min", -kMost), .high = end(2, "max", kMost)};
  return {};
}

class Activation final : public Operator {
 public:
  Activation(std::string_view name, Function function) : name_(name), function_(function) {}
  std::string_view name() const override { return name_; }

  Result<std::vector<TensorType>> infer(const InferContext& context) const override {
    if (auto ok = check_arity(context, 1, takes_inputs(context.node) ? 3 : 1); !ok) return ok.error();
    if (auto ok = check_known_attributes(context.node); !ok) return ok.error();
    if (auto ok = check_float(context, {0, 1, 2}); !ok) return ok.error();
    for (size_t i = 1; i < 3; ++i)
      if (const TensorType* end = input_type(context, i); end && *element_count(end->shape) != 1)
        return rejected(context.node, fmt::format("input {} has shape {}, must be a scalar", i, to_string(end->shape)));
    return std::vector<TensorType>{*context.types[0]};
  }

  Result<std::vector<Tensor>> eval(const Node& node, std::span<const Tensor* const> inputs,
                                   std::span<const TensorType> types) const override {
    return with_float(inputs[0]->dtype(), [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      const Parameters p = parameters_of<T>(function_, node, inputs);
      Tensor result(types[0].dtype, types[0].shape);
      const auto x = inputs[0]->data<T>();
      const auto y = result.mutable_data<T>();
      for (size_t i = 0; i < y.size(); ++i) y[i] = value_at(function_, p, x[i]);
      return std::vector<Tensor>{std::move(result)};
    });
  }

  Result<std::vector<Tensor>> gradient(const GradientContext& context) const override {
    const auto inputs = context.inputs;
    return with_float(inputs[0]->dtype(), [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      const Parameters p = parameters_of<T>(function_, context.node, inputs);
      Tensor dx(inputs[0]->dtype(), inputs[0]->shape());
      const auto x = inputs[0]->data<T>(), y = context.outputs[0].data<T>();
      const auto dy = context.output_gradients[0].data<T>();
      const auto g = dx.mutable_data<T>();
      for (size_t i = 0; i < g.size(); ++i) g[i] = dy[i] * derivative_at(function_, p, x[i], y[i]);
      std::vector<Tensor> gradients(inputs.size());
      gradients[0] = std::move(dx);
      return gradients;
    });
  }

  Status lower(const Node& node, LoweringContext& context) const override {
    CoreOp op{.kind = CoreKind::kUnary};
    switch (function_) {
      case Function::kRelu:
        op.unary = UnaryKind::kRelu;
        break;
      case Function::kLeakyRelu:
        op.unary = UnaryKind::kLeakyRelu;
        op.alpha = attribute(node, "alpha", 0.01F);
        if (op.alpha != 0 && !(op.alpha >= 0x1p-126 && op.alpha <= 1))
          return uncertified(node, fmt::format("alpha is {}, must be 0 or in [2^-126, 1]", op.alpha));
        break;
      case Function::kSigmoid:
        op.unary = UnaryKind::kSigmoid;
        break;
      case Function::kTanh:
        op.unary = UnaryKind::kTanh;
        break;
      case Function::kExp:
        op.unary = UnaryKind::kExp;
        break;
      case Function::kReciprocal:
        op.unary = UnaryKind::kReciprocal;
        break;
      case Function::kSqrt:
        op.unary = UnaryKind::kSqrt;
        break;
      case Function::kSin:
        op.unary = UnaryKind::kSin;
        break;
      case Function::kCos:
        op.unary = UnaryKind::kCos;
        break;
      default:
        return lower_in_steps(node, context);
    }
    auto source = context.varying(node, node.inputs[0]);
    if (!source) return source.error();
    op.count = static_cast<uint32_t>(source->size());
    op.source = std::move(*source);
    return context.define_elements(node, std::move(op));
  }

  bool folds_exactly(const Node&, std::span<const Tensor* const>) const override { return false; }

 private:
  // What relu and affine operators express.
  Status lower_in_steps(const Node& node, LoweringContext& context) const {
    Steps steps(node, context);
    const Elements x = steps.varying(0);
    if (!steps.status()) return steps.status();
    if (function_ == Function::kNeg) return steps.finish(steps.exact(x, -1, {}, 0));
    if (function_ == Function::kAbs) return steps.finish(steps.exact(steps.unary(UnaryKind::kRelu, x), 2, x, -1));
    const auto extreme = [&](bool greatest, const Elements& of, double end) {
      return steps.extreme(greatest, of, std::vector<double>(of.size(), end));
    };
    if (function_ == Function::kHardSigmoid) {
      const double alpha = attribute(node, "alpha", 0.2F), beta = attribute(node, "beta", 0.5F);
      if (!std::isfinite(alpha) || !std::isfinite(beta))
        return uncertified(node, fmt::format("alpha is {}, beta {}", alpha, beta));
      std::vector<Steps::Row> rows;
      for (const ElementId e : x) rows.push_back({{e, alpha}});
      const Elements line = steps.affine(rows, std::vector<double>(x.size(), beta), {.gamma = 3, .underflow = 5});
      return steps.finish(extreme(false, extreme(true, line, 0), 1));
    }
    Elements y = x;
    for (const size_t i : {size_t{1}, size_t{2}}) {
      const bool is_low = i == 1;
      double end = attribute(node, is_low ? "min" : "max", 0.0F);
      if (takes_inputs(node)) {
        if (!has_input(node, i)) continue;
        const Tensor* given = context.constant(node.inputs[i]);
        if (!given) return uncertified(node, "its ends must be constant");
        end = given->data<float>()[0];
      } else if (!has_attribute(node, is_low ? "min" : "max")) {
        continue;
      }
      if (!std::isfinite(end)) return uncertified(node, fmt::format("an end is {}", end));
      y = extreme(is_low, y, end);
    }
    return steps.finish(std::move(y));
  }

  // Before operator set 11 the ends of Clip are attributes.
  bool takes_inputs(const Node& node) const { return function_ == Function::kClip && node.opset >= 11; }

  Status check_known_attributes(const Node& node) const {
    if (function_ == Function::kLeakyRelu) return check_attributes(node, {{"alpha", Kind::kFloat}});
    if (function_ == Function::kHardSigmoid)
      return check_attributes(node, {{"alpha", Kind::kFloat}, {"beta", Kind::kFloat}});
    if (function_ == Function::kClip && node.opset < 11)
      return check_attributes(node, {{"min", Kind::kFloat}, {"max", Kind::kFloat}});
    return check_attributes(node, {});
  }

  std::string_view name_;
  Function function_;
};

}  // namespace

Family activation_family() {
  Family family;
  family.push_back(std::make_unique<Activation>("Relu", Function::kRelu));
  family.push_back(std::make_unique<Activation>("LeakyRelu", Function::kLeakyRelu));
  family.push_back(std::make_unique<Activation>("Sigmoid", Function::kSigmoid));
  family.push_back(std::make_unique<Activation>("Tanh", Function::kTanh));
  family.push_back(std::make_unique<Activation>("HardSigmoid", Function::kHardSigmoid));
  family.push_back(std::make_unique<Activation>("Reciprocal", Function::kReciprocal));
  family.push_back(std::make_unique<Activation>("Sqrt", Function::kSqrt));
  family.push_back(std::make_unique<Activation>("Sin", Function::kSin));
  family.push_back(std::make_unique<Activation>("Cos", Function::kCos));
  family.push_back(std::make_unique<Activation>("Abs", Function::kAbs));
  family.push_back(std::make_unique<Activation>("Neg", Function::kNeg));
  family.push_back(std::make_unique<Activation>("Exp", Function::kExp));
  family.push_back(std::make_unique<Activation>("Clip", Function::kClip));
  return family;
}

}  // namespace axiom::ops
