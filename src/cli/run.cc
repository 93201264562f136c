// axiom run: evaluates a network.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/tensor_arguments.h"
#include "formats/onnx/onnx.h"
#include "formats/tensors/npy.h"
#include "graph/infer.h"
#include "runtime/backends/list.h"
#include "runtime/executor.h"

namespace axiom::cli {
namespace {

constexpr size_t kShownNumbers = 16;

struct Arguments {
  std::string model, backend = "reference";
  std::vector<std::string> inputs, outputs, expected;
  uint64_t seed = 1;
  double rtol = 1e-3, atol = 1e-5;
  bool json = false;
};

/// Files for the inputs that are named, random numbers for the others if "random" is among the arguments.
Result<std::vector<NamedTensor>> gather_inputs(const Graph& graph, const Arguments& arguments) {
  std::vector<std::string> files = arguments.inputs;
  const bool random = std::erase(files, "random") > 0;
  Result<TensorMap> given = read_tensor_arguments(graph, graph.inputs, files, "input");
  if (!given) return given.error();
  uint64_t seed = arguments.seed;
  std::vector<NamedTensor> inputs;
  for (const ValueId id : graph.inputs) {
    const Value& value = graph.values[static_cast<size_t>(id)];
    const auto found = given->find(value.name);
    if (found != given->end()) {
      inputs.push_back({value.name, found->second});
    } else if (random) {
      inputs.push_back({value.name, random_tensor(*value.type, seed++)});
    } else {
      return usage_error(fmt::format("no input '{0}'; add --input {0}=FILE, or --input random", value.name));
    }
  }
  return inputs;
}

Result<std::vector<NamedTensor>> execute(const Graph& graph, const std::vector<NamedTensor>& inputs,
                                         const std::string& backend_name) {
  Result<std::unique_ptr<Backend>> backend = make_backend(backend_name);
  if (!backend) return backend.error();
  std::vector<Tensor> tensors;
  for (const NamedTensor& input : inputs) tensors.push_back(input.tensor);
  return axiom::run(graph, tensors, **backend);
}

Json tensor_json(const Tensor& tensor) {
  return {{"dtype", dtype_name(tensor.dtype())},
          {"shape", tensor.shape()},
          {"data", numbers_json<double>(entries(tensor))}};
}

Json tensors_json(const std::vector<NamedTensor>& tensors) {
  Json out = Json::object();
  for (const auto& [name, tensor] : tensors) out[name] = tensor_json(tensor);
  return out;
}

Json run_json(const Graph& graph, const Arguments& arguments, const std::vector<NamedTensor>& inputs,
              const std::vector<NamedTensor>& outputs) {
  Json out = {{"schema", "axiom.run.v1"}, {"model_sha256", graph.model_digest}, {"backend", arguments.backend}};
  const bool random = std::count(arguments.inputs.begin(), arguments.inputs.end(), "random") > 0;
  if (random) out["inputs"] = tensors_json(inputs);
  out["outputs"] = tensors_json(outputs);
  return out;
}

std::string tensor_text(const std::string& name, const Tensor& tensor) {
  const std::vector<double> values = entries(tensor);
  const bool single = tensor.dtype() == DType::kFloat32;
  std::string out = fmt::format("{} {} {}\n ", name, dtype_name(tensor.dtype()), to_string(tensor.shape()));
  for (size_t i = 0; i < std::min(values.size(), kShownNumbers); ++i) {
    out += single ? fmt::format(" {}", static_cast<float>(values[i])) : fmt::format(" {}", values[i]);
  }
  if (values.size() > kShownNumbers) out += fmt::format(" ... ({} numbers; --json gives all)", values.size());
  return out + "\n";
}

Status write_outputs(const Graph& graph, const Arguments& arguments, const std::vector<NamedTensor>& outputs) {
  for (const std::string& argument : arguments.outputs) {
    const auto [name, file] = split_argument(graph, graph.outputs, argument);
    if (name.empty() && outputs.size() > 1) return usage_error(argument + ": several outputs; write NAME=FILE");
    for (const auto& [output, tensor] : outputs) {
      if (!name.empty() && name != output) continue;
      const Status written = write_npy(file, tensor);
      if (!written) return written;
    }
  }
  return {};
}

bool close(double value, double wanted, const Arguments& arguments) {
  if (std::isnan(wanted)) return std::isnan(value);
  if (value == wanted) return true;
  return std::fabs(value - wanted) <= arguments.atol + arguments.rtol * std::fabs(wanted);
}

/// One line for each output that differs from what is expected.
std::string differences(const Arguments& arguments, const TensorMap& expected,
                        const std::vector<NamedTensor>& outputs) {
  std::string lines;
  for (const auto& [name, tensor] : outputs) {
    const auto wanted = expected.find(name);
    if (wanted == expected.end()) continue;
    const std::vector<double> a = entries(tensor), b = entries(wanted->second);
    size_t count = 0, first = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      if (close(a[i], b[i], arguments)) continue;
      if (count++ == 0) first = i;
    }
    if (count == 0) continue;
    lines += fmt::format("output '{}': {} of {} numbers differ; number {} is {}, expected {}\n", name, count, a.size(),
                         first, a[first], b[first]);
  }
  return lines;
}

Result<int> compare(const Graph& graph, const Arguments& arguments, const std::vector<NamedTensor>& outputs) {
  const Result<TensorMap> expected = read_tensor_arguments(graph, graph.outputs, arguments.expected, "output");
  if (!expected) return expected.error();
  const std::string lines = differences(arguments, *expected, outputs);
  if (lines.empty()) return kExitSuccess;
  print_error("run", lines.substr(0, lines.size() - 1));
  return kExitViolated;
}

Result<int> run_model(const Arguments& arguments) {
  Result<Graph> graph = read_onnx(arguments.model);
  if (!graph) return graph.error();
  const Status inferred = infer_shapes(*graph);
  if (!inferred) return inferred.error();
  const Result<std::vector<NamedTensor>> inputs = gather_inputs(*graph, arguments);
  if (!inputs) return inputs.error();
  const Result<std::vector<NamedTensor>> outputs = execute(*graph, *inputs, arguments.backend);
  if (!outputs) return outputs.error();

  const Status written = write_outputs(*graph, arguments, *outputs);
  if (!written) return written.error();
  if (arguments.json) {
    print_json(run_json(*graph, arguments, *inputs, *outputs));
  } else {
    for (const auto& [name, tensor] : *outputs) print(tensor_text(name, tensor));
  }
  return compare(*graph, arguments, *outputs);
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  add_model(app, arguments->model);
  app.add_option("--input", arguments->inputs,
                 "an input: x.npy or x.json (nested lists, or an object of them by name), or random for those that are "
                 "not given; may be repeated")
      ->option_text("[NAME=]FILE|random")
      ->required()
      ->allow_extra_args(false);
  add_seed(app, arguments->seed);
  app.add_option("--output", arguments->outputs, "write an output as .npy; may be repeated")
      ->option_text("[NAME=]FILE")
      ->allow_extra_args(false);
  app.add_option("--expect", arguments->expected, "compare an output with .npy or .json; may be repeated")
      ->option_text("[NAME=]FILE")
      ->allow_extra_args(false);
  app.add_option("--rtol", arguments->rtol, "relative tolerance of --expect; default 1e-3")
      ->option_text("R")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--atol", arguments->atol, "absolute tolerance of --expect; default 1e-5")
      ->option_text("A")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--backend", arguments->backend, "machine to run on (axiom doctor lists them); default reference")
      ->option_text("NAME");
  add_json(app, arguments->json);
  return [arguments] { return run_model(*arguments); };
}

}  // namespace

extern const Command run_command{
    .name = "run",
    .summary = "evaluate a network on an input",
    .examples =
        "axiom run net.onnx --input x.npy\n"
        "axiom run net.onnx --input x.json --json\n"
        "axiom run net.onnx --input random --seed 7 --output y.npy\n"
        "axiom run net.onnx --input image=a.npy --input scale=b.npy --expect y.npy\n",
    .notes =
        "The result is that of the reference executor: float32, sums in the order of spec/operators.md.\n"
        "Exit codes: 0 done, 1 an output differs from --expect, 4 input rejected.",
    .declare = declare};

}  // namespace axiom::cli
