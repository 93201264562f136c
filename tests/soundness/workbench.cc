// Files, verdicts and replays for the suite.
#include "workbench.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/files.h"
#include "graph/infer.h"
#include "runtime/backends/reference/reference.h"
#include "runtime/executor.h"

namespace axiom::soundness {
namespace {

// The suite's own inputs are well formed; a refusal ends the run with its message.
template <typename R>
R taken(R result) {
  if (!result) std::fprintf(stderr, "%s\n", result.error().message.c_str());
  AXIOM_CHECK(result);
  return result;
}
void done(const Status& status) {
  if (!status) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  AXIOM_CHECK(status);
}

}  // namespace

int case_count(int in_ci) {
  const char* text = std::getenv("AXIOM_SOUNDNESS_CASES");
  return text == nullptr ? in_ci : std::atoi(text);
}

Executor::Executor(const std::string& model_bytes) : backend_(make_reference_backend()) {
  graph_ = std::move(*taken(parse_onnx(model_bytes)));
  done(infer_shapes(graph_));
}

std::vector<float> Executor::operator()(const std::vector<float>& input) const {
  std::vector<Tensor> feed;
  auto at = input.begin();
  for (const ValueId id : graph_.inputs) {
    const TensorType& type = *graph_.values[static_cast<size_t>(id)].type;
    Tensor tensor(type.dtype, type.shape);
    for (float& entry : tensor.mutable_data<float>()) entry = *at++;
    feed.push_back(std::move(tensor));
  }
  const auto outputs = taken(run(graph_, feed, *backend_));
  std::vector<float> flat;
  for (const NamedTensor& output : *outputs) {
    const auto data = output.tensor.data<float>();
    flat.insert(flat.end(), data.begin(), data.end());
  }
  return flat;
}

Workbench::Workbench(const std::string& model_bytes, const std::string& property_text) {
  std::string pattern = (std::filesystem::temp_directory_path() / "axiom-soundness-XXXXXX").string();
  AXIOM_CHECK(mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;
  model_path_ = folder_ + "/model.onnx";
  property_path_ = folder_ + "/property.vnnlib";
  done(write_file(model_path_, model_bytes));
  done(write_file(property_path_, property_text));
}

Workbench::~Workbench() { std::filesystem::remove_all(folder_); }

Workbench::Answer Workbench::decide(Semantics semantics, double seconds, int threads) const {
  DecideOptions options;
  options.semantics = {semantics};
  options.timeout_seconds = seconds;
  options.threads = threads;
  options.certificate_path = folder_ + "/certificate";
  const Result<DecisionReport> report = taken(axiom::decide(model_path_, property_path_, options));
  Answer answer{report->decisions.at(0), ""};
  if (answer.decision.verdict == Verdict::kVerified) answer.certificate = *read_file(options.certificate_path);
  return answer;
}

bool Workbench::verifies(Semantics semantics) const {
  DecideOptions options;
  options.semantics = {semantics};
  options.timeout_seconds = 2;
  const Result<DecisionReport> report = axiom::decide(model_path_, property_path_, options);
  return report && report->decisions.at(0).verdict == Verdict::kVerified;
}

CheckOutcome Workbench::check(const std::string& certificate) const {
  // A plain write: thousands of mutants need not survive a crash.
  const std::string path = folder_ + "/mutant";
  AXIOM_CHECK(std::ofstream(path, std::ios::binary) << certificate);
  return *taken(run_checker(path, model_path_, property_path_, std::nullopt, ""));
}

bool is_unsafe(const Question& question, const std::vector<Rational>& x, const std::vector<Rational>& y,
               bool fed_as_floats) {
  for (const UnsafeCase& unsafe : question.cases) {
    const ExactBox box = fed_as_floats ? float_box(unsafe.box) : exact_box(unsafe.box);
    bool holds = true;
    for (size_t j = 0; j < x.size(); ++j) holds = holds && box.lower[j] <= x[j] && x[j] <= box.upper[j];
    for (const Inequality& inequality : unsafe.inequalities) holds = holds && inequality.slack(x, y) >= 0;
    if (holds) return true;
  }
  return false;
}

}  // namespace axiom::soundness
