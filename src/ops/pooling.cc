// MaxPool and, run only, AveragePool and GlobalAveragePool over two spatial axes.
//
// Positions in the padding take no part in a maximum. The lowering lists the sources of each window in order kernel
// row, kernel column (spec/operators.md section 4).
#include <fmt/format.h>

#include "ops/check.h"
#include "ops/dispatch.h"
#include "ops/family.h"
#include "ops/window.h"

namespace axiom::ops {
namespace {

enum class Pooling { kMax, kAverage, kGlobalAverage };

// Calls window(output entry) and then position(input entry) for each of its positions outside the padding.
template <typename Begin, typename Position>
void walk(const Shape& in, const Window& window, Begin&& begin, Position&& position) {
  const auto& [rows, columns] = window;
  int64_t y = 0;
  for (int64_t plane = 0; plane < in[0] * in[1]; ++plane)
    for (int64_t oh = 0; oh < rows.out; ++oh)
      for (int64_t ow = 0; ow < columns.out; ++ow, ++y) {
        begin(y);
        const auto [h_first, h_last] = rows.entries_of(oh);
        const auto [w_first, w_last] = columns.entries_of(ow);
        for (int64_t kh = h_first; kh < h_last; ++kh)
          for (int64_t kw = w_first; kw < w_last; ++kw)
            position(y, (plane * in[2] + rows.position(oh, kh)) * in[3] + columns.position(ow, kw));
      }
}

// All positions of all windows.
uint64_t position_count(const Shape& in, const Window& window) {
  uint64_t count = static_cast<uint64_t>(in[0] * in[1]);
  for (const Axis& axis : window) {
    uint64_t along = 0;
    for (int64_t o = 0; o < axis.out; ++o)
      along += static_cast<uint64_t>(axis.entries_of(o).second - axis.entries_of(o).first);
    if (__builtin_mul_overflow(count, along, &count)) return UINT64_MAX;
  }
  return count;
}

// What the sum of a window is divided by: its positions, with the padding if the node says so, but never those that
// ceil_mode adds behind the padding.
int64_t divisor(const Node& node, const Window& window, int64_t y) {
  const bool with_padding = attribute<int64_t>(node, "count_include_pad", 0) != 0;
  const int64_t o[2] = {y / window[1].out % window[0].out, y % window[1].out};
  int64_t count = 1;
  for (size_t i = 0; i < 2; ++i) {
    Axis axis = window[i];
    if (with_padding)
      axis = {.in = axis.in + axis.pad_begin + axis.pad_end,
              .out = axis.out,
              .kernel = axis.kernel,
              .stride = axis.stride,
              .dilation = axis.dilation};
    const auto [first, last] = axis.entries_of(o[i]);
    count *= last - first;
  }
  return count;
}

// The first position of the maximum of each window (a NaN counts as the maximum); -1 for an empty window.
template <typename T>
std::vector<int64_t> argmax(const Shape& in, const Window& window, std::span<const T> x, size_t windows) {
  std::vector<int64_t> largest(windows, -1);
  walk(
      in, window, [](int64_t) {},
      [&](int64_t o, int64_t i) {
        if (largest[o] < 0 || x[i] > x[largest[o]] || (x[i] != x[i] && x[largest[o]] == x[largest[o]])) largest[o] = i;
      });
  return largest;
}

class PoolingOperator final : public Operator {
 public:
  PoolingOperator(std::string_view name, Pooling pooling) : name_(name), pooling_(pooling) {}
  std::string_view name() const override { return name_; }

  Result<std::vector<TensorType>> infer(const InferContext& context) const override {
    const Node& node = context.node;
    if (auto ok = check_arity(context, 1, 1, 2); !ok) return ok.error();
    if (node.outputs.size() > 1 && node.outputs[1] != kNoValue)
      return rejected(node, "its second output (the indices) is not supported");
    if (auto ok = check_known_attributes(node); !ok) return ok.error();
    if (auto ok = check_float(context, {0}); !ok) return ok.error();
    const Shape& in = context.types[0]->shape;
    if (in.size() != 4)
      return rejected(node, fmt::format("input has shape {}, must have rank 4 (two spatial axes)", to_string(in)));
    auto window = make_window(node, in);
    if (!window) return window.error();
    const TensorType type{context.types[0]->dtype, {in[0], in[1], (*window)[0].out, (*window)[1].out}};
    return std::vector<TensorType>(node.outputs.size(), type);
  }

  Result<std::vector<Tensor>> eval(const Node& node, std::span<const Tensor* const> inputs,
                                   std::span<const TensorType> types) const override {
    auto window = make_window(node, inputs[0]->shape());
    if (!window) return window.error();
    return with_float(inputs[0]->dtype(), [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      std::vector<Tensor> results(types.size());
      results[0] = Tensor(types[0].dtype, types[0].shape);
      const auto x = inputs[0]->data<T>();
      const auto y = results[0].template mutable_data<T>();
      if (pooling_ == Pooling::kMax) {
        const auto largest = argmax(inputs[0]->shape(), *window, x, y.size());
        for (size_t i = 0; i < y.size(); ++i) {
          if (largest[i] < 0) return rejected(node, fmt::format("window {} lies in the padding entirely", i));
          y[i] = x[largest[i]];
        }
        return results;
      }
      walk(
          inputs[0]->shape(), *window, [](int64_t) {}, [&](int64_t o, int64_t i) { y[o] += x[i]; });
      for (size_t i = 0; i < y.size(); ++i) y[i] /= static_cast<T>(divisor(node, *window, static_cast<int64_t>(i)));
      return results;
    });
  }

  Result<std::vector<Tensor>> gradient(const GradientContext& context) const override {
    const Tensor &in = *context.inputs[0], &dout = context.output_gradients[0];
    auto window = make_window(context.node, in.shape());
    if (!window) return window.error();
    return with_float(in.dtype(), [&](auto zero) -> Result<std::vector<Tensor>> {
      using T = decltype(zero);
      Tensor din(in.dtype(), in.shape());
      const auto dy = dout.data<T>();
      const auto dx = din.mutable_data<T>();
      if (pooling_ == Pooling::kMax) {
        const auto largest = argmax(in.shape(), *window, in.data<T>(), dy.size());
        for (size_t i = 0; i < dy.size(); ++i)
          if (largest[i] >= 0) dx[largest[i]] += dy[i];
      } else {
        const auto share = [&](int64_t o) { return dy[o] / static_cast<T>(divisor(context.node, *window, o)); };
        walk(
            in.shape(), *window, [](int64_t) {}, [&](int64_t o, int64_t i) { dx[i] += share(o); });
      }
      return std::vector<Tensor>{std::move(din)};
    });
  }

  Status lower(const Node& node, LoweringContext& context) const override {
    if (pooling_ != Pooling::kMax) return Operator::lower(node, context);
    if (auto padding = check_certified_padding(node); !padding) return padding;
    const Shape& in = context.type(node.inputs[0]).shape;
    auto window = make_window(node, in);
    if (!window) return window.error();
    if (position_count(in, *window) > context.limits().terms)
      return too_large(node, fmt::format("its windows have more than {} positions together", context.limits().terms));
    auto elements = context.varying(node, node.inputs[0]);
    if (!elements) return elements.error();
    CoreOp op{.kind = CoreKind::kMaxPool};
    op.count = static_cast<uint32_t>(*element_count(context.type(node.outputs[0]).shape));
    walk(
        in, *window, [&](int64_t) { op.window_begin.push_back(static_cast<uint32_t>(op.source.size())); },
        [&](int64_t, int64_t i) { op.source.push_back((*elements)[i]); });
    op.window_begin.push_back(static_cast<uint32_t>(op.source.size()));
    for (size_t i = 0; i < op.count; ++i)
      if (op.window_begin[i] == op.window_begin[i + 1])
        return uncertified(node, fmt::format("window {} lies in the padding entirely", i));
    return context.define_elements(node, std::move(op));
  }

  bool folds_exactly(const Node&, std::span<const Tensor* const>) const override { return false; }

 private:
  Status check_known_attributes(const Node& node) const {
    if (pooling_ == Pooling::kGlobalAverage) return check_attributes(node, {});
    if (attribute<int64_t>(node, "storage_order", 0) != 0) return rejected(node, "storage_order 1 is not supported");
    if (pooling_ == Pooling::kMax)
      return check_attributes(node, {{"auto_pad", Kind::kString},
                                     {"ceil_mode", Kind::kInt},
                                     {"dilations", Kind::kInts},
                                     {"kernel_shape", Kind::kInts},
                                     {"pads", Kind::kInts},
                                     {"storage_order", Kind::kInt},
                                     {"strides", Kind::kInts}});
    return check_attributes(node, {{"auto_pad", Kind::kString},
                                   {"ceil_mode", Kind::kInt},
                                   {"count_include_pad", Kind::kInt},
                                   {"dilations", Kind::kInts},
                                   {"kernel_shape", Kind::kInts},
                                   {"pads", Kind::kInts},
                                   {"strides", Kind::kInts}});
  }

  Result<Window> make_window(const Node& node, const Shape& in) const {
    if (pooling_ == Pooling::kGlobalAverage)
      return Window{Axis{.in = in[2], .kernel = in[2]}, Axis{.in = in[3], .kernel = in[3]}};
    auto kernel = kernel_shape(node);
    if (!kernel) return kernel.error();
    return sliding_window(node, {in[2], in[3]}, *kernel);
  }

  std::string_view name_;
  Pooling pooling_;
};

}  // namespace

Family pooling_family() {
  Family family;
  family.push_back(std::make_unique<PoolingOperator>("MaxPool", Pooling::kMax));
  family.push_back(std::make_unique<PoolingOperator>("AveragePool", Pooling::kAverage));
  family.push_back(std::make_unique<PoolingOperator>("GlobalAveragePool", Pooling::kGlobalAverage));
  return family;
}

}  // namespace axiom::ops
