// What every operator asks of its node before it looks at numbers: arity, attributes, dtypes.
//
// Refusals name the node, the numbers and the remedy. An attribute that is not listed is refused, because ignoring it
// could change the answer.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "graph/message.h"
#include "graph/operator.h"

namespace axiom::ops {

/// Position of the type in `Attribute`.
enum class Kind { kInt = 0, kFloat = 1, kString = 2, kTensor = 3, kInts = 4, kFloats = 5 };

/// Inputs 0 .. required-1 are present, there are at most `most` inputs and `outputs` outputs, and output 0 has a name.
Status check_arity(const InferContext& context, size_t required, size_t most, size_t outputs = 1);

/// Every attribute of the node is one of these, with this kind.
Status check_attributes(const Node& node, std::initializer_list<std::pair<std::string_view, Kind>> known);

/// The present inputs among `which` have one and the same dtype, one of `allowed`.
Status check_dtypes(const InferContext& context, std::initializer_list<size_t> which,
                    std::initializer_list<DType> allowed);

/// float32 or float64, the same for all of `which`.
Status check_float(const InferContext& context, std::initializer_list<size_t> which);

/// The value of an attribute that check_attributes has passed, or the fallback.
template <typename T>
T attribute(const Node& node, const std::string& name, T fallback) {
  const auto found = node.attributes.find(name);
  if (found == node.attributes.end()) return fallback;
  const T* value = std::get_if<T>(&found->second);
  AXIOM_CHECK(value != nullptr);
  return *value;
}

inline bool has_attribute(const Node& node, const std::string& name) { return node.attributes.count(name) > 0; }

/// The type of input i; nullptr when it is omitted.
const TensorType* input_type(const InferContext& context, size_t i);
/// The constant value of input i; nullptr when it is omitted or not constant.
const Tensor* input_constant(const InferContext& context, size_t i);
/// Input i at evaluation; nullptr when it is omitted.
inline const Tensor* input(std::span<const Tensor* const> inputs, size_t i) {
  return i < inputs.size() ? inputs[i] : nullptr;
}
/// Whether input i of the node is present.
inline bool has_input(const Node& node, size_t i) { return i < node.inputs.size() && node.inputs[i] != kNoValue; }

/// Axis in 0 .. rank-1 from one that may count from the end.
Result<int64_t> normal_axis(const Node& node, int64_t axis, int64_t rank);

/// The entries of an int64 or int32 tensor.
std::vector<int64_t> integers_of(const Tensor& tensor);

}  // namespace axiom::ops
