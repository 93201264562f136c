// Lowering of a graph to the core program (spec/operators.md sections 1 to 4).
//
// The context decides what the specification decides once for all operators: which tensors are constant, when a
// constant becomes elements, and which sums stay pending. The rows of each operator are in ops/.
#include "graph/lowering.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>
#include <queue>

#include "graph/message.h"
#include "graph/operator.h"

namespace axiom {
namespace {

constexpr size_t kConstantsPerRow = 4;
constexpr size_t kRankCap = 16;
constexpr double kGammaCap = 8388608.0;  // 2^23

bool is_sum(const Node& node) { return node.op_type == "Add" || node.op_type == "Sub"; }

// The order of the specification: repeatedly the node with the lowest file index all of whose inputs are available.
std::vector<const Node*> visiting_order(const Graph& graph) {
  std::vector<std::vector<const Node*>> consumers(graph.values.size());
  std::vector<int> missing(graph.nodes.size(), 0);
  const auto position = [&](const Node* node) { return static_cast<size_t>(node - graph.nodes.data()); };
  const auto later = [&](const Node* a, const Node* b) {
    return a->index != b->index ? a->index > b->index : position(a) > position(b);
  };
  std::priority_queue<const Node*, std::vector<const Node*>, decltype(later)> ready(later);

  std::vector<bool> computed(graph.values.size(), false);
  for (const Node& node : graph.nodes)
    for (const ValueId out : node.outputs)
      if (out != kNoValue) computed[out] = true;
  for (const Node& node : graph.nodes) {
    for (const ValueId in : node.inputs) {
      if (in == kNoValue || !computed[in]) continue;
      consumers[in].push_back(&node);
      ++missing[position(&node)];
    }
    if (missing[position(&node)] == 0) ready.push(&node);
  }

  std::vector<const Node*> order;
  while (!ready.empty()) {
    const Node* node = ready.top();
    ready.pop();
    order.push_back(node);
    for (const ValueId out : node->outputs) {
      if (out == kNoValue) continue;
      for (const Node* consumer : consumers[out])
        if (--missing[position(consumer)] == 0) ready.push(consumer);
    }
  }
  AXIOM_CHECK(order.size() == graph.nodes.size());
  return order;
}

// One row's constant part: bias, magnitude, k and c0 of section 3.
void finish_row(const SumRows& sum, size_t row, CoreOp& op) {
  double bias = 0, magnitude = 0;
  for (size_t j = 0; j < sum.constants.size(); ++j) {
    const double b = sum.constants[j][row];
    bias = j == 0 ? b : bias + b;
    magnitude = j == 0 ? std::fabs(b) : magnitude + std::fabs(b);
  }
  const auto terms = static_cast<double>(sum.terms.begin[row + 1] - sum.terms.begin[row]);
  const double n = terms - sum.addends;
  const double m = static_cast<double>(sum.addends + sum.constants.size());
  const double scaled = sum.scaled ? 2 : 0;
  op.bias.push_back(bias);
  op.magnitude.push_back(magnitude);
  op.gamma.push_back(n + m + 1 + scaled);
  op.underflow.push_back(2 * n + 2 * m + 1 + scaled);
}

Result<CoreOp> affine_of(const Node& node, SumRows sum) {
  if (sum.constants.size() > kConstantsPerRow)
    return uncertified(node, fmt::format("{} constants are added in one sum, at most {} are covered; add some of them "
                                         "up in the model",
                                         sum.constants.size(), kConstantsPerRow));
  CoreOp op{.kind = CoreKind::kAffine};
  const size_t rows = sum.terms.rows();
  op.count = static_cast<uint32_t>(rows);
  op.factor = sum.factor;
  for (auto* list : {&op.bias, &op.magnitude, &op.gamma, &op.underflow}) list->reserve(rows);
  for (size_t row = 0; row < rows; ++row) {
    finish_row(sum, row, op);
    if (op.gamma.back() > kGammaCap)
      return uncertified(node, fmt::format("row {} sums {} numbers, at most 2^23 are covered", row, op.gamma.back()));
  }
  op.rows = std::move(sum.terms);
  if (sum.constants.size() > 1) op.constants = std::move(sum.constants);
  return op;
}

// A view as rows: one addend of weight 1 each.
SumRows rows_of_view(const Shape& shape, const std::vector<ElementId>& elements) {
  SumRows sum{.shape = shape, .terms = {}, .addends = 1, .constants = {}};
  sum.terms.column = elements;
  sum.terms.weight.assign(elements.size(), 1.0);
  sum.terms.begin.resize(elements.size() + 1);
  std::iota(sum.terms.begin.begin(), sum.terms.begin.end(), uint64_t{0});
  return sum;
}

}  // namespace

Status RowBuilder::end_row(const Node& node) {
  rows_.begin.push_back(rows_.column.size());
  if (rows_.column.size() <= limits_.terms) return {};
  return too_large(node, fmt::format("its sums have more than {} terms together", limits_.terms));
}

Status require_finite(const Node& node, const Tensor& tensor, const std::string& what) {
  if (tensor.dtype() != DType::kFloat32)
    return uncertified(node, fmt::format("{} has dtype {}, must be float32", what, dtype_name(tensor.dtype())));
  const auto values = tensor.data<float>();
  for (size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i])) return uncertified(node, fmt::format("entry {} of {} is {}", i, what, values[i]));
  return {};
}

LoweringContext::LoweringContext(const Graph& graph, const LoweringLimits& limits)
    : graph_(graph),
      limits_(limits),
      states_(graph.values.size()),
      uses_(graph.values.size(), 0),
      is_summand_(graph.values.size(), false),
      is_output_(graph.values.size(), false) {
  std::vector<bool> computed(graph.values.size(), false);
  for (const Node& node : graph.nodes) {
    for (const ValueId in : node.inputs) {
      if (in == kNoValue) continue;
      ++uses_[in];
      if (is_sum(node)) is_summand_[in] = true;
    }
    for (const ValueId out : node.outputs)
      if (out != kNoValue) computed[out] = true;
  }
  for (const ValueId out : graph.outputs) is_output_[out] = true;
  for (size_t i = 0; i < states_.size(); ++i)
    if (graph.values[i].constant && !computed[i]) states_[i] = Constant{};
}

const Tensor* LoweringContext::constant(ValueId value) const {
  return std::holds_alternative<Constant>(states_[value]) ? &*graph_.values[value].constant : nullptr;
}

bool LoweringContext::is_view(ValueId value) const {
  return std::holds_alternative<View>(states_[value]) || std::holds_alternative<SumRows>(states_[value]);
}

Result<std::vector<ElementId>> LoweringContext::elements(const Node& node, ValueId value) {
  if (const Tensor* tensor = constant(value)) return emit_constant(node, *tensor);
  if (const View* view = std::get_if<View>(&states_[value])) return *view;
  // Rows stay pending only for Add and Sub, which take them with `summand`.
  AXIOM_CHECK(!std::holds_alternative<SumRows>(states_[value]));
  return uncertified(node, fmt::format("its input '{}' has no certified meaning", graph_.values[value].name));
}

Result<std::vector<ElementId>> LoweringContext::varying(const Node& node, ValueId value) {
  if (constant(value)) return uncertified(node, "all its operands are constant; fold them when the model is exported");
  return elements(node, value);
}

Result<SumRows> LoweringContext::summand(const Node& node, ValueId value) {
  const Shape& shape = type(value).shape;
  if (auto* pending = std::get_if<SumRows>(&states_[value])) {
    SumRows rows = std::move(*pending);
    states_[value] = Undefined{};
    return rows;
  }
  if (const Tensor* tensor = constant(value)) {
    if (auto finite = require_finite(node, *tensor, "a constant operand"); !finite) return finite.error();
    const auto values = tensor->data<float>();
    SumRows rows{.shape = shape, .terms = {}, .addends = 0, .constants = {{values.begin(), values.end()}}};
    rows.terms.begin.assign(values.size() + 1, 0);
    return rows;
  }
  auto view = elements(node, value);
  if (!view) return view.error();
  return rows_of_view(shape, *view);
}

void LoweringContext::define_view(const Node& node, std::vector<ElementId> elements) {
  states_[node.outputs[0]] = std::move(elements);
}

Status LoweringContext::define_constant(const Node& node) {
  if (!graph_.values[node.outputs[0]].constant) return uncertified(node, "its result is not exact in float32");
  states_[node.outputs[0]] = Constant{};
  return {};
}

bool LoweringContext::stays_pending(const Node& node) const {
  const ValueId out = node.outputs[0];
  return uses_[out] == 1 && is_summand_[out] && !is_output_[out];
}

Status LoweringContext::define_sum(const Node& node, SumRows rows) {
  AXIOM_CHECK(rows.terms.rows() == static_cast<size_t>(*element_count(rows.shape)));
  if (!rows.scaled && stays_pending(node)) {
    states_[node.outputs[0]] = std::move(rows);
    return {};
  }
  auto op = affine_of(node, std::move(rows));
  if (!op) return op.error();
  return define_elements(node, std::move(*op));
}

Result<std::vector<ElementId>> LoweringContext::emit(const Node& node, CoreOp op) {
  op.name = node.name;
  const uint32_t count = op.count;
  auto first = append(node, std::move(op));
  if (!first) return first.error();
  View view(count);
  std::iota(view.begin(), view.end(), *first);
  return view;
}

Status LoweringContext::define_elements(const Node& node, CoreOp op) {
  auto view = emit(node, std::move(op));
  if (!view) return view.error();
  define_view(node, std::move(*view));
  return {};
}

Result<ElementId> LoweringContext::append(const Node& node, CoreOp op) {
  if (uint64_t{program_.element_count} + op.count > limits_.elements)
    return too_large(node, fmt::format("the network has more than {} elements", limits_.elements));
  op.first = program_.element_count;
  program_.element_count += op.count;
  program_.ops.push_back(std::move(op));
  return program_.ops.back().first;
}

Result<std::vector<ElementId>> LoweringContext::emit_constant(const Node& node, const Tensor& tensor) {
  if (auto finite = require_finite(node, tensor, "a constant that is used like an input"); !finite)
    return finite.error();
  const auto values = tensor.data<float>();
  CoreOp op{.kind = CoreKind::kConstant};
  op.count = static_cast<uint32_t>(values.size());
  op.name = node.name;
  op.constant.assign(values.begin(), values.end());
  auto first = append(node, std::move(op));
  if (!first) return first.error();
  View view(values.size());
  std::iota(view.begin(), view.end(), *first);
  return view;
}

Status LoweringContext::lower_inputs() {
  CoreOp op{.kind = CoreKind::kInput};
  op.name = "input";
  uint64_t next = 0;
  for (const ValueId input : graph_.inputs) {
    if (type(input).dtype != DType::kFloat32)
      return not_certifiable(
          fmt::format("no certified meaning: input '{}' has dtype {}; claims are about float32 inputs",
                      graph_.values[input].name, dtype_name(type(input).dtype)));
    auto count = element_count(type(input).shape);
    if (!count) return count.error();
    if (next + static_cast<uint64_t>(*count) > limits_.elements)
      return resource_error(fmt::format("the inputs have more than {} elements", limits_.elements));
    View view(static_cast<size_t>(*count));
    std::iota(view.begin(), view.end(), static_cast<ElementId>(next));
    next += view.size();
    states_[input] = std::move(view);
  }
  op.count = static_cast<uint32_t>(next);
  program_.input_count = program_.element_count = op.count;
  program_.ops.push_back(std::move(op));
  return {};
}

Status LoweringContext::lower_outputs() {
  for (const ValueId output : graph_.outputs) {
    const std::string& name = graph_.values[output].name;
    View view;
    if (const Tensor* tensor = constant(output)) {
      const Node place{.op_type = "output", .name = name, .index = static_cast<int>(graph_.nodes.size())};
      auto emitted = emit_constant(place, *tensor);
      if (!emitted) return emitted.error();
      view = std::move(*emitted);
    } else if (const View* known = std::get_if<View>(&states_[output])) {
      view = *known;
    } else {
      return not_certifiable(fmt::format("no certified meaning: output '{}'", name));
    }
    program_.outputs.insert(program_.outputs.end(), view.begin(), view.end());
  }
  return {};
}

Status LoweringContext::check_ranks(const Node& node) const {
  for (const auto* list : {&node.inputs, &node.outputs})
    for (const ValueId value : *list)
      if (value != kNoValue && type(value).shape.size() > kRankCap)
        return uncertified(node, fmt::format("'{}' has rank {}, at most {} is covered", graph_.values[value].name,
                                             type(value).shape.size(), kRankCap));
  return {};
}

Result<Program> lower_to_program(const Graph& graph, const LoweringLimits& limits) {
  LoweringContext context(graph, limits);
  if (auto done = context.lower_inputs(); !done) return done.error();
  for (const Node* node : visiting_order(graph)) {
    if (auto ranks = context.check_ranks(*node); !ranks) return ranks.error();
    if (auto done = node->op->lower(*node, context); !done) return done.error();
  }
  if (auto done = context.lower_outputs(); !done) return done.error();
  return std::move(context.program_);
}

}  // namespace axiom
