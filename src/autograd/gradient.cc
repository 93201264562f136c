// Reverse mode: a forward run on the host that keeps every value, then one backward step per node in reverse order,
// through those nodes only that lie between an input and a seeded output.
#include "autograd/gradient.h"

#include <fmt/format.h>

#include "graph/message.h"
#include "graph/operator.h"
#include "runtime/executor.h"

namespace axiom {
namespace {

bool is_empty(const Tensor& tensor) { return tensor.bytes() == nullptr; }

template <typename T>
void add(Tensor& sum, const Tensor& term) {
  const auto to = sum.mutable_data<T>();
  const auto from = term.data<T>();
  for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

void accumulate(Tensor& sum, const Tensor& term) {
  if (is_empty(term)) return;
  if (is_empty(sum)) {
    sum = term;
    return;
  }
  if (sum.dtype() == DType::kFloat32)
    add<float>(sum, term);
  else
    add<double>(sum, term);
}

class Tape {
 public:
  explicit Tape(const Graph& graph)
      : graph_(graph), values_(graph.values.size()), active_(graph.values.size()), gradients_(graph.values.size()) {}

  Status forward(std::span<const Tensor> inputs);
  Status seed(std::span<const Tensor> output_seed);
  Status backward();
  Gradient result() const;

 private:
  std::vector<const Tensor*> operands(const Node& node) const;
  Status step_back(const Node& node);

  const Graph& graph_;
  std::vector<Tensor> values_;
  std::vector<bool> active_;  // the value depends on an input
  std::vector<Tensor> gradients_;
};

std::vector<const Tensor*> Tape::operands(const Node& node) const {
  std::vector<const Tensor*> tensors;
  for (const ValueId in : node.inputs) tensors.push_back(in == kNoValue ? nullptr : &values_[in]);
  return tensors;
}

Status Tape::forward(std::span<const Tensor> inputs) {
  if (auto done = check_inputs(graph_, inputs); !done) return done;
  for (size_t i = 0; i < values_.size(); ++i)
    if (graph_.values[i].constant) values_[i] = *graph_.values[i].constant;
  for (size_t i = 0; i < inputs.size(); ++i) {
    values_[graph_.inputs[i]] = inputs[i];
    active_[graph_.inputs[i]] = true;
  }
  for (const Node& node : graph_.nodes) {
    std::vector<TensorType> types;
    bool folded = true;
    for (const ValueId out : node.outputs) {
      types.push_back(out == kNoValue ? TensorType{} : *graph_.values[out].type);
      folded = folded && (out == kNoValue || graph_.values[out].constant);
    }
    if (folded) continue;
    while (!node.outputs.empty() && types.size() > 1 && node.outputs[types.size() - 1] == kNoValue) types.pop_back();
    auto results = node.op->eval(node, operands(node), types);
    if (!results) return results.error();
    bool active = false;
    for (const ValueId in : node.inputs) active = active || (in != kNoValue && active_[in]);
    for (size_t i = 0; i < types.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      values_[node.outputs[i]] = std::move((*results)[i]);
      active_[node.outputs[i]] = active;
    }
  }
  return {};
}

Status Tape::seed(std::span<const Tensor> output_seed) {
  if (output_seed.size() != graph_.outputs.size())
    return invalid_input(fmt::format("gradient: the model has {} outputs, {} seeds were given", graph_.outputs.size(),
                                     output_seed.size()));
  for (size_t i = 0; i < output_seed.size(); ++i) {
    if (is_empty(output_seed[i])) continue;
    const Tensor& output = values_[graph_.outputs[i]];
    if (output_seed[i].shape() != output.shape() || output_seed[i].dtype() != output.dtype())
      return invalid_input(fmt::format("gradient: seed {} has dtype {} and shape {}, the output {} and {}", i,
                                       dtype_name(output_seed[i].dtype()), to_string(output_seed[i].shape()),
                                       dtype_name(output.dtype()), to_string(output.shape())));
    accumulate(gradients_[graph_.outputs[i]], output_seed[i]);
  }
  return {};
}

Status Tape::step_back(const Node& node) {
  std::vector<Tensor> outputs, output_gradients;
  bool reached = false;
  for (const ValueId out : node.outputs) {
    outputs.push_back(out == kNoValue ? Tensor() : values_[out]);
    output_gradients.push_back(out == kNoValue ? Tensor() : gradients_[out]);
    reached = reached || !is_empty(output_gradients.back());
  }
  if (!reached) return {};
  if (is_empty(output_gradients[0])) return rejected(node, "only the gradient of its first output is known");
  GradientContext context{
      .node = node, .inputs = {}, .outputs = outputs, .output_gradients = output_gradients, .wanted = {}};
  const std::vector<const Tensor*> inputs = operands(node);
  context.inputs = inputs;
  bool wanted = false;
  for (const ValueId in : node.inputs) {
    context.wanted.push_back(in != kNoValue && active_[in]);
    wanted = wanted || context.wanted.back();
  }
  if (!wanted) return {};
  auto terms = node.op->gradient(context);
  if (!terms) return terms.error();
  for (size_t i = 0; i < node.inputs.size(); ++i)
    if (context.wanted[i]) accumulate(gradients_[node.inputs[i]], (*terms)[i]);
  return {};
}

Status Tape::backward() {
  for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node)
    if (auto done = step_back(*node); !done) return done;
  return {};
}

Gradient Tape::result() const {
  Gradient result;
  for (const ValueId out : graph_.outputs) result.outputs.push_back(values_[out]);
  for (const ValueId in : graph_.inputs) {
    const TensorType& type = *graph_.values[in].type;
    result.inputs.push_back(is_empty(gradients_[in]) ? Tensor(type.dtype, type.shape) : gradients_[in]);
  }
  return result;
}

}  // namespace

Result<Gradient> gradient(const Graph& graph, std::span<const Tensor> inputs, std::span<const Tensor> output_seed) {
  Tape tape(graph);
  if (auto done = tape.forward(inputs); !done) return done.error();
  if (auto done = tape.seed(output_seed); !done) return done.error();
  if (auto done = tape.backward(); !done) return done.error();
  return tape.result();
}

}  // namespace axiom
