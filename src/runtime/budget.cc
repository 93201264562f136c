// The budget of a node is read off its own lowering: a graph of that node alone is lowered and evaluated at the inputs.
// So there is one error formula, and a lowering that is wrong shows up in every comparison of machines.
#include "runtime/budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/lowering.h"
#include "graph/message.h"
#include "graph/operator.h"
#include "runtime/core_evaluation.h"

namespace axiom {
namespace {

// The graph of one node: what varies becomes an input, operand by operand.
struct Alone {
  Graph graph;
  std::vector<size_t> varying;  // operands that became inputs, in order
};

ValueId add_value(Graph& graph, Value value) {
  graph.values.push_back(std::move(value));
  return static_cast<ValueId>(graph.values.size() - 1);
}

Alone isolate(const Graph& graph, const Node& node) {
  Alone alone;
  Node copy = node;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] == kNoValue) continue;
    copy.inputs[i] = add_value(alone.graph, graph.values[node.inputs[i]]);
    if (graph.values[node.inputs[i]].constant) continue;
    alone.graph.inputs.push_back(copy.inputs[i]);
    alone.varying.push_back(i);
  }
  for (ValueId& out : copy.outputs)
    if (out != kNoValue) out = add_value(alone.graph, graph.values[out]);
  alone.graph.outputs = {copy.outputs[0]};
  alone.graph.nodes.push_back(std::move(copy));
  return alone;
}

template <typename T>
void append(const Tensor& tensor, std::vector<double>& numbers) {
  numbers.insert(numbers.end(), tensor.data<T>().begin(), tensor.data<T>().end());
}

// The entries of a float32 or float64 tensor; nothing for other dtypes, which are compared bit by bit.
std::optional<std::vector<double>> numbers_of(const Tensor& tensor) {
  std::vector<double> numbers;
  if (tensor.dtype() == DType::kFloat32)
    append<float>(tensor, numbers);
  else if (tensor.dtype() == DType::kFloat64)
    append<double>(tensor, numbers);
  else
    return std::nullopt;
  return numbers;
}

// How far apart two numbers are, in units of what is allowed.
double excess(double ours, double theirs, double allowed) {
  if (ours == theirs || (std::isnan(ours) && std::isnan(theirs))) return 0;
  const double distance = std::fabs(ours - theirs);
  if (!std::isfinite(distance) || !(allowed > 0)) return std::numeric_limits<double>::infinity();
  return distance / allowed;
}

// Without a sharp certified meaning there is no theorem to compare with, only a habit.
std::vector<double> customary(const std::vector<double>& ours) {
  std::vector<double> allowed;
  for (const double y : ours) allowed.push_back(1e-4 * std::fabs(y) + 1e-6);
  return allowed;
}

// The budget of one node for any number of inputs; lowered once.
class Budget {
 public:
  Budget(const Graph& graph, const Node& node)
      : alone_(isolate(graph, node)), program_(lower_to_program(alone_.graph)) {}

  const Result<Program>& program() const { return program_; }
  // False where the relation says too little to compare with: that of softmax admits every distribution.
  bool is_sharp() const {
    return program_ && std::none_of(program_->ops.begin(), program_->ops.end(),
                                    [](const CoreOp& op) { return op.kind == CoreKind::kSoftmax; });
  }

  std::vector<double> at(std::span<const Tensor* const> inputs) const {
    std::vector<double> point, budget;
    for (const size_t i : alone_.varying) append<float>(*inputs[i], point);
    const CoreEvaluation evaluation = evaluate(*program_, point);
    for (const ElementId element : program_->outputs) budget.push_back(evaluation.error[element]);
    return budget;
  }

 private:
  Alone alone_;
  Result<Program> program_;
};

// A value as the other machine had it.
Result<const Tensor*> recorded_value(const Graph& graph, ValueId id, const Recording& recorded) {
  const Value& value = graph.values[id];
  if (value.constant) return &*value.constant;
  const auto found = recorded.find(value.name);
  if (found == recorded.end()) return invalid_input(fmt::format("value '{}' is not recorded", value.name));
  if (found->second.dtype() != value.type->dtype || found->second.shape() != value.type->shape)
    return invalid_input(fmt::format("recorded value '{}' has dtype {} and shape {}, the graph {} and {}", value.name,
                                     dtype_name(found->second.dtype()), to_string(found->second.shape()),
                                     dtype_name(value.type->dtype), to_string(value.type->shape)));
  return &found->second;
}

// Folds one recording into the comparison of a node.
class NodeComparer {
 public:
  NodeComparer(const Graph& graph, const Node& node) : graph_(graph), node_(node), budget_(graph, node) {
    comparison_.node = &node;
    comparison_.budgeted = budget_.is_sharp();
  }

  Status compare(const Recording& recorded, size_t number);
  const NodeComparison& comparison() const { return comparison_; }
  Status lowering() const {
    if (budget_.program() || budget_.program().error().kind == ErrorKind::kNotCertifiable) return {};
    return budget_.program().error();
  }

 private:
  Result<std::vector<const Tensor*>> operands(const Recording& recorded) const;
  void keep_worst(const std::vector<double>& ours, const std::vector<double>& theirs, const std::vector<double>& budget,
                  size_t number);

  const Graph& graph_;
  const Node& node_;
  Budget budget_;
  NodeComparison comparison_;
};

Result<std::vector<const Tensor*>> NodeComparer::operands(const Recording& recorded) const {
  std::vector<const Tensor*> inputs;
  for (const ValueId id : node_.inputs) {
    if (id == kNoValue) {
      inputs.push_back(nullptr);
      continue;
    }
    auto tensor = recorded_value(graph_, id, recorded);
    if (!tensor) return tensor.error();
    inputs.push_back(*tensor);
  }
  return inputs;
}

Status NodeComparer::compare(const Recording& recorded, size_t number) {
  const auto theirs = recorded.find(graph_.values[node_.outputs[0]].name);
  if (theirs == recorded.end()) return {};
  auto inputs = operands(recorded);
  if (!inputs) return inputs.error();
  std::vector<TensorType> types;
  for (const ValueId out : node_.outputs)
    if (out != kNoValue) types.push_back(*graph_.values[out].type);
  auto results = node_.op->eval(node_, *inputs, types);
  if (!results) return results.error();
  const Tensor &result = (*results)[0], &recorded_result = theirs->second;
  if (result.dtype() != recorded_result.dtype() || result.shape() != recorded_result.shape())
    return rejected(node_, fmt::format("the recorded output has dtype {} and shape {}, ours {} and {}",
                                       dtype_name(recorded_result.dtype()), to_string(recorded_result.shape()),
                                       dtype_name(result.dtype()), to_string(result.shape())));
  const auto our_numbers = numbers_of(result), their_numbers = numbers_of(recorded_result);
  if (our_numbers) {
    keep_worst(*our_numbers, *their_numbers, comparison_.budgeted ? budget_.at(*inputs) : customary(*our_numbers),
               number);
  } else if (!std::equal(result.bytes(), result.bytes() + result.byte_size(), recorded_result.bytes())) {
    comparison_.worst = std::numeric_limits<double>::infinity();
    comparison_.recording = number;
  }
  return {};
}

void NodeComparer::keep_worst(const std::vector<double>& ours, const std::vector<double>& theirs,
                              const std::vector<double>& budget, size_t number) {
  for (size_t i = 0; i < ours.size(); ++i) {
    const double allowed = 2 * budget[i], worst = excess(ours[i], theirs[i], allowed);
    if (worst <= comparison_.worst) continue;
    comparison_.worst = worst;
    comparison_.recording = number;
    comparison_.entry = static_cast<int64_t>(i);
    comparison_.ours = ours[i];
    comparison_.theirs = theirs[i];
    comparison_.allowed = allowed;
  }
}

}  // namespace

Result<std::vector<double>> error_budget(const Graph& graph, const Node& node, std::span<const Tensor* const> inputs) {
  const Budget budget(graph, node);
  if (!budget.program()) return budget.program().error();
  return budget.at(inputs);
}

Result<std::vector<NodeComparison>> compare_nodes(const Graph& graph, std::span<const Recording> recordings) {
  std::vector<NodeComparison> comparisons;
  for (const Node& node : graph.nodes) {
    const Value& output = graph.values[node.outputs[0]];
    const bool recorded = std::any_of(recordings.begin(), recordings.end(),
                                      [&](const Recording& recording) { return recording.contains(output.name); });
    if (output.constant || !recorded) continue;
    NodeComparer comparer(graph, node);
    if (auto done = comparer.lowering(); !done) return done.error();
    for (size_t i = 0; i < recordings.size(); ++i)
      if (auto done = comparer.compare(recordings[i], i); !done) return done.error();
    comparisons.push_back(comparer.comparison());
  }
  return comparisons;
}

}  // namespace axiom
