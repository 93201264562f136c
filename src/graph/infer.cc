// One walk in topological order: types first, then, where all that matters is constant, the value.
#include "graph/infer.h"

#include <fmt/format.h>

#include "graph/message.h"
#include "graph/operator.h"

namespace axiom {
namespace {

// Folded results live as long as the graph; a chain of Concat must not fill the memory.
constexpr size_t kFoldedBytesCap = size_t{1} << 30;

// Four times the largest tensor of any public benchmark.
constexpr int64_t kElementCap = int64_t{1} << 28;

Result<InferContext> context_of(const Graph& graph, const Node& node) {
  InferContext context{.node = node, .types = {}, .constants = {}};
  for (const ValueId id : node.inputs) {
    if (id == kNoValue) {
      context.types.push_back(nullptr);
      context.constants.push_back(nullptr);
      continue;
    }
    const Value& value = graph.values[id];
    if (!value.type) return rejected(node, fmt::format("the type of its input '{}' is not known", value.name));
    context.types.push_back(&*value.type);
    context.constants.push_back(value.constant ? &*value.constant : nullptr);
  }
  return context;
}

Status set_types(Graph& graph, const Node& node, std::vector<TensorType> types) {
  if (node.outputs.size() > types.size())
    return rejected(node, fmt::format("has {} outputs, at most {} are supported", node.outputs.size(), types.size()));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (auto count = element_count(types[i].shape, kElementCap); !count)
      return rejected(
          node, fmt::format("output {} would have shape {}: {}", i, to_string(types[i].shape), count.error().message));
    if (node.outputs[i] != kNoValue) graph.values[node.outputs[i]].type = std::move(types[i]);
  }
  return {};
}

// An operator that folds although an input has no value (Shape) only looks at that input's type.
std::vector<Tensor> stand_ins(const InferContext& context) {
  std::vector<Tensor> tensors(context.types.size());
  for (size_t i = 0; i < tensors.size(); ++i)
    if (context.types[i] && !context.constants[i])
      tensors[i] = Tensor(context.types[i]->dtype, context.types[i]->shape);
  return tensors;
}

Status fold(Graph& graph, const Node& node, const InferContext& context, std::span<const TensorType> types,
            size_t& folded_bytes) {
  for (const TensorType& type : types)
    folded_bytes += static_cast<size_t>(*element_count(type.shape)) * dtype_size(type.dtype);
  if (folded_bytes > kFoldedBytesCap)
    return too_large(node, fmt::format("constants that follow from constants exceed {} MiB", kFoldedBytesCap >> 20));
  const std::vector<Tensor> placeholders = stand_ins(context);
  std::vector<const Tensor*> inputs = context.constants;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (context.types[i] && !inputs[i]) inputs[i] = &placeholders[i];
  auto outputs = node.op->eval(node, inputs, types);
  if (!outputs) return outputs.error();
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != kNoValue) graph.values[node.outputs[i]].constant = std::move((*outputs)[i]);
  }
  return {};
}

}  // namespace

Status infer_shapes(Graph& graph) {
  for (Value& value : graph.values)
    if (value.constant && !value.type) value.type = TensorType{value.constant->dtype(), value.constant->shape()};
  size_t folded_bytes = 0;
  for (const Node& node : graph.nodes) {
    AXIOM_CHECK(node.op != nullptr);
    auto context = context_of(graph, node);
    if (!context) return context.error();
    auto types = node.op->infer(*context);
    if (!types) return types.error();
    if (auto done = set_types(graph, node, *types); !done) return done;
    if (!node.op->folds_exactly(node, context->constants)) continue;
    if (auto done = fold(graph, node, *context, *types, folded_bytes); !done) return done;
  }
  return {};
}

}  // namespace axiom
