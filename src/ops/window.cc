// Window geometry as ONNX defines it (Conv, MaxPool, ConvTranspose).
#include "ops/window.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/check.h"

namespace axiom::ops {
namespace {

constexpr int64_t kLargest = int64_t{1} << 30;  // keeps every product of two numbers inside int64

// An attribute of `count` integers in [least, 2^30]; `fallback` repeated when it is absent.
Result<std::vector<int64_t>> geometry(const Node& node, const std::string& name, size_t count, int64_t least,
                                      int64_t fallback) {
  const auto values = attribute(node, name, std::vector<int64_t>(count, fallback));
  if (values.size() != count)
    return rejected(
        node, fmt::format("attribute '{}' has {} numbers, needs {} for two spatial axes", name, values.size(), count));
  for (const int64_t value : values)
    if (value < least || value > kLargest)
      return rejected(node, fmt::format("attribute '{}' holds {}, must be at least {}", name, value, least));
  return values;
}

Result<Window> read_attributes(const Node& node, std::array<int64_t, 2> kernel) {
  auto strides = geometry(node, "strides", 2, 1, 1);
  if (!strides) return strides.error();
  auto dilations = geometry(node, "dilations", 2, 1, 1);
  if (!dilations) return dilations.error();
  auto pads = geometry(node, "pads", 4, 0, 0);
  if (!pads) return pads.error();
  const bool uses_pads = attribute<std::string>(node, "auto_pad", "NOTSET") == "NOTSET";
  Window window;
  for (size_t i = 0; i < 2; ++i) {
    if (kernel[i] < 1 || kernel[i] > kLargest)
      return rejected(node, fmt::format("kernel extent {} must be at least 1", kernel[i]));
    window[i].kernel = kernel[i];
    window[i].stride = (*strides)[i];
    window[i].dilation = (*dilations)[i];
    window[i].pad_begin = uses_pads ? (*pads)[i] : 0;
    window[i].pad_end = uses_pads ? (*pads)[i + 2] : 0;
  }
  return window;
}

// SAME: as many outputs as strides fit, the padding split evenly, the odd one at the end (UPPER) or the beginning.
void pad_to_same(Axis& axis, bool upper) {
  const int64_t out = (axis.in + axis.stride - 1) / axis.stride;
  const int64_t extent = (axis.kernel - 1) * axis.dilation + 1;
  const int64_t total = std::max<int64_t>((out - 1) * axis.stride + extent - axis.in, 0);
  axis.pad_begin = upper ? total / 2 : total - total / 2;
  axis.pad_end = total - axis.pad_begin;
}

int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

void set_output_extent(Axis& axis, bool ceil_mode) {
  const int64_t span = axis.in + axis.pad_begin + axis.pad_end - ((axis.kernel - 1) * axis.dilation + 1);
  axis.out = floor_div(ceil_mode ? span + axis.stride - 1 : span, axis.stride) + 1;
  // A window that starts in the trailing padding is dropped.
  if (ceil_mode && (axis.out - 1) * axis.stride >= axis.in + axis.pad_begin) --axis.out;
}

}  // namespace

std::pair<int64_t, int64_t> Axis::outputs_of(int64_t k) const {
  const int64_t shift = pad_begin - k * dilation;
  const int64_t first = shift > 0 ? (shift + stride - 1) / stride : 0;
  const int64_t last = std::min(out, floor_div(in - 1 + shift, stride) + 1);
  return {first, std::max(first, last)};
}

std::pair<int64_t, int64_t> Axis::entries_of(int64_t o) const {
  const int64_t start = o * stride - pad_begin;
  const int64_t first = start < 0 ? (-start + dilation - 1) / dilation : 0;
  const int64_t last = std::min(kernel, floor_div(in - 1 - start, dilation) + 1);
  return {first, std::max(first, last)};
}

Result<Window> sliding_window(const Node& node, std::array<int64_t, 2> in, std::array<int64_t, 2> kernel) {
  auto window = read_attributes(node, kernel);
  if (!window) return window;
  const std::string auto_pad = attribute<std::string>(node, "auto_pad", "NOTSET");
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  if (!same && auto_pad != "NOTSET" && auto_pad != "VALID")
    return rejected(node, fmt::format("auto_pad '{}' is not known", auto_pad));
  for (size_t i = 0; i < 2; ++i) {
    Axis& axis = (*window)[i];
    axis.in = in[i];
    if (same) pad_to_same(axis, auto_pad == "SAME_UPPER");
    set_output_extent(axis, attribute<int64_t>(node, "ceil_mode", 0) != 0);
    if (axis.out < 1)
      return rejected(node, fmt::format("spatial axis {}: a window of {} (dilation {}) does not fit into {} plus "
                                        "padding {} and {}",
                                        i, axis.kernel, axis.dilation, axis.in, axis.pad_begin, axis.pad_end));
  }
  return window;
}

Result<Window> transposed_window(const Node& node, std::array<int64_t, 2> small, std::array<int64_t, 2> kernel) {
  auto window = read_attributes(node, kernel);
  if (!window) return window;
  const std::string auto_pad = attribute<std::string>(node, "auto_pad", "NOTSET");
  if (has_attribute(node, "output_shape") || (auto_pad != "NOTSET" && auto_pad != "VALID"))
    return rejected(node, "output_shape and auto_pad SAME are not supported; state the padding with 'pads'");
  auto extra = geometry(node, "output_padding", 2, 0, 0);
  if (!extra) return extra.error();
  for (size_t i = 0; i < 2; ++i) {
    Axis& axis = (*window)[i];
    axis.out = small[i];
    axis.in = axis.stride * (small[i] - 1) + (*extra)[i] + ((axis.kernel - 1) * axis.dilation + 1) - axis.pad_begin -
              axis.pad_end;
    if (axis.in < 1)
      return rejected(node, fmt::format("spatial axis {}: the padding {} and {} leaves no output", i, axis.pad_begin,
                                        axis.pad_end));
  }
  return window;
}

Result<std::array<int64_t, 2>> kernel_shape(const Node& node) {
  const auto kernel = attribute(node, "kernel_shape", std::vector<int64_t>{});
  if (kernel.size() != 2)
    return rejected(node, fmt::format("attribute 'kernel_shape' has {} numbers, must have 2", kernel.size()));
  return std::array<int64_t, 2>{kernel[0], kernel[1]};
}

Status check_certified_padding(const Node& node) {
  const std::string auto_pad = attribute<std::string>(node, "auto_pad", "NOTSET");
  const std::vector<int64_t> none{0, 0, 0, 0}, ones{1, 1};
  if (auto_pad != "NOTSET" && auto_pad != "VALID")
    return uncertified(node, fmt::format("auto_pad {}; state the padding with 'pads'", auto_pad));
  if (auto_pad == "VALID" && attribute(node, "pads", none) != none)
    return uncertified(node, "auto_pad VALID together with pads; state one of them");
  if (auto_pad != "NOTSET" && attribute<int64_t>(node, "ceil_mode", 0) != 0)
    return uncertified(node, "ceil_mode together with auto_pad; state the padding with 'pads'");
  const auto extra = attribute(node, "output_padding", std::vector<int64_t>{0, 0});
  const auto strides = attribute(node, "strides", ones), dilations = attribute(node, "dilations", ones);
  for (size_t i = 0; i < extra.size(); ++i)
    if (extra[i] >= std::max(strides[i], dilations[i]))
      return uncertified(node, fmt::format("output_padding {} is not smaller than stride or dilation", extra[i]));
  return {};
}

}  // namespace axiom::ops
