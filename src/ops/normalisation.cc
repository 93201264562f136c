// BatchNormalization at inference: s * (x - mu) / sqrt(v + epsilon) + B, channel axis 1.
//
// The reference evaluation is (x - mu) * w + B with w = s / sqrt(v + epsilon), every operation in the dtype of x.
// The lowering takes w as a binary64 number and charges what the square root and the quotient may lose
// (spec/operators.md section 4).
#include <fmt/format.h>

#include <cmath>

#include "ops/check.h"
#include "ops/dispatch.h"
#include "ops/family.h"

namespace axiom::ops {
namespace {

constexpr const char* kInputNames[] = {"X", "scale", "B", "mean", "var"};

template <typename T>
std::vector<T> weights(const Node& node, std::span<const Tensor* const> inputs) {
  const T epsilon = attribute(node, "epsilon", 1e-5F);
  const auto scale = inputs[1]->data<T>(), variance = inputs[4]->data<T>();
  std::vector<T> weight(scale.size());
  for (size_t c = 0; c < weight.size(); ++c) weight[c] = scale[c] / std::sqrt(variance[c] + epsilon);
  return weight;
}

class BatchNormalization final : public Operator {
 public:
  std::string_view name() const override { return "BatchNormalization"; }

  Result<std::vector<TensorType>> infer(const InferContext& context) const override {
    const Node& node = context.node;
    if (auto ok = check_arity(context, 5, 5); !ok) return ok.error();
    if (auto ok = check_attributes(node, {{"epsilon", Kind::kFloat},
                                          {"momentum", Kind::kFloat},
                                          {"spatial", Kind::kInt},
                                          {"is_test", Kind::kInt},
                                          {"training_mode", Kind::kInt}});
        !ok)
      return ok.error();
    if (attribute<int64_t>(node, "training_mode", 0) != 0 || attribute<int64_t>(node, "spatial", 1) == 0 ||
        (node.opset < 7 && attribute<int64_t>(node, "is_test", 0) == 0))
      return rejected(node,
                      "normalises with statistics of its own input (training mode, or spatial 0); export the "
                      "model for inference");
    if (auto ok = check_float(context, {0, 1, 2, 3, 4}); !ok) return ok.error();
    const Shape& shape = context.types[0]->shape;
    if (shape.size() < 2)
      return rejected(node, fmt::format("input has shape {}, needs a batch and a channel axis", to_string(shape)));
    for (size_t i = 1; i < 5; ++i)
      if (context.types[i]->shape != Shape{shape[1]})
        return rejected(node, fmt::format("{} has shape {}, must be [{}], the channels of the input", kInputNames[i],
                                          to_string(context.types[i]->shape), shape[1]));
    return std::vector<TensorType>{*context.types[0]};
  }

  Result<std::vector<Tensor>> eval(const Node& node, std::span<const Tensor* const> inputs,
                                   std::span<const TensorType> types) const override {
    return with_float(inputs[0]->dtype(), [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      Tensor result(types[0].dtype, types[0].shape);
      const auto x = inputs[0]->data<T>(), bias = inputs[2]->data<T>(), mean = inputs[3]->data<T>();
      const auto y = result.mutable_data<T>();
      const std::vector<T> weight = weights<T>(node, inputs);
      for (size_t i = 0; i < y.size(); ++i) {
        const size_t c = channel(types[0].shape, i);
        y[i] = (x[i] - mean[c]) * weight[c] + bias[c];
      }
      return std::vector<Tensor>{std::move(result)};
    });
  }

  Result<std::vector<Tensor>> gradient(const GradientContext& context) const override {
    for (size_t i = 1; i < 5; ++i)
      if (context.wanted[i])
        return rejected(context.node, fmt::format("no gradient with respect to {}", kInputNames[i]));
    return with_float(context.inputs[0]->dtype(), [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      std::vector<Tensor> gradients(5);
      gradients[0] = Tensor(context.inputs[0]->dtype(), context.inputs[0]->shape());
      const auto dy = context.output_gradients[0].data<T>();
      const auto dx = gradients[0].template mutable_data<T>();
      const std::vector<T> weight = weights<T>(context.node, context.inputs);
      for (size_t i = 0; i < dx.size(); ++i) dx[i] = dy[i] * weight[channel(gradients[0].shape(), i)];
      return gradients;
    });
  }

  Status lower(const Node& node, LoweringContext& context) const override {
    auto channels = lower_channels(node, context);
    if (!channels) return channels.error();
    auto elements = context.varying(node, node.inputs[0]);
    if (!elements) return elements.error();
    const Shape& shape = context.type(node.inputs[0]).shape;
    CoreOp op{.kind = CoreKind::kAffine};
    op.count = static_cast<uint32_t>(elements->size());
    op.factor = 4;
    op.real_error = 0x1p-48;
    RowBuilder builder(op.rows, context.limits());
    for (size_t i = 0; i < elements->size(); ++i) {
      const Channel& c = (*channels)[channel(shape, i)];
      builder.term((*elements)[i], c.weight);
      if (auto done = builder.end_row(node); !done) return done;
      op.bias.push_back(c.bias);
      op.magnitude.push_back(c.magnitude);
      op.gamma.push_back(12);
      op.underflow.push_back(c.underflow);
    }
    return context.define_elements(node, std::move(op));
  }

  bool folds_exactly(const Node&, std::span<const Tensor* const>) const override { return false; }

 private:
  struct Channel {
    double weight, bias, magnitude, underflow;
  };

  // A scale that no device flushes to zero, and whose products stay small.
  static bool is_tame(double s) { return s == 0 || (std::fabs(s) >= 0x1p-126 && std::fabs(s) <= 0x1p60); }

  static size_t channel(const Shape& shape, size_t entry) {
    size_t inner = 1;
    for (size_t axis = 2; axis < shape.size(); ++axis) inner *= static_cast<size_t>(shape[axis]);
    return entry / inner % static_cast<size_t>(shape[1]);
  }

  static Result<std::vector<Channel>> lower_channels(const Node& node, LoweringContext& context) {
    const Tensor* parameters[5] = {};
    for (size_t i = 1; i < 5; ++i) {
      parameters[i] = context.constant(node.inputs[i]);
      if (!parameters[i])
        return uncertified(node, fmt::format("{} depends on the inputs; it must be constant", kInputNames[i]));
      if (auto finite = require_finite(node, *parameters[i], kInputNames[i]); !finite) return finite.error();
    }
    const double epsilon = attribute(node, "epsilon", 1e-5F);
    std::vector<Channel> channels(static_cast<size_t>(parameters[1]->size()));
    for (size_t c = 0; c < channels.size(); ++c) {
      const double s = parameters[1]->data<float>()[c], b = parameters[2]->data<float>()[c];
      const double mu = parameters[3]->data<float>()[c], v = parameters[4]->data<float>()[c];
      const double spread = v + epsilon;
      if (!(spread >= 0x1p-60 && spread <= 0x1p60) || std::fabs(mu) > 0x1p60 || !is_tame(s))
        return uncertified(node, fmt::format("channel {}: scale {}, mean {} and variance + epsilon {} are not covered; "
                                             "they must lie within 0 or 2^-126 .. 2^60, 2^60, and 2^-60 .. 2^60",
                                             c, s, mu, spread));
      const double w = s / std::sqrt(spread);
      channels[c] = {.weight = w,
                     .bias = b - w * mu,
                     .magnitude = (std::fabs(w) * std::fabs(mu) + std::fabs(b)) * (1 + 0x1p-48),
                     .underflow = 8 + 4 * std::fabs(mu) + 4 * std::fabs(s)};
    }
    return channels;
  }
};

}  // namespace

Family normalisation_family() {
  Family family;
  family.push_back(std::make_unique<BatchNormalization>());
  return family;
}

}  // namespace axiom::ops
