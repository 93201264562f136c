// Conv and ConvTranspose over two spatial axes.
//
// A convolution is bilinear in input and weights, and ConvTranspose is the convolution read backwards: x = W' y instead
// of y = W x. One walk over the triples (y, w, x) that meet therefore gives both operators and all their gradients.
// It visits, for fixed y or fixed x, channels, kernel rows and kernel columns in increasing order, which is the order
// of terms of spec/operators.md section 3.
#include <fmt/format.h>

#include "ops/check.h"
#include "ops/dispatch.h"
#include "ops/family.h"
#include "ops/window.h"

namespace axiom::ops {
namespace {

// x has shape [batch, x_channels, in, in], y [batch, y_channels, out, out], w [y_channels, x_channels / groups, k, k].
struct ConvolutionPlan {
  int64_t batch = 1, groups = 1, x_channels = 1, y_channels = 1;
  Window window;
  int64_t x_plane() const { return window[0].in * window[1].in; }
  int64_t y_plane() const { return window[0].out * window[1].out; }
  int64_t x_per_group() const { return x_channels / groups; }
  int64_t y_per_group() const { return y_channels / groups; }
  Shape x_shape() const { return {batch, x_channels, window[0].in, window[1].in}; }
  Shape y_shape() const { return {batch, y_channels, window[0].out, window[1].out}; }
};

// Calls body(y, w, x, count, step): entries y .. y + count meet weight w and the entries x, x + step, ...
template <typename Body>
void walk(const ConvolutionPlan& plan, Body&& body) {
  const auto& [rows, columns] = plan.window;
  for (int64_t n = 0; n < plan.batch; ++n)
    for (int64_t yc = 0; yc < plan.y_channels; ++yc)
      for (int64_t c = 0; c < plan.x_per_group(); ++c)
        for (int64_t kh = 0; kh < rows.kernel; ++kh)
          for (int64_t kw = 0; kw < columns.kernel; ++kw) {
            const int64_t xc = yc / plan.y_per_group() * plan.x_per_group() + c;
            const int64_t w = ((yc * plan.x_per_group() + c) * rows.kernel + kh) * columns.kernel + kw;
            const auto [row_first, row_last] = rows.outputs_of(kh);
            const auto [first, last] = columns.outputs_of(kw);
            for (int64_t oh = row_first; oh < row_last; ++oh) {
              const int64_t y = (n * plan.y_channels + yc) * plan.y_plane() + oh * columns.out + first;
              const int64_t x = (n * plan.x_channels + xc) * plan.x_plane() + rows.position(oh, kh) * columns.in +
                                columns.position(first, kw);
              body(y, w, x, last - first, columns.stride);
            }
          }
}

template <typename T>
void add_products_to_y(const ConvolutionPlan& plan, const T* x, const T* weights, T* y) {
  walk(plan, [&](int64_t at_y, int64_t at_w, int64_t at_x, int64_t count, int64_t step) {
    const T w = weights[at_w];
    for (int64_t i = 0; i < count; ++i) y[at_y + i] += w * x[at_x + i * step];
  });
}

template <typename T>
void add_products_to_x(const ConvolutionPlan& plan, const T* y, const T* weights, T* x) {
  walk(plan, [&](int64_t at_y, int64_t at_w, int64_t at_x, int64_t count, int64_t step) {
    const T w = weights[at_w];
    for (int64_t i = 0; i < count; ++i) x[at_x + i * step] += w * y[at_y + i];
  });
}

template <typename T>
void add_products_to_weights(const ConvolutionPlan& plan, const T* x, const T* y, T* weights) {
  walk(plan, [&](int64_t at_y, int64_t at_w, int64_t at_x, int64_t count, int64_t step) {
    for (int64_t i = 0; i < count; ++i) weights[at_w] += y[at_y + i] * x[at_x + i * step];
  });
}

template <typename T>
void add_bias(std::span<const T> bias, int64_t plane, std::span<T> out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] += bias[i / static_cast<size_t>(plane) % bias.size()];
}

class Convolution final : public Operator {
 public:
  explicit Convolution(bool transposed) : transposed_(transposed) {}
  std::string_view name() const override { return transposed_ ? "ConvTranspose" : "Conv"; }

  Result<std::vector<TensorType>> infer(const InferContext& context) const override {
    const Node& node = context.node;
    if (auto ok = check_arity(context, 2, 3); !ok) return ok.error();
    if (auto ok = check_known_attributes(node); !ok) return ok.error();
    if (auto ok = check_float(context, {0, 1, 2}); !ok) return ok.error();
    auto plan = make_plan(node, context.types[0]->shape, context.types[1]->shape);
    if (!plan) return plan.error();
    const int64_t channels = transposed_ ? plan->x_channels : plan->y_channels;
    if (const TensorType* bias = input_type(context, 2); bias && bias->shape != Shape{channels})
      return rejected(node, fmt::format("bias has shape {}, must be [{}]", to_string(bias->shape), channels));
    return std::vector<TensorType>{{context.types[0]->dtype, transposed_ ? plan->x_shape() : plan->y_shape()}};
  }

  Result<std::vector<Tensor>> eval(const Node& node, std::span<const Tensor* const> inputs,
                                   std::span<const TensorType> types) const override {
    auto plan = make_plan(node, inputs[0]->shape(), inputs[1]->shape());
    if (!plan) return plan.error();
    return with_float(inputs[0]->dtype(), [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      Tensor result(types[0].dtype, types[0].shape);
      const T* in = inputs[0]->data<T>().data();
      const T* weights = inputs[1]->data<T>().data();
      const auto out = result.mutable_data<T>();
      if (transposed_)
        add_products_to_x(*plan, in, weights, out.data());
      else
        add_products_to_y(*plan, in, weights, out.data());
      if (const Tensor* bias = input(inputs, 2)) add_bias(bias->data<T>(), plane(*plan), out);
      return std::vector<Tensor>{std::move(result)};
    });
  }

  Result<std::vector<Tensor>> gradient(const GradientContext& context) const override {
    auto plan = make_plan(context.node, context.inputs[0]->shape(), context.inputs[1]->shape());
    if (!plan) return plan.error();
    return with_float(context.inputs[0]->dtype(), [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      const Tensor& dout = context.output_gradients[0];
      const T* out = dout.data<T>().data();
      const T* in = context.inputs[0]->data<T>().data();
      const T* weights = context.inputs[1]->data<T>().data();
      std::vector<Tensor> gradients(context.inputs.size());
      for (size_t i = 0; i < gradients.size(); ++i)
        if (context.wanted[i]) gradients[i] = Tensor(dout.dtype(), context.inputs[i]->shape());
      if (context.wanted[0] && transposed_)
        add_products_to_y(*plan, out, weights, gradients[0].mutable_data<T>().data());
      if (context.wanted[0] && !transposed_)
        add_products_to_x(*plan, out, weights, gradients[0].mutable_data<T>().data());
      if (context.wanted[1])
        add_products_to_weights(*plan, transposed_ ? out : in, transposed_ ? in : out,
                                gradients[1].mutable_data<T>().data());
      if (gradients.size() > 2 && context.wanted[2]) {
        const auto db = gradients[2].mutable_data<T>();
        for (int64_t i = 0; i < dout.size(); ++i) db[static_cast<size_t>(i / plane(*plan)) % db.size()] += out[i];
      }
      return gradients;
    });
  }

  Status lower(const Node& node, LoweringContext& context) const override {
    if (context.constant(node.inputs[0])) return uncertified(node, "its input is constant; fold it in the model");
    const Tensor* weights = context.constant(node.inputs[1]);
    if (!weights) return uncertified(node, "its weights depend on the inputs; they must be constant");
    if (auto padding = check_certified_padding(node); !padding) return padding;
    if (auto finite = require_finite(node, *weights, "the weights"); !finite) return finite;
    auto plan = make_plan(node, context.type(node.inputs[0]).shape, weights->shape());
    if (!plan) return plan.error();
    if (transposed_ && plan->groups != 1)
      return uncertified(node, fmt::format("group is {}, must be 1 for ConvTranspose", plan->groups));
    auto elements = context.elements(node, node.inputs[0]);
    if (!elements) return elements.error();

    SumRows sum{.shape = context.type(node.outputs[0]).shape, .terms = {}, .addends = 0, .constants = {}};
    RowBuilder builder(sum.terms, context.limits());
    const auto w = weights->data<float>();
    if (auto done = transposed_ ? transposed_rows(node, *plan, *elements, w, builder)
                                : rows(node, *plan, *elements, w, builder);
        !done)
      return done;
    if (auto done = lower_bias(node, context, plane(*plan), sum); !done) return done;
    return context.define_sum(node, std::move(sum));
  }

  bool folds_exactly(const Node&, std::span<const Tensor* const>) const override { return false; }

 private:
  Status check_known_attributes(const Node& node) const {
    if (transposed_)
      return check_attributes(node, {{"auto_pad", Kind::kString},
                                     {"dilations", Kind::kInts},
                                     {"group", Kind::kInt},
                                     {"kernel_shape", Kind::kInts},
                                     {"output_padding", Kind::kInts},
                                     {"output_shape", Kind::kInts},
                                     {"pads", Kind::kInts},
                                     {"strides", Kind::kInts}});
    return check_attributes(node, {{"auto_pad", Kind::kString},
                                   {"dilations", Kind::kInts},
                                   {"group", Kind::kInt},
                                   {"kernel_shape", Kind::kInts},
                                   {"pads", Kind::kInts},
                                   {"strides", Kind::kInts}});
  }

  Result<ConvolutionPlan> make_plan(const Node& node, const Shape& in, const Shape& weights) const {
    if (in.size() != 4 || weights.size() != 4)
      return rejected(node, fmt::format("input has shape {}, weights {}; both must have rank 4 (two spatial axes)",
                                        to_string(in), to_string(weights)));
    const int64_t groups = attribute<int64_t>(node, "group", 1);
    if (groups < 1 || groups > weights[0] || weights[0] % groups != 0)
      return rejected(node, fmt::format("{} weight channels cannot be split into {} groups", weights[0], groups));
    const int64_t reads = transposed_ ? weights[0] : weights[1] * groups;
    if (in[1] != reads) return rejected(node, fmt::format("weights are for {} channels, input has {}", reads, in[1]));
    const std::vector<int64_t> kernel{weights[2], weights[3]};
    if (attribute(node, "kernel_shape", kernel) != kernel)
      return rejected(node, fmt::format("kernel_shape is {}, the weights have {}",
                                        to_string(attribute(node, "kernel_shape", kernel)), to_string(kernel)));
    auto window = transposed_ ? transposed_window(node, {in[2], in[3]}, {weights[2], weights[3]})
                              : sliding_window(node, {in[2], in[3]}, {weights[2], weights[3]});
    if (!window) return window.error();
    return ConvolutionPlan{.batch = in[0],
                           .groups = groups,
                           .x_channels = weights[1] * groups,
                           .y_channels = weights[0],
                           .window = *window};
  }

  // Entries of one channel of the node's output.
  int64_t plane(const ConvolutionPlan& plan) const { return transposed_ ? plan.x_plane() : plan.y_plane(); }

  static Status lower_bias(const Node& node, LoweringContext& context, int64_t plane, SumRows& sum) {
    if (!has_input(node, 2)) return {};
    const Tensor* bias = context.constant(node.inputs[2]);
    if (!bias) return uncertified(node, "its bias depends on the inputs; it must be constant");
    if (auto finite = require_finite(node, *bias, "the bias"); !finite) return finite;
    const auto values = bias->data<float>();
    std::vector<double>& constants = sum.constants.emplace_back(sum.terms.rows());
    for (size_t i = 0; i < constants.size(); ++i) constants[i] = values[i / static_cast<size_t>(plane) % values.size()];
    return {};
  }

  // One row per output (n, oc, oh, ow): input channel, kernel row, kernel column; padding is skipped.
  static Status rows(const Node& node, const ConvolutionPlan& plan, const std::vector<ElementId>& elements,
                     std::span<const float> weights, RowBuilder& builder) {
    const auto& [high, wide] = plan.window;
    for (int64_t n = 0; n < plan.batch; ++n)
      for (int64_t oc = 0; oc < plan.y_channels; ++oc)
        for (int64_t oh = 0; oh < high.out; ++oh)
          for (int64_t ow = 0; ow < wide.out; ++ow) {
            const float* w = weights.data() + oc * plan.x_per_group() * high.kernel * wide.kernel;
            const int64_t first_channel = oc / plan.y_per_group() * plan.x_per_group();
            for (int64_t c = 0; c < plan.x_per_group(); ++c) {
              const int64_t x = (n * plan.x_channels + first_channel + c) * plan.x_plane();
              for (int64_t kh = 0; kh < high.kernel; ++kh)
                for (int64_t kw = 0; kw < wide.kernel; ++kw, ++w) {
                  const int64_t ih = high.position(oh, kh), iw = wide.position(ow, kw);
                  if (high.inside(ih) && wide.inside(iw)) builder.term(elements[x + ih * wide.in + iw], *w);
                }
            }
            if (auto done = builder.end_row(node); !done) return done;
          }
    return {};
  }

  // The input (of extent axis.out) that kernel entry k carries to output o; -1 when there is none.
  static int64_t source(const Axis& axis, int64_t o, int64_t k) {
    const int64_t shifted = o + axis.pad_begin - k * axis.dilation;
    if (shifted < 0 || shifted % axis.stride != 0 || shifted / axis.stride >= axis.out) return -1;
    return shifted / axis.stride;
  }

  static Status transposed_rows(const Node& node, const ConvolutionPlan& plan, const std::vector<ElementId>& elements,
                                std::span<const float> weights, RowBuilder& builder) {
    const auto& [high, wide] = plan.window;
    for (int64_t n = 0; n < plan.batch; ++n)
      for (int64_t oc = 0; oc < plan.x_channels; ++oc)
        for (int64_t oh = 0; oh < high.in; ++oh)
          for (int64_t ow = 0; ow < wide.in; ++ow) {
            for (int64_t ic = 0; ic < plan.y_channels; ++ic) {
              const float* w = weights.data() + (ic * plan.x_channels + oc) * high.kernel * wide.kernel;
              const int64_t y = (n * plan.y_channels + ic) * plan.y_plane();
              for (int64_t kh = 0; kh < high.kernel; ++kh) {
                const int64_t ih = source(high, oh, kh);
                if (ih < 0) continue;
                for (int64_t kw = 0; kw < wide.kernel; ++kw)
                  if (const int64_t iw = source(wide, ow, kw); iw >= 0)
                    builder.term(elements[y + ih * wide.out + iw], w[kh * wide.kernel + kw]);
              }
            }
            if (auto done = builder.end_row(node); !done) return done;
          }
    return {};
  }

  bool transposed_;
};

}  // namespace

Family convolution_family() {
  Family family;
  family.push_back(std::make_unique<Convolution>(false));
  family.push_back(std::make_unique<Convolution>(true));
  return family;
}

}  // namespace axiom::ops
