// The driver of the lowering: the order of nodes, which sum nodes stay pending,
// and how an operator enters the program. The operators themselves are in
// lower_movement.cc, lower_sums.cc, lower_others.cc and lower_steps.cc, one function each.
#include "lower.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <queue>
#include <unordered_set>

#include "error.h"
#include "lowering.h"

namespace checker {

const char* name(Kind kind) {
  constexpr const char* kNames[] = {"input",      "constant", "affine",  "relu",    "leaky_relu",
                                    "sigmoid",    "tanh",     "maxpool", "softmax", "exp",
                                    "reciprocal", "sqrt",     "sin",     "cos",     "product"};
  return kNames[int(kind)];
}

bool is_integer(int type) {
  return type == dtype::kInt8 || type == dtype::kInt16 || type == dtype::kInt32 || type == dtype::kInt64 ||
         type == dtype::kUint8 || type == dtype::kUint16 || type == dtype::kUint32 || type == dtype::kUint64;
}

int64_t Tensor::integer_at(uint64_t i) const {
  const size_t size = dtype::size(type);
  uint64_t bits = 0;
  std::memcpy(&bits, values.data.data() + i * size, size);
  const bool is_signed = type == dtype::kInt8 || type == dtype::kInt16 || type == dtype::kInt32;
  const int unused = int(64 - 8 * size);
  return is_signed ? int64_t(bits << unused) >> unused : int64_t(bits);
}

// ---- Calls

void Call::fail(const std::string& why) const { throw Malformed(node.place + ": no certified meaning: " + why); }

Tensor& Call::operator[](size_t i) const {
  if (!has(i)) fail(text("input ", i, " is missing"));
  return *inputs[i];
}

const Tensor& Call::float_constant(size_t i) const {
  const Tensor& tensor = (*this)[i];
  if (!tensor.is_constant() || tensor.type != dtype::kFloat) fail(text("input ", i, " is not a float32 constant"));
  const uint64_t count = tensor.entries();
  for (uint64_t at = 0; at < count; ++at) {
    if (!std::isfinite(tensor.float_at(at))) fail(text("input ", i, " has an entry that is not finite"));
  }
  return tensor;
}

std::vector<int64_t> Call::integer_list(size_t i) const {
  const Tensor& tensor = (*this)[i];
  const bool fits = tensor.is_constant() && (tensor.type == dtype::kInt64 || tensor.type == dtype::kInt32);
  if (!fits || tensor.shape.size() > 1) fail(text("input ", i, " is not a constant list of integers"));
  std::vector<int64_t> list(tensor.entries());
  for (size_t at = 0; at < list.size(); ++at) list[at] = tensor.integer_at(at);
  return list;
}

const Attribute* Call::attribute(std::string_view name, int type) const {
  for (const Attribute& attribute : node.attributes) {
    if (attribute.name != name) continue;
    if (attribute.type != type) fail(text("attribute ", name, " has type ", attribute.type, " instead of ", type));
    return &attribute;
  }
  return nullptr;
}

int64_t Call::integer(std::string_view name, int64_t otherwise) const {
  const Attribute* found = attribute(name, Attribute::kInt);
  return found ? found->i : otherwise;
}

float Call::real(std::string_view name, float otherwise) const {
  const Attribute* found = attribute(name, Attribute::kFloat);
  return found ? found->f : otherwise;
}

std::string Call::string(std::string_view name, std::string_view otherwise) const {
  const Attribute* found = attribute(name, Attribute::kString);
  return found ? found->s : std::string(otherwise);
}

std::vector<int64_t> Call::integers(std::string_view name, std::vector<int64_t> otherwise) const {
  const Attribute* found = attribute(name, Attribute::kInts);
  return found ? found->ints : otherwise;
}

// ---- Limits

uint64_t Lowering::allot(const Call& call, const Shape& shape) {
  const uint64_t count = entry_count(shape, call.node.place);
  if (count == 0) call.fail("an empty tensor");
  if (count > limits_.elements || count > limits_.terms - allotted_) call.fail("the tensors have too many entries");
  allotted_ += count;
  return count;
}

void Lowering::work(const Call& call, uint64_t products) {
  if (products > limits_.work - worked_) call.fail("the model is too large");
  worked_ += products;
}

void Lowering::check_terms(const Call& call, uint64_t terms) const {
  if (terms > limits_.terms - terms_) call.fail(text("more than ", limits_.terms, " terms"));
}

void Lowering::sharpen(const Index& elements) {
  constexpr uint64_t kMostInSharpGroup = 256;
  for (const uint32_t e : elements) {
    Operator& op = program_.operators[program_.operator_of[e]];
    if (op.kind != Kind::softmax || op.sharp) continue;
    op.sharp = true;
    for (size_t g = 0; g + 1 < op.start.size(); ++g) {
      if (op.start[g + 1] - op.start[g] > kMostInSharpGroup) op.sharp = false;
    }
  }
}

// ---- Emission

// Numbers the elements of `op` and records what it reads.
void Lowering::take_elements(const std::string& place, Operator& op) {
  op.first = program_.elements();
  if (op.count > limits_.elements - op.first)
    throw Malformed(text(place, ": more than ", limits_.elements, " elements"));
  if (op.terms() > limits_.terms - terms_) throw Malformed(text(place, ": more than ", limits_.terms, " terms"));
  terms_ += op.terms();

  in_column_.resize(op.first);
  for (const uint32_t e : op.source) {
    if (++in_column_[e] == 1) op.reads.push_back(program_.operator_of[e]);
    op.most_in_column = std::max<uint64_t>(op.most_in_column, in_column_[e]);
  }
  for (const uint32_t e : op.source) in_column_[e] = 0;
  std::sort(op.reads.begin(), op.reads.end());
  op.reads.erase(std::unique(op.reads.begin(), op.reads.end()), op.reads.end());
  program_.operator_of.resize(op.first + op.count, uint32_t(program_.operators.size()));
}

Tensor Lowering::emit(const std::string& place, Operator op, Shape shape) {
  op.count = uint32_t(entry_count(shape, place));
  take_elements(place, op);
  Index index(op.count);
  for (uint32_t i = 0; i < op.count; ++i) index[i] = op.first + i;
  program_.operators.push_back(std::move(op));
  return {.kind = Tensor::view, .shape = std::move(shape), .index = std::make_shared<const Index>(std::move(index))};
}

Tensor Lowering::emit_constant(const std::string& place, const Tensor& tensor) {
  if (tensor.type != dtype::kFloat) throw Malformed(place + ": no certified meaning: a constant that is not float32");
  Operator op{.kind = Kind::constant};
  const uint64_t count = tensor.entries();
  if (count == 0 || count > limits_.elements) throw Malformed(text(place, ": a constant of ", count, " entries"));
  for (uint64_t i = 0; i < count; ++i) {
    op.value.push_back(double(tensor.float_at(i)));
    if (!std::isfinite(op.value.back())) throw Malformed(place + ": no certified meaning: a constant is not finite");
  }
  return emit(place, std::move(op), tensor.shape);
}

std::shared_ptr<const Index> Lowering::view(const Call& call, size_t input) {
  const Tensor& tensor = call[input];
  if (tensor.kind == Tensor::pending) call.fail("an operand of this kind");  // excluded by may_pend
  return tensor.is_constant() ? emit_constant(call.node.place, tensor).index : tensor.index;
}

// Spec section 3: b, M, k and c0 of every row of a cluster.
static Operator affine_of(const Call& call, Rows& rows) {
  const size_t constants = rows.constants.size(), count = rows.size();
  if (constants > 4) call.fail(text("a sum of ", constants, " constants, at most 4"));
  Operator op{.kind = Kind::affine};
  op.bias.assign(count, 0.0);
  op.magnitude.assign(count, 0.0);
  for (size_t which = 0; which < constants; ++which) {
    for (size_t i = 0; i < count; ++i) {
      const double b = rows.constants[which][i];
      op.bias[i] = which == 0 ? b : op.bias[i] + b;
      op.magnitude[i] = which == 0 ? std::fabs(b) : op.magnitude[i] + std::fabs(b);
    }
  }
  const uint64_t extra = rows.scaled ? 2 : 0;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t leaves = rows.start[i + 1] - rows.start[i] + constants;  // n + m
    if (leaves + 1 + extra > uint64_t(1) << 23) call.fail(text("a sum of ", leaves, " terms"));
    op.k.push_back(double(leaves + 1 + extra));
    op.c0.push_back(double(2 * leaves + 1 + extra));
  }
  op.start = std::move(rows.start);
  op.source = std::move(rows.source);
  op.weight = std::move(rows.weight);
  op.factor = rows.factor;
  return op;
}

Tensor Lowering::sum(const Call& call, Rows rows, Shape shape) {
  check_terms(call, rows.source.size());
  if (!call.may_pend || rows.scaled) return emit(call.node.place, affine_of(call, rows), std::move(shape));
  return {.kind = Tensor::pending, .shape = std::move(shape), .rows = std::make_shared<Rows>(std::move(rows))};
}

// ---- Nodes

static bool in_default_domain(const Node& node) { return node.domain.empty() || node.domain == "ai.onnx"; }

static const Rule* find_rule(const Node& node) {
  for (const std::span<const Rule> rules : {movement_rules(), sum_rules(), other_rules(), step_rules()}) {
    for (const Rule& rule : rules) {
      if (node.op_type == rule.op_type) return &rule;
    }
  }
  return nullptr;
}

static bool lists(std::string_view words, std::string_view word) {
  for (size_t at = 0; at < words.size();) {
    const size_t end = std::min(words.find(' ', at), words.size());
    if (words.substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

static void check_attributes(const Call& call, const Rule& rule) {
  for (size_t i = 0; i < call.node.attributes.size(); ++i) {
    const std::string& attribute = call.node.attributes[i].name;
    if (!lists(rule.attributes, attribute)) call.fail("attribute " + attribute);
    for (size_t j = 0; j < i; ++j) {
      if (call.node.attributes[j].name == attribute) call.fail("attribute " + attribute + " is given twice");
    }
  }
}

void Lowering::define(const std::string& name, const std::string& place, Tensor tensor) {
  Name& entry = names_[name];
  if (entry.available) throw Malformed(place + ": '" + name + "' is defined twice");
  entry.available = true;
  entry.tensor = std::move(tensor);
}

// The initialisers, then the inputs that are not initialisers.
void Lowering::declare_inputs() {
  for (const TensorProto& t : model_.initializers) {
    define(t.name, "model: initializer",
           {.kind = Tensor::constant, .shape = t.shape, .type = t.type, .values = t.values});
  }
  Operator inputs{.kind = Kind::input};
  std::unordered_set<std::string_view> seen;
  uint64_t count = 0;
  for (const Input& input : model_.inputs) {
    const std::string place = "model: input '" + input.name + "'";
    if (!seen.insert(input.name).second) throw Malformed(place + ": is listed twice");
    if (names_.contains(input.name)) continue;
    if (input.type != dtype::kFloat) throw Malformed(text(place, ": element type ", input.type, ", not float32"));
    const uint64_t entries = entry_count(input.shape, place);
    if (entries > limits_.elements - count) throw Malformed(place + ": too many entries");
    Index index(entries);
    for (uint64_t i = 0; i < entries; ++i) index[i] = uint32_t(count + i);
    count += entries;
    program_.input_tensors.push_back({input.name, input.shape});
    define(input.name, place,
           {.kind = Tensor::view, .shape = input.shape, .index = std::make_shared<const Index>(std::move(index))});
  }
  inputs.count = uint32_t(count);
  take_elements("model: inputs", inputs);
  program_.operators.push_back(std::move(inputs));
}

void Lowering::count_uses() {
  for (size_t i = 0; i < model_.nodes.size(); ++i) {
    const Node& node = model_.nodes[i];
    const bool is_sum = in_default_domain(node) && (node.op_type == "Add" || node.op_type == "Sub");
    for (const std::string& input : node.inputs) {
      if (input.empty()) continue;
      Name& name = names_[input];
      ++name.uses;
      name.uses_by_sums += is_sum;
      if (!name.available) name.waiting.push_back(i);
    }
  }
  for (const std::string& output : model_.outputs) names_[output].is_output = true;
}

// Repeatedly the node with the lowest index all of whose inputs are available.
void Lowering::visit_nodes() {
  std::vector<size_t> missing(model_.nodes.size());
  for (const auto& [name, entry] : names_) {
    for (const size_t node : entry.waiting) ++missing[node];
  }
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  for (size_t i = 0; i < missing.size(); ++i) {
    if (missing[i] == 0) ready.push(i);
  }
  size_t visited = 0;
  for (; !ready.empty(); ++visited) {
    const Node& node = model_.nodes[ready.top()];
    ready.pop();
    visit(node);
    if (node.outputs.empty() || node.outputs[0].empty()) continue;
    for (const size_t waiting : names_[node.outputs[0]].waiting) {
      if (--missing[waiting] == 0) ready.push(waiting);
    }
  }
  if (visited == missing.size()) return;
  const size_t stuck = std::find_if(missing.begin(), missing.end(), [](size_t n) { return n != 0; }) - missing.begin();
  throw Malformed(model_.nodes[stuck].place + ": an input is never computed");
}

// Only output 0 has a meaning; others may be named by Dropout as long as nothing uses them.
void Lowering::check_outputs(const Node& node) const {
  for (size_t i = 1; i < node.outputs.size(); ++i) {
    if (node.outputs[i].empty()) continue;
    const auto found = names_.find(node.outputs[i]);
    const bool used = found != names_.end() && (found->second.uses > 0 || found->second.is_output);
    if (node.op_type != "Dropout" || used) {
      throw Malformed(text(node.place, ": no certified meaning: output ", i, " '", node.outputs[i], "'"));
    }
  }
}

Tensor Lowering::lower_node(const Node& node) {
  Call call{.node = node};
  const Rule* rule = in_default_domain(node) ? find_rule(node) : nullptr;
  if (rule == nullptr) call.fail("operator " + node.op_type + (node.domain.empty() ? "" : " of domain " + node.domain));
  if (node.inputs.size() < rule->min_inputs || node.inputs.size() > rule->max_inputs) {
    call.fail(text(node.inputs.size(), " inputs"));
  }
  check_attributes(call, *rule);
  for (const std::string& input : node.inputs) call.inputs.push_back(input.empty() ? nullptr : &names_[input].tensor);
  const Name& output = names_[node.outputs[0]];
  call.may_pend = output.uses == 1 && output.uses_by_sums == 1 && !output.is_output;
  return rule->lower(*this, call);
}

void Lowering::visit(const Node& node) {
  if (node.outputs.empty() || node.outputs[0].empty()) throw Malformed(node.place + ": has no output");
  check_outputs(node);
  define(node.outputs[0], node.place, lower_node(node));
  for (const std::string& input : node.inputs) {  // what nothing reads any more takes no memory
    if (input.empty()) continue;
    Name& name = names_[input];
    if (--name.uses == 0 && !name.is_output) name.tensor = Tensor{};
  }
}

void Lowering::collect_outputs() {
  for (const std::string& output : model_.outputs) {
    const std::string place = "model: output '" + output + "'";
    const Name& name = names_[output];
    if (!name.available) throw Malformed(place + ": is never computed");
    const Index index = name.tensor.is_constant() ? *emit_constant(place, name.tensor).index : *name.tensor.index;
    if (index.size() > limits_.elements - program_.outputs.size()) throw Malformed(place + ": too many entries");
    program_.outputs.insert(program_.outputs.end(), index.begin(), index.end());
    program_.output_tensors.push_back({output, name.tensor.shape});
  }
}

Program Lowering::run() {
  if (model_.opset < 7) throw Malformed(text("model: version ", model_.opset, " of the operator set, at least 7"));
  declare_inputs();
  count_uses();
  visit_nodes();
  collect_outputs();
  return std::move(program_);
}

Program lower(const Model& model, const Limits& limits) { return Lowering(model, limits).run(); }

}  // namespace checker
