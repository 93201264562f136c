// Data movement: every output entry is one entry of a data input, and nothing is computed.
//
// An operator is therefore its shape rule and its index map (nothing when entries keep their order). Evaluation gathers
// with the map, the gradient scatters with it, lowering permutes element ids with it. The data inputs count as one
// list, one after the other.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/operator.h"

namespace axiom::ops {

using Types = Result<std::vector<TensorType>>;
using IndexMap = Result<std::vector<int64_t>>;

/// What an index map may depend on. `inputs` has a tensor for every input that is not data (shapes, axes, indices).
struct MapContext {
  const Node& node;
  const std::vector<Shape>& data;
  std::span<const Tensor* const> inputs;
  const Shape& out;
};

struct MovementRule {
  std::string_view name;
  Types (*infer)(const InferContext&);
  IndexMap (*map)(const MapContext&) = nullptr;  ///< nullptr: entries keep their order.
  bool joins = false;                            ///< All inputs are data, not only the first.
  bool folds_by_indices = false;                 ///< Input 1 may vary; the result is constant only if it does not.
  bool certified = true;                         ///< Listed in spec/operators.md section 2.
};

std::unique_ptr<const Operator> movement(const MovementRule& rule);

/// The integers of input i, which must be constant, or those of the attribute; nothing when both are absent. They moved
/// from attributes to inputs with the operator sets.
Result<std::optional<std::vector<int64_t>>> integers(const InferContext& context, size_t i, const std::string& name);

/// Axes in 0 .. rank-1, increasing, without repetition.
Result<std::vector<int64_t>> normal_axes(const Node& node, std::vector<int64_t> axes, int64_t rank);

inline bool is_integer(DType dtype) { return dtype == DType::kInt64 || dtype == DType::kInt32; }

/// The type of input 0 with another shape.
TensorType reshaped(const InferContext& context, Shape shape);

}  // namespace axiom::ops
