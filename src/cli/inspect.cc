// axiom inspect: what a model or a certificate holds, without running or checking it.
#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "base/files.h"
#include "cli/certificate_header.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "formats/onnx/onnx.h"
#include "graph/infer.h"
#include "graph/lowering.h"
#include "graph/message.h"

namespace axiom::cli {
namespace {

constexpr size_t kMaxUncertified = 100;

struct Arguments {
  std::string path;
  bool json = false;
};

/// Nodes that can be run but not proved about, each with the reason.
///
/// Lowering names the first one; it is then cut out, its outputs become inputs, and lowering is asked again.
std::vector<std::string> uncertified_nodes(Graph graph) {
  std::vector<std::string> reasons;
  while (reasons.size() < kMaxUncertified) {
    const Result<Program> program = lower_to_program(graph);
    if (program || program.error().kind != ErrorKind::kNotCertifiable) return reasons;
    const std::string& reason = program.error().message;
    const auto node = std::find_if(graph.nodes.begin(), graph.nodes.end(), [&](const Node& candidate) {
      return reason.find(describe(candidate)) != std::string::npos;
    });
    reasons.push_back(reason);
    if (node == graph.nodes.end()) return reasons;
    for (const ValueId output : node->outputs) {
      if (output != kNoValue) graph.inputs.push_back(output);
    }
    graph.nodes.erase(node);
  }
  return reasons;
}

Json values_json(const Graph& graph, const std::vector<ValueId>& ids) {
  Json list = Json::array();
  for (const ValueId id : ids) {
    const Value& value = graph.values[static_cast<size_t>(id)];
    list.push_back({{"name", value.name}, {"dtype", dtype_name(value.type->dtype)}, {"shape", value.type->shape}});
  }
  return list;
}

Json core_json(const Program& program) {
  Json operators = Json::array();
  size_t terms = 0;
  for (const CoreOp& op : program.ops) {
    operators.push_back(
        {{"kind", core_name(op)}, {"name", op.name}, {"elements", op.count}, {"terms", op.rows.weight.size()}});
    terms += op.rows.weight.size();
  }
  return {{"elements", program.element_count}, {"terms", terms}, {"operators", std::move(operators)}};
}

int64_t parameter_count(const Graph& graph) {
  std::vector<bool> computed(graph.values.size());
  for (const Node& node : graph.nodes) {
    for (const ValueId output : node.outputs) {
      if (output != kNoValue) computed[static_cast<size_t>(output)] = true;
    }
  }
  int64_t parameters = 0;
  for (size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    if (!computed[i] && value.constant && value.constant->dtype() == DType::kFloat32)
      parameters += value.constant->size();
  }
  return parameters;
}

Json model_json(const std::string& path, const Graph& graph) {
  std::map<std::string, size_t> operators;
  for (const Node& node : graph.nodes) ++operators[node.op_type];
  const Result<Program> program = lower_to_program(graph);
  Json out = {{"schema", "axiom.inspect.v1"},
              {"kind", "model"},
              {"path", path},
              {"sha256", graph.model_digest},
              {"opset", graph.nodes.empty() ? Json() : Json(graph.nodes.front().opset)},
              {"inputs", values_json(graph, graph.inputs)},
              {"outputs", values_json(graph, graph.outputs)},
              {"parameters", parameter_count(graph)},
              {"operators", operators},
              {"core", program ? core_json(*program) : Json()},
              {"uncertified", program ? std::vector<std::string>() : uncertified_nodes(graph)}};
  return out;
}

std::string values_text(std::string_view title, const Json& values) {
  std::string out;
  for (const Json& value : values) {
    out += fmt::format("{:<11}{} {} {}\n", title, value["name"].get<std::string>(), value["dtype"].get<std::string>(),
                       value["shape"].dump());
  }
  return out;
}

std::string core_text(const Json& core) {
  if (core.is_null()) return "core       none: it can be run, but nothing can be proved about it\n";
  std::string out =
      fmt::format("core       {} elements, {} terms\n", core["elements"].get<size_t>(), core["terms"].get<size_t>());
  for (const Json& op : core["operators"]) {
    out += fmt::format("  {:<10} {:>8} elements {:>10} terms  {}\n", op["kind"].get<std::string>(),
                       op["elements"].get<size_t>(), op["terms"].get<size_t>(), op["name"].get<std::string>());
  }
  return out;
}

std::string model_text(const Json& model) {
  std::string operators;
  for (const auto& [name, count] : model["operators"].items()) {
    operators += fmt::format("{}{} {}", operators.empty() ? "" : ", ", count.get<size_t>(), name);
  }
  std::string out = fmt::format("model      {}\nsha256     {}\nopset      {}\n", model["path"].get<std::string>(),
                                model["sha256"].get<std::string>(), model["opset"].dump());
  out += values_text("input", model["inputs"]) + values_text("output", model["outputs"]);
  out += fmt::format("parameters {}\noperators {}\n", model["parameters"].get<int64_t>(), operators);
  out += core_text(model["core"]);
  for (const Json& reason : model["uncertified"]) out += fmt::format("uncertified {}\n", reason.get<std::string>());
  return out;
}

Result<Json> inspect_model(const std::string& path) {
  Result<Graph> graph = read_onnx(path);
  if (!graph) return graph.error();
  const Status inferred = infer_shapes(*graph);
  if (!inferred) return inferred.error();
  return model_json(path, *graph);
}

Result<Json> inspect_certificate(const std::string& path) {
  const Result<std::string> bytes = read_file(path);
  if (!bytes) return bytes.error();
  const Result<CertificateHeader> header = parse_certificate_header(*bytes);
  if (!header) return invalid_input(path + ": " + header.error().message);
  return Json{{"schema", "axiom.inspect.v1"},
              {"kind", "certificate"},
              {"path", path},
              {"sha256", sha256_hex(*bytes)},
              {"semantics", header->semantics},
              {"model_sha256", header->model_digest},
              {"property_sha256", header->property_digest},
              {"inputs", header->inputs},
              {"outputs", header->outputs},
              {"operators", header->operators},
              {"elements", header->elements},
              {"disjuncts", header->disjuncts},
              {"header_bytes", header->header_bytes},
              {"tree_bytes", header->tree_bytes}};
}

std::string certificate_text(const Json& certificate) {
  std::string out;
  for (const auto& [name, value] : certificate.items()) {
    if (name == "schema") continue;
    out += fmt::format("{:<16} {}\n", name, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return out + "Whether the proof holds is for axiom check to say.\n";
}

Result<bool> starts_like_certificate(const std::string& path) {
  Result<FileReader> reader = FileReader::open(path);
  if (!reader) return reader.error();
  const Result<std::span<const std::byte>> bytes = reader->next();
  if (!bytes) return bytes.error();
  return is_certificate({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
}

Result<int> inspect(const Arguments& arguments) {
  const Result<bool> certificate = starts_like_certificate(arguments.path);
  if (!certificate) return certificate.error();
  const Result<Json> facts = *certificate ? inspect_certificate(arguments.path) : inspect_model(arguments.path);
  if (!facts) return facts.error();
  if (arguments.json) {
    print_json(*facts);
  } else {
    print(*certificate ? certificate_text(*facts) : model_text(*facts));
  }
  return kExitSuccess;
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("FILE", arguments->path, "a network (.onnx) or a certificate, compressed or not")->required();
  add_json(app, arguments->json);
  return [arguments] { return inspect(*arguments); };
}

}  // namespace

extern const Command inspect_command{
    .name = "inspect",
    .summary = "show what a network or a certificate holds",
    .examples =
        "axiom inspect net.onnx\n"
        "axiom inspect net.onnx --json\n"
        "axiom inspect proof.axc\n",
    .notes =
        "For a network: inputs (X_0, X_1, ... in this order), outputs, operators, the core program that proofs are\n"
        "about, and the nodes about which nothing can be proved.\n"
        "Exit codes: 0 done, 4 input rejected.",
    .declare = declare};

}  // namespace axiom::cli
