// Executor. Submits every node as soon as its buffers exist, stating what it must wait for; the host waits only for
// results, for memory, or to deliver a failure.
#include "runtime/executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "graph/message.h"
#include "graph/operator.h"

namespace axiom {
namespace {

// The device side of one value.
struct Slot {
  std::unique_ptr<Buffer> buffer;
  Event written;      // by its producer or its upload
  Events users;       // commands that read it
  uint32_t uses = 0;  // operands still to be read
  bool keep = false;  // a graph output
};

// A command that may fail after submission, and what to say then.
struct Submitted {
  std::string what;
  Event event;
};

// The outputs without the unnamed ones at the end, which nobody asked for.
std::vector<ValueId> named_outputs(const Node& node) {
  std::vector<ValueId> named = node.outputs;
  while (!named.empty() && named.back() == kNoValue) named.pop_back();
  return named;
}

class Execution {
 public:
  Execution(const Graph& graph, Backend& backend, const RunOptions& options);
  // Nothing may be freed while a command uses it.
  ~Execution() { wait_for_all(); }
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  Result<std::vector<NamedTensor>> run(std::span<const Tensor> inputs);

 private:
  bool is_folded(const Node& node) const;
  Status place_input(ValueId value, const Tensor& tensor);
  Status make_resident(ValueId value);
  Status run_node(const Node& node);
  Status report_node(const Node& node, const std::vector<ValueId>& outputs);
  Result<Tensor> fetch(ValueId value);
  Result<std::unique_ptr<Buffer>> allocate(const TensorType& type);
  void retire(ValueId value);
  void release_retired(bool wait);
  Status first_failure();
  void wait_for_all();
  Error blame(const std::string& what, const Error& error) const;

  const Graph& graph_;
  Backend& backend_;
  const RunOptions& options_;
  std::vector<Slot> slots_;
  std::vector<Slot> retired_;
  std::vector<Submitted> submitted_;
};

Execution::Execution(const Graph& graph, Backend& backend, const RunOptions& options)
    : graph_(graph), backend_(backend), options_(options), slots_(graph.values.size()) {
  for (const Node& node : graph.nodes) {
    if (is_folded(node)) continue;
    for (const ValueId in : node.inputs)
      if (in != kNoValue) ++slots_[in].uses;
  }
  for (const ValueId out : graph.outputs) slots_[out].keep = true;
}

bool Execution::is_folded(const Node& node) const {
  return std::all_of(node.outputs.begin(), node.outputs.end(),
                     [&](ValueId out) { return out == kNoValue || graph_.values[out].constant.has_value(); });
}

Error Execution::blame(const std::string& what, const Error& error) const {
  return {error.kind, fmt::format("{} on backend '{}': {}", what, backend_.name(), error.message)};
}

Result<std::unique_ptr<Buffer>> Execution::allocate(const TensorType& type) {
  release_retired(false);
  auto buffer = backend_.allocate(type);
  if (buffer || buffer.error().kind != ErrorKind::kResource || retired_.empty()) return buffer;
  release_retired(true);
  return backend_.allocate(type);
}

Status Execution::place_input(ValueId value, const Tensor& tensor) {
  const std::string what = fmt::format("upload of '{}'", graph_.values[value].name);
  auto buffer = allocate({tensor.dtype(), tensor.shape()});
  if (!buffer) return blame(what, buffer.error());
  slots_[value].buffer = std::move(*buffer);
  auto event = backend_.upload(tensor, *slots_[value].buffer, {});
  if (!event) return blame(what, event.error());
  slots_[value].written = *event;
  submitted_.push_back({what, *event});
  return {};
}

// Constants go to the device when they are first read.
Status Execution::make_resident(ValueId value) {
  if (slots_[value].buffer) return {};
  const Value& constant = graph_.values[value];
  AXIOM_CHECK(constant.constant.has_value());
  return place_input(value, *constant.constant);
}

Status Execution::run_node(const Node& node) {
  if (!backend_.supports(node)) return rejected(node, fmt::format("backend '{}' has no kernel", backend_.name()));
  std::vector<const Buffer*> inputs;
  Events after;
  for (const ValueId in : node.inputs) {
    if (in != kNoValue)
      if (auto done = make_resident(in); !done) return done;
    inputs.push_back(in == kNoValue ? nullptr : slots_[in].buffer.get());
    if (in != kNoValue) after.push_back(slots_[in].written);
  }
  std::vector<Buffer*> outputs;
  const std::vector<ValueId> named = named_outputs(node);
  for (const ValueId out : named) {
    if (out == kNoValue) return rejected(node, "an unnamed output before a named one is not supported");
    auto buffer = allocate(*graph_.values[out].type);
    if (!buffer) return blame(describe(node), buffer.error());
    slots_[out].buffer = std::move(*buffer);
    outputs.push_back(slots_[out].buffer.get());
  }
  auto event = backend_.execute(node, inputs, outputs, after);
  if (!event) return blame(describe(node), event.error());
  submitted_.push_back({describe(node), *event});
  for (const ValueId out : named) slots_[out].written = *event;
  for (const ValueId in : node.inputs)
    if (in != kNoValue) slots_[in].users.push_back(*event);
  if (options_.on_node)
    if (auto done = report_node(node, named); !done) return done;
  for (const ValueId in : node.inputs)
    if (in != kNoValue && --slots_[in].uses == 0) retire(in);
  for (const ValueId out : named)
    if (slots_[out].uses == 0) retire(out);
  return {};
}

Status Execution::report_node(const Node& node, const std::vector<ValueId>& outputs) {
  std::vector<Tensor> operands(node.inputs.size()), results;
  std::vector<const Tensor*> inputs;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (node.inputs[i] == kNoValue) {
      inputs.push_back(nullptr);
      continue;
    }
    auto tensor = fetch(node.inputs[i]);
    if (!tensor) return tensor.error();
    operands[i] = std::move(*tensor);
    inputs.push_back(&operands[i]);
  }
  for (const ValueId out : outputs) {
    auto tensor = fetch(out);
    if (!tensor) return tensor.error();
    results.push_back(std::move(*tensor));
  }
  return options_.on_node(node, inputs, results);
}

Result<Tensor> Execution::fetch(ValueId value) {
  const std::string& name = graph_.values[value].name;
  if (!slots_[value].buffer && graph_.values[value].constant) return *graph_.values[value].constant;
  Tensor tensor;
  auto event = backend_.download(*slots_[value].buffer, tensor, {slots_[value].written});
  if (!event) return blame(fmt::format("download of '{}'", name), event.error());
  auto done = (*event)->wait();
  if (auto failed = first_failure(); !failed) return failed.error();
  if (!done) return blame(fmt::format("download of '{}'", name), done.error());
  return tensor;
}

void Execution::retire(ValueId value) {
  if (slots_[value].keep || !slots_[value].buffer) return;
  retired_.push_back(std::move(slots_[value]));
  slots_[value] = Slot{};
}

void Execution::release_retired(bool wait) {
  const auto finished = [&](const Event& event) {
    if (wait) (void)event->wait();
    return event->done();
  };
  std::erase_if(retired_, [&](const Slot& slot) {
    return (!slot.written || finished(slot.written)) && std::all_of(slot.users.begin(), slot.users.end(), finished);
  });
}

// The command that failed first explains the ones that could not run because of it.
Status Execution::first_failure() {
  for (const Submitted& command : submitted_) {
    if (!command.event->done()) continue;
    if (auto done = command.event->wait(); !done) return blame(command.what, done.error());
  }
  return {};
}

void Execution::wait_for_all() {
  for (const Submitted& command : submitted_) (void)command.event->wait();
}

Result<std::vector<NamedTensor>> Execution::run(std::span<const Tensor> inputs) {
  for (size_t i = 0; i < inputs.size(); ++i)
    if (auto done = place_input(graph_.inputs[i], inputs[i]); !done) return done.error();
  for (const Node& node : graph_.nodes) {
    if (is_folded(node)) continue;
    if (auto done = run_node(node); !done) return done.error();
  }
  std::vector<NamedTensor> results;
  for (const ValueId out : graph_.outputs) {
    auto tensor = fetch(out);
    if (!tensor) return tensor.error();
    results.push_back({graph_.values[out].name, std::move(*tensor)});
  }
  wait_for_all();
  if (auto failed = first_failure(); !failed) return failed.error();
  return results;
}

}  // namespace

Status check_inputs(const Graph& graph, std::span<const Tensor> inputs) {
  if (inputs.size() != graph.inputs.size())
    return invalid_input(fmt::format("the model has {} inputs, {} were given", graph.inputs.size(), inputs.size()));
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Value& value = graph.values[graph.inputs[i]];
    if (inputs[i].dtype() != value.type->dtype || inputs[i].shape() != value.type->shape)
      return invalid_input(fmt::format("input '{}' has dtype {} and shape {}, the model wants {} and {}", value.name,
                                       dtype_name(inputs[i].dtype()), to_string(inputs[i].shape()),
                                       dtype_name(value.type->dtype), to_string(value.type->shape)));
  }
  return {};
}

Result<std::vector<NamedTensor>> run(const Graph& graph, std::span<const Tensor> inputs, Backend& backend,
                                     const RunOptions& options) {
  if (auto done = check_inputs(graph, inputs); !done) return done.error();
  return Execution(graph, backend, options).run(inputs);
}

Result<std::vector<float>> run_flat(const Graph& graph, std::span<const float> input, Backend& backend) {
  const auto not_float = [](const char* what, const std::string& name, DType dtype) {
    return invalid_input(fmt::format("{} '{}' is {}, not float32", what, name, dtype_name(dtype)));
  };
  std::vector<Tensor> feed;
  size_t at = 0;
  for (const ValueId id : graph.inputs) {
    const Value& value = graph.values[static_cast<size_t>(id)];
    if (value.type->dtype != DType::kFloat32) return not_float("input", value.name, value.type->dtype);
    Tensor tensor(DType::kFloat32, value.type->shape);
    const auto data = tensor.mutable_data<float>();
    if (data.size() > input.size() - at)
      return invalid_input(fmt::format("the network takes more than the {} numbers given", input.size()));
    std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(at), data.size(), data.begin());
    at += data.size();
    feed.push_back(std::move(tensor));
  }
  if (at != input.size())
    return invalid_input(fmt::format("the network takes {} numbers, given are {}", at, input.size()));
  const auto outputs = run(graph, feed, backend);
  if (!outputs) return outputs.error();
  std::vector<float> flat;
  for (const auto& [name, tensor] : *outputs) {
    if (tensor.dtype() != DType::kFloat32) return not_float("output", name, tensor.dtype());
    const auto data = tensor.data<float>();
    flat.insert(flat.end(), data.begin(), data.end());
  }
  return flat;
}

}  // namespace axiom
