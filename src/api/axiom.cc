// The public interface: conversions between its types and those of the folders above, which do the work.
#include "axiom/axiom.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <sstream>
#include <thread>

#include "base/result.h"
#include "certificate/certify.h"
#include "certificate/checker_process.h"
#include "formats/onnx/onnx.h"
#include "graph/infer.h"
#include "runtime/backends/reference/reference.h"
#include "runtime/executor.h"

namespace axiom::api {
namespace {

Failure to_failure(const Error& error) {
  const auto kind = [&] {
    switch (error.kind) {
      case ErrorKind::kUsage:
        return FailureKind::kUsage;
      case ErrorKind::kInvalidInput:
        return FailureKind::kInvalidInput;
      case ErrorKind::kNotCertifiable:
        return FailureKind::kNotCertifiable;
      case ErrorKind::kCertificate:
        return FailureKind::kCertificate;
      case ErrorKind::kResource:
        return FailureKind::kResource;
      case ErrorKind::kIo:
        return FailureKind::kIo;
      case ErrorKind::kInternal:
        return FailureKind::kInternal;
    }
    return FailureKind::kInternal;
  }();
  return {kind, error.message};
}

/// The checker to run: the one given, else the one beside the running program, else the first on PATH.
std::string choose_checker(const std::filesystem::path& given) {
  if (!given.empty() || find_checker("")) return given.string();
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::filesystem::path candidate = std::filesystem::path(folder) / "axiom-check";
    if (!folder.empty() && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

/// A folder of this call alone, for a certificate that is not kept: calls from several threads do not meet.
class ScratchFolder {
 public:
  static Result<ScratchFolder> make() {
    std::error_code error;
    std::string name = (std::filesystem::temp_directory_path(error) / "axiom-XXXXXX").string();
    if (error || mkdtemp(name.data()) == nullptr)
      return Failure{FailureKind::kIo, name + ": cannot create a temporary folder: " + std::strerror(errno)};
    return ScratchFolder(name);
  }
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

std::vector<TensorInfo> describe(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<TensorInfo> infos;
  for (const ValueId id : ids) {
    const Value& value = graph.values[static_cast<size_t>(id)];
    infos.push_back({value.name, value.type->shape});
  }
  return infos;
}

Failure not_float(const char* what, const std::string& name, DType dtype) {
  return {FailureKind::kUsage,
          std::string("run: ") + what + " '" + name + "' is " + std::string(dtype_name(dtype)) + ", not float32"};
}

Report to_report(const Decision& decision) {
  Report report;
  report.verdict = decision.verdict == axiom::Verdict::kVerified   ? Verdict::kVerified
                   : decision.verdict == axiom::Verdict::kViolated ? Verdict::kViolated
                                                                   : Verdict::kUnknown;
  if (report.verdict == Verdict::kUnknown)
    report.reason = std::string(reason_name(decision.reason)) + ": " + decision.explanation;
  if (decision.witness) {
    report.input = decision.witness->input;
    report.output = decision.witness->output;
  }
  report.certificate_digest = decision.certificate_digest;
  report.leaves = decision.leaves;
  report.seconds = decision.seconds;
  return report;
}

}  // namespace

struct Model::State {
  std::filesystem::path path;
  Graph graph;
};

Result<Model> Model::load(const std::filesystem::path& onnx) {
  axiom::Result<Graph> graph = read_onnx(onnx.string());
  if (!graph) return to_failure(graph.error());
  if (Status inferred = infer_shapes(*graph); !inferred) return to_failure(inferred.error());
  return Model(std::make_shared<State>(State{onnx, std::move(*graph)}));
}

const std::string& Model::digest() const { return state_->graph.model_digest; }
std::vector<TensorInfo> Model::inputs() const { return describe(state_->graph, state_->graph.inputs); }
std::vector<TensorInfo> Model::outputs() const { return describe(state_->graph, state_->graph.outputs); }

Result<std::vector<float>> Model::run(std::span<const float> input) const {
  const Graph& graph = state_->graph;
  size_t expected = 0;
  for (const ValueId id : graph.inputs) {
    const Value& value = graph.values[static_cast<size_t>(id)];
    if (value.type->dtype != DType::kFloat32) return not_float("input", value.name, value.type->dtype);
    expected += static_cast<size_t>(*element_count(value.type->shape));
  }
  if (input.size() != expected)
    return Failure{FailureKind::kUsage, "run: the model takes " + std::to_string(expected) + " numbers, given are " +
                                            std::to_string(input.size())};
  std::vector<Tensor> tensors;
  for (const ValueId id : graph.inputs) {
    const Value& value = graph.values[static_cast<size_t>(id)];
    Tensor tensor(DType::kFloat32, value.type->shape);
    const std::span<float> data = tensor.mutable_data<float>();
    std::copy_n(input.begin(), data.size(), data.begin());
    input = input.subspan(data.size());
    tensors.push_back(std::move(tensor));
  }
  const std::unique_ptr<Backend> backend = make_reference_backend();
  axiom::Result<std::vector<NamedTensor>> outputs = axiom::run(graph, tensors, *backend);
  if (!outputs) return to_failure(outputs.error());
  std::vector<float> flat;
  for (const auto& [name, tensor] : *outputs) {
    if (tensor.dtype() != DType::kFloat32) return not_float("output", name, tensor.dtype());
    const std::span<const float> data = tensor.data<float>();
    flat.insert(flat.end(), data.begin(), data.end());
  }
  return flat;
}

Result<Report> verify(const Model& model, const std::filesystem::path& vnnlib, const VerifyOptions& options) {
  if (!(options.timeout_seconds > 0)) return Failure{FailureKind::kUsage, "verify: timeout_seconds must be positive"};
  if (options.threads < 0) return Failure{FailureKind::kUsage, "verify: threads must not be negative"};
  Result<ScratchFolder> scratch = ScratchFolder::make();
  if (!scratch) return scratch.failure();
  DecideOptions decide_options;
  decide_options.semantics = {options.semantics == Semantics::kReal ? axiom::Semantics::kReal
                                                                    : axiom::Semantics::kFloat32};
  decide_options.timeout_seconds = options.timeout_seconds;
  decide_options.threads =
      options.threads > 0 ? options.threads : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  decide_options.certificate_path =
      options.certificate.empty() ? scratch->file("certificate") : options.certificate.string();
  decide_options.checker_path = choose_checker(options.checker);
  const std::string& path = model.state().path.string();
  axiom::Result<DecisionReport> report = decide(path, vnnlib.string(), decide_options);
  if (!report) return to_failure(report.error());
  if (report->model_digest != model.digest())
    return Failure{FailureKind::kInvalidInput, path + ": the file has changed since the model was loaded"};
  return to_report(report->decisions.front());
}

Result<std::string> check(const std::filesystem::path& onnx, const std::filesystem::path& vnnlib,
                          const std::filesystem::path& certificate, const std::filesystem::path& checker) {
  axiom::Result<CheckOutcome> outcome =
      run_checker(certificate.string(), onnx.string(), vnnlib.string(), std::nullopt, choose_checker(checker));
  if (!outcome) return to_failure(outcome.error());
  if (!outcome->accepted) return Failure{FailureKind::kCertificate, outcome->line};
  return outcome->line;
}

std::string version() { return AXIOM_VERSION; }

}  // namespace axiom::api
