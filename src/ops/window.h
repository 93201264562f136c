// Sliding windows along one axis: convolutions and pooling share this geometry.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"

namespace axiom::ops {

/// Kernel entry k of output o reads input o * stride + k * dilation - pad_begin.
struct Axis {
  int64_t in = 1, out = 1;
  int64_t kernel = 1, stride = 1, dilation = 1;
  int64_t pad_begin = 0, pad_end = 0;

  int64_t position(int64_t o, int64_t k) const { return o * stride + k * dilation - pad_begin; }
  bool inside(int64_t i) const { return i >= 0 && i < in; }
  /// The outputs first .. last (exclusive) whose kernel entry k reads inside the input.
  std::pair<int64_t, int64_t> outputs_of(int64_t k) const;
  /// The kernel entries first .. last (exclusive) of output o that read inside the input.
  std::pair<int64_t, int64_t> entries_of(int64_t o) const;
};

using Window = std::array<Axis, 2>;  ///< rows, columns

/// The window of a Conv or pooling node over an input of these two extents, from the attributes strides, dilations,
/// pads, auto_pad and (pooling) ceil_mode, with output extents. Errors name the node.
Result<Window> sliding_window(const Node& node, std::array<int64_t, 2> in, std::array<int64_t, 2> kernel);

/// The same for ConvTranspose, where `small` is the extent of its input: `in` of the axes is the output of the node.
Result<Window> transposed_window(const Node& node, std::array<int64_t, 2> small, std::array<int64_t, 2> kernel);

/// The attribute kernel_shape as two extents; an error when it is missing or of another rank.
Result<std::array<int64_t, 2>> kernel_shape(const Node& node);

/// An error unless the padding is one that spec/operators.md covers: explicit, or VALID without pads, and an
/// output_padding (ConvTranspose) smaller than stride or dilation.
Status check_certified_padding(const Node& node);

}  // namespace axiom::ops
