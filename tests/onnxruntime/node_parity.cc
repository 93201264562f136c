// axiom-node-parity MODEL DIR: compares this library with recordings of another machine, node by node and end to end.
//
// DIR/values.txt has one line per recorded value: number of the recording, name of an .npy file in DIR, name of the
// value, separated by tabs. Every recording holds the graph's inputs; outputs and intermediate values are compared if
// they are there. A JSON report goes to stdout. Exit 0: all agree, 1: they do not, 4: something could not be read.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "formats/onnx/onnx.h"
#include "formats/tensors/npy.h"
#include "graph/infer.h"
#include "runtime/backends/reference/reference.h"
#include "runtime/budget.h"
#include "runtime/executor.h"

namespace axiom {
namespace {

constexpr double kRelative = 1e-3, kAbsolute = 1e-5;  // end to end

using Json = nlohmann::ordered_json;

Result<std::vector<Recording>> read_recordings(const std::string& folder) {
  std::ifstream list(folder + "/values.txt");
  if (!list) return io_error(folder + "/values.txt: cannot be read");
  std::vector<Recording> recordings;
  for (std::string number, file, name;
       std::getline(list, number, '\t') && std::getline(list, file, '\t') && std::getline(list, name);) {
    const size_t index = std::stoul(number);
    if (index >= recordings.size()) recordings.resize(index + 1);
    auto tensor = read_npy(folder + "/" + file);
    if (!tensor) return tensor.error();
    recordings[index][name] = *std::move(tensor);
  }
  return recordings;
}

Result<Graph> read_model(const std::string& path) {
  auto graph = read_onnx(path);
  if (!graph) return graph;
  if (auto inferred = infer_shapes(*graph); !inferred) return inferred.error();
  return graph;
}

// Greatest |a - b| / (atol + rtol |b|); integers must be equal.
double distance(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) return HUGE_VAL;
  if (a.dtype() != DType::kFloat32) return std::equal(a.bytes(), a.bytes() + a.byte_size(), b.bytes()) ? 0 : HUGE_VAL;
  double worst = 0;
  for (size_t i = 0; i < a.data<float>().size(); ++i) {
    const double x = a.data<float>()[i], y = b.data<float>()[i];
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    const double d = std::fabs(x - y) / (kAbsolute + kRelative * std::fabs(y));
    worst = std::isnan(d) ? HUGE_VAL : std::max(worst, d);
  }
  return worst;
}

Result<Json> compare_outputs(const Graph& graph, const std::vector<Recording>& recordings, bool& agrees) {
  Json report = Json::array();
  const auto backend = make_reference_backend();
  for (size_t i = 0; i < recordings.size(); ++i) {
    std::vector<Tensor> inputs;
    for (const ValueId id : graph.inputs) {
      const auto found = recordings[i].find(graph.values[id].name);
      if (found == recordings[i].end()) return invalid_input("input '" + graph.values[id].name + "' is not recorded");
      inputs.push_back(found->second);
    }
    auto outputs = run(graph, inputs, *backend);
    if (!outputs) return outputs.error();
    for (const NamedTensor& output : *outputs) {
      const auto recorded = recordings[i].find(output.name);
      if (recorded == recordings[i].end()) continue;
      const double worst = distance(output.tensor, recorded->second);
      agrees = agrees && worst <= 1;
      report.push_back({{"recording", i}, {"name", output.name}, {"worst", worst}});
    }
  }
  return report;
}

Result<Json> compare_all_nodes(const Graph& graph, const std::vector<Recording>& recordings, bool& agrees) {
  auto comparisons = compare_nodes(graph, recordings);
  if (!comparisons) return comparisons.error();
  Json report = Json::array();
  for (const NodeComparison& c : *comparisons) {
    agrees = agrees && c.agrees();
    report.push_back({{"node", c.node->name},
                      {"index", c.node->index},
                      {"op", c.node->op_type},
                      {"budgeted", c.budgeted},
                      {"worst", c.worst},
                      {"agrees", c.agrees()},
                      {"recording", c.recording},
                      {"entry", c.entry},
                      {"ours", c.ours},
                      {"theirs", c.theirs},
                      {"allowed", c.allowed}});
  }
  return report;
}

Result<bool> compare(const std::string& model, const std::string& folder) {
  auto graph = read_model(model);
  if (!graph) return graph.error();
  auto recordings = read_recordings(folder);
  if (!recordings) return recordings.error();
  bool nodes_agree = true, outputs_agree = true;
  auto nodes = compare_all_nodes(*graph, *recordings, nodes_agree);
  if (!nodes) return nodes.error();
  auto outputs = compare_outputs(*graph, *recordings, outputs_agree);
  if (!outputs) return outputs.error();
  const Json report{
      {"nodes_agree", nodes_agree}, {"outputs_agree", outputs_agree}, {"nodes", *nodes}, {"outputs", *outputs}};
  std::printf("%s\n", report.dump().c_str());
  return nodes_agree && outputs_agree;
}

}  // namespace
}  // namespace axiom

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: axiom-node-parity MODEL DIR\n");
    return 2;
  }
  const auto agrees = axiom::compare(argv[1], argv[2]);
  if (!agrees) {
    std::fprintf(stderr, "axiom-node-parity: %s\n", agrees.error().message.c_str());
    return 4;
  }
  return *agrees ? 0 : 1;
}
