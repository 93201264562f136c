// The operators of spec section 4 that are neither data movement nor sums, and
// the geometry of sliding windows.
#include <cmath>

#include "error.h"
#include "lowering.h"

namespace checker {
namespace {

// The shape of the data operand. A node of constants alone has no certified meaning.
Shape variable_shape(const Call& call) {
  if (call[0].is_constant()) call.fail("input 0 is constant");
  return call[0].shape;
}

// ---- BatchNormalization

struct Channel {
  double w, b, magnitude, c0;
};

Channel normalization(const Call& call, double s, double shift, double mean, double variance, double epsilon) {
  const double sum = variance + epsilon;
  if (!(sum >= 0x1p-60 && sum <= 0x1p60)) call.fail(text("variance plus epsilon is ", number(sum)));
  if (!(std::fabs(s) <= 0x1p60 && std::fabs(mean) <= 0x1p60)) {
    call.fail(text("scale ", number(s), ", mean ", number(mean)));
  }
  // A subnormal scale may be flushed before it is divided by a small deviation.
  if (s != 0 && std::fabs(s) < 0x1p-126) call.fail(text("scale ", number(s)));
  const double w = s / std::sqrt(sum);
  return {.w = w,
          .b = shift - w * mean,
          .magnitude = (std::fabs(w) * std::fabs(mean) + std::fabs(shift)) * (1 + 0x1p-48),
          .c0 = 8 + 4 * std::fabs(mean) + 4 * std::fabs(s)};
}

Tensor lower_batch_normalization(Lowering& lowering, const Call& call) {
  const Shape shape = variable_shape(call);
  if (shape.size() < 2) call.fail("a tensor without a channel axis");
  if (call.integer("training_mode", 0) != 0) call.fail("training_mode");
  if (call.integer("spatial", 1) != 1) call.fail("spatial 0");
  const double epsilon = call.real("epsilon", 1e-5f);
  std::vector<Channel> channels;
  for (size_t input = 1; input <= 4; ++input) {
    if (call.float_constant(input).shape != Shape{shape[1]})
      call.fail(text("input ", input, " is not one per channel"));
  }
  for (uint64_t c = 0; c < uint64_t(shape[1]); ++c) {
    channels.push_back(normalization(call, call[1].float_at(c), call[2].float_at(c), call[3].float_at(c),
                                     call[4].float_at(c), epsilon));
  }
  const uint64_t count = lowering.allot(call, shape);
  const uint64_t plane = count / uint64_t(shape[0]) / channels.size();
  const auto index = lowering.view(call, 0);

  Operator op{.kind = Kind::affine};
  op.start.push_back(0);
  for (uint64_t i = 0; i < count; ++i) {
    const Channel& channel = channels[i / plane % channels.size()];
    if (channel.w != 0) {
      op.source.push_back((*index)[i]);
      op.weight.push_back(channel.w);
    }
    op.start.push_back(op.source.size());
    op.bias.push_back(channel.b);
    op.magnitude.push_back(channel.magnitude);
    op.k.push_back(12);
    op.c0.push_back(channel.c0);
  }
  op.factor = 4;
  op.real_error = 0x1p-48;
  return lowering.emit(call.node.place, std::move(op), shape);
}

// ---- Unary operators

Tensor unary(Lowering& lowering, const Call& call, Kind kind, double alpha) {
  const Shape shape = variable_shape(call);
  lowering.allot(call, shape);
  Operator op{.kind = kind};
  op.source = *lowering.view(call, 0);
  op.alpha = alpha;
  return lowering.emit(call.node.place, std::move(op), shape);
}

Tensor lower_relu(Lowering& lowering, const Call& call) { return unary(lowering, call, Kind::relu, 0); }
Tensor lower_sigmoid(Lowering& lowering, const Call& call) { return unary(lowering, call, Kind::sigmoid, 0); }
Tensor lower_tanh(Lowering& lowering, const Call& call) { return unary(lowering, call, Kind::tanh, 0); }

Tensor lower_leaky_relu(Lowering& lowering, const Call& call) {
  const double alpha = call.real("alpha", 0.01f);
  // A subnormal alpha may be flushed, an error that grows with the operand.
  if (!(alpha == 0 || (alpha >= 0x1p-126 && alpha <= 1))) call.fail(text("alpha ", number(alpha)));
  return unary(lowering, call, Kind::leaky_relu, alpha);
}

// ---- MaxPool

Tensor lower_max_pool(Lowering& lowering, const Call& call) {
  const Shape in = variable_shape(call);
  if (in.size() != 4) call.fail("only two spatial axes");
  if (call.integer("storage_order", 0) != 0) call.fail("storage_order");
  const std::vector<int64_t> kernel = call.integers("kernel_shape", {});
  if (kernel.size() != 2) call.fail("kernel_shape is not one number per axis");
  const Windows windows(call, kernel[0], kernel[1]);
  const bool ceil = call.integer("ceil_mode", 0) != 0;
  if (ceil && call.string("auto_pad", "NOTSET") != "NOTSET") call.fail("ceil_mode together with auto_pad");
  const Shape shape{in[0], in[1], windows.extent(call, 0, in[2], ceil), windows.extent(call, 1, in[3], ceil)};
  const uint64_t count = lowering.allot(call, shape);
  lowering.work(call, count * entry_count({kernel[0], kernel[1]}, call.node.place));
  const auto index = lowering.view(call, 0);

  Operator op{.kind = Kind::maxpool};
  op.start.push_back(0);
  for (uint64_t o = 0; o < count; ++o) {
    const int64_t ow = int64_t(o) % shape[3], oh = int64_t(o) / shape[3] % shape[2];
    const int64_t plane = int64_t(o) / (shape[3] * shape[2]);
    for (int64_t kh = 0; kh < kernel[0]; ++kh) {
      const int64_t ih = oh * windows.stride[0] - windows.pad_begin[0] + kh * windows.dilation[0];
      for (int64_t kw = 0; kw < kernel[1]; ++kw) {
        const int64_t iw = ow * windows.stride[1] - windows.pad_begin[1] + kw * windows.dilation[1];
        if (ih < 0 || ih >= in[2] || iw < 0 || iw >= in[3]) continue;
        op.source.push_back((*index)[size_t((plane * in[2] + ih) * in[3] + iw)]);
      }
    }
    if (op.source.size() == op.start.back()) call.fail("an empty window");
    lowering.check_terms(call, op.source.size());
    op.start.push_back(op.source.size());
  }
  return lowering.emit(call.node.place, std::move(op), shape);
}

// ---- Softmax

constexpr int64_t kMostInGroup = 1 << 20;

// Groups lie along the axis. Before operator set 13 one holds all that follows the axis.
Tensor lower_softmax(Lowering& lowering, const Call& call) {
  const Shape shape = variable_shape(call);
  const bool joins = lowering.opset() < 13;
  const size_t axis = size_t(normal_axis(call, call.integer("axis", joins ? 1 : -1), shape.size()));
  const uint64_t count = lowering.allot(call, shape);
  uint64_t length = uint64_t(shape[axis]), stride = 1;  // entries of a group, and how far apart they are
  for (size_t later = axis + 1; later < shape.size(); ++later) (joins ? length : stride) *= uint64_t(shape[later]);
  if (length > kMostInGroup) call.fail(text("a group of ", length, " entries"));
  const auto index = lowering.view(call, 0);

  Operator op{.kind = Kind::softmax};
  op.start.push_back(0);
  Index entries;  // in the order of the elements: group after group
  for (uint64_t block = 0; block < count; block += length * stride) {
    for (uint64_t first = block; first < block + stride; ++first) {
      for (uint64_t k = 0; k < length; ++k) entries.push_back(uint32_t(first + k * stride));
      op.start.push_back(entries.size());
    }
  }
  for (const uint32_t entry : entries) op.source.push_back((*index)[entry]);
  const Tensor grouped = lowering.emit(call.node.place, std::move(op), shape);
  Index view(count);
  for (uint64_t i = 0; i < count; ++i) view[entries[i]] = (*grouped.index)[i];
  return {.kind = Tensor::view, .shape = shape, .index = std::make_shared<const Index>(std::move(view))};
}

constexpr Rule kRules[] = {
    {"BatchNormalization", lower_batch_normalization, 5, 5, "epsilon momentum spatial training_mode"},
    {"Relu", lower_relu, 1, 1, ""},
    {"LeakyRelu", lower_leaky_relu, 1, 1, "alpha"},
    {"Sigmoid", lower_sigmoid, 1, 1, ""},
    {"Tanh", lower_tanh, 1, 1, ""},
    {"MaxPool", lower_max_pool, 1, 1, "auto_pad ceil_mode dilations kernel_shape pads storage_order strides"},
    {"Softmax", lower_softmax, 1, 1, "axis"},
};

// Numbers that are multiplied with each other and with extents without overflow.
int64_t small(const Call& call, const char* what, int64_t value, int64_t least) {
  if (value < least || value > 65536) call.fail(text(what, " ", value));
  return value;
}

}  // namespace

std::span<const Rule> other_rules() { return kRules; }

Windows::Windows(const Call& call, int64_t kernel_rows, int64_t kernel_columns) : kernel{kernel_rows, kernel_columns} {
  const std::vector<int64_t> strides = call.integers("strides", {1, 1}), dilations = call.integers("dilations", {1, 1});
  const std::vector<int64_t> pads = call.integers("pads", {0, 0, 0, 0});
  const std::string auto_pad = call.string("auto_pad", "NOTSET");
  if (strides.size() != 2 || dilations.size() != 2 || pads.size() != 4) call.fail("only two spatial axes");
  if (auto_pad != "NOTSET" && auto_pad != "VALID") call.fail("auto_pad " + auto_pad);
  if (auto_pad == "VALID" && pads != std::vector<int64_t>(4, 0)) call.fail("auto_pad VALID with pads");
  for (size_t axis = 0; axis < 2; ++axis) {
    small(call, "kernel extent", kernel[axis], 1);
    stride[axis] = small(call, "stride", strides[axis], 1);
    dilation[axis] = small(call, "dilation", dilations[axis], 1);
    pad_begin[axis] = small(call, "pad", pads[axis], 0);
    pad_end[axis] = small(call, "pad", pads[axis + 2], 0);
  }
}

int64_t Windows::extent(const Call& call, int axis, int64_t in, bool ceil) const {
  const int64_t room = in + pad_begin[axis] + pad_end[axis] - span(axis);
  if (room < 0) call.fail("a kernel larger than its input");
  const int64_t out = (ceil ? room + stride[axis] - 1 : room) / stride[axis] + 1;
  const bool starts_behind = (out - 1) * stride[axis] >= in + pad_begin[axis];
  return ceil && starts_behind ? out - 1 : out;
}

}  // namespace checker
