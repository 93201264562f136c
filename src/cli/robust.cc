// One question an input: its VNN-LIB text from properties/robust.h, decided like any other. --largest-eps asks several
// and keeps the certificate of the greatest eps that was verified; an eps that stayed open counts as not verified.
#include "cli/robust.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "base/files.h"
#include "certificate/checker_process.h"
#include "cli/interrupt.h"
#include "cli/library_options.h"
#include "cli/output.h"
#include "cli/tensor_arguments.h"
#include "cli/verdict.h"
#include "formats/onnx/onnx.h"
#include "formats/tensors/json.h"
#include "graph/infer.h"
#include "properties/robust.h"
#include "runtime/backends/reference/reference.h"
#include "runtime/executor.h"

namespace axiom::cli {
namespace {

using Clock = std::chrono::steady_clock;

Error at(const std::string& place, const Error& error) { return {error.kind, place + ": " + error.message}; }

/// "0.1,0.2,0.3"
Result<std::vector<Decimal>> decimals_of(const char* option, const std::string& text) {
  std::vector<Decimal> out;
  for (size_t begin = 0; !text.empty() && begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const Result<Decimal> number = decimal_of(option, text.substr(begin, end - begin));
    if (!number) return number.error();
    out.push_back(*number);
    begin = end + 1;
  }
  return out;
}

/// The inputs of a file, one a row.
struct Inputs {
  std::string path;
  size_t rows = 0, length = 0;
  std::vector<double> numbers;

  std::string name(size_t row) const { return fmt::format("{}: input {}", path, row); }
  /// The exact values of the numbers; all are finite.
  std::vector<Decimal> pixels(size_t row) const {
    std::vector<Decimal> out;
    out.reserve(length);
    for (size_t j = 0; j < length; ++j) out.push_back(Decimal::exact(numbers[row * length + j]));
    return out;
  }
};

Result<Tensor> only_tensor(const std::string& path, DType json_dtype) {
  Result<NamedTensors> tensors = read_tensors(path, json_dtype);
  if (!tensors) return tensors.error();
  if (tensors->size() == 1) return tensors->begin()->second;
  return invalid_input(
      fmt::format("{}: holds {} tensors; one with an input in each row is wanted", path, tensors->size()));
}

Result<Inputs> read_inputs(const std::string& path, size_t length) {
  const Result<Tensor> tensor = only_tensor(path, DType::kFloat64);
  if (!tensor) return tensor.error();
  Inputs inputs{path, 1, length, entries(*tensor)};
  const Shape& shape = tensor->shape();
  if (inputs.numbers.size() != length) {
    inputs.rows = shape.empty() ? 0 : static_cast<size_t>(shape[0]);
    if (inputs.rows == 0 || inputs.numbers.size() != inputs.rows * length)
      return invalid_input(
          fmt::format("{}: shape {}; the network takes {} numbers, so give one row of that many for "
                      "each input",
                      path, to_string(shape), length));
  }
  for (size_t i = 0; i < inputs.numbers.size(); ++i) {
    if (!std::isfinite(inputs.numbers[i]))
      return invalid_input(fmt::format("{}: number {} is not finite", inputs.name(i / length), i % length));
  }
  return inputs;
}

Result<std::vector<size_t>> read_labels(const std::string& path, size_t rows, size_t classes) {
  std::vector<size_t> labels;
  if (path.empty()) return labels;
  const Result<Tensor> tensor = only_tensor(path, DType::kInt64);
  if (!tensor) return tensor.error();
  const std::vector<double> numbers = entries(*tensor);
  if (numbers.size() != rows)
    return invalid_input(
        fmt::format("{}: {} labels for {} inputs; one for each is wanted", path, numbers.size(), rows));
  for (size_t row = 0; row < rows; ++row) {
    const double label = numbers[row];
    if (!(label >= 0 && label < static_cast<double>(classes) && label == std::floor(label)))
      return invalid_input(
          fmt::format("{}: label {} is {}; the network has the classes 0 to {}", path, row, label, classes - 1));
    labels.push_back(static_cast<size_t>(label));
  }
  return labels;
}

/// All that is asked, read and found to fit.
struct Task {
  Graph graph;
  PixelScale scale;
  Decimal eps;
  Inputs inputs;
  std::vector<size_t> labels;     ///< Empty when not given.
  std::vector<size_t> predicted;  ///< By the network, of each input.

  size_t decision(size_t row) const { return labels.empty() ? predicted[row] : labels[row]; }
  bool correct(size_t row) const { return labels.empty() || predicted[row] == labels[row]; }
};

Status predict(Task& task) {
  const std::unique_ptr<Backend> backend = make_reference_backend();
  for (size_t row = 0; row < task.inputs.rows && !interrupted(); ++row) {
    const Result<std::vector<float>> input = task.scale.input(task.inputs.pixels(row));
    if (!input) return at(task.inputs.name(row), input.error());
    const Result<std::vector<float>> scores = run_flat(task.graph, *input, *backend);
    if (!scores) return at(task.inputs.name(row), scores.error());
    const std::optional<size_t> decision = decision_of(*scores);
    if (!decision) return invalid_input(task.inputs.name(row) + ": the network gives NaN there");
    task.predicted.push_back(*decision);
  }
  task.inputs.rows = task.predicted.size();
  return {};
}

Result<Task> read_task(const std::string& model_path, const RobustArguments& arguments) {
  if (arguments.eps.empty())
    return usage_error("--robust: how far around the inputs? Give --eps E, in the units of the inputs");
  const Result<Decimal> eps = decimal_of("--eps", arguments.eps);
  if (!eps) return eps.error();
  if (eps->is_negative() || (arguments.largest && eps->is_zero()))
    return usage_error(
        fmt::format("--eps: {} is {}", eps->to_string(),
                    arguments.largest ? "not above 0; --largest-eps searches from 0 to it" : "negative"));
  const Result<std::vector<Decimal>> mean = decimals_of("--mean", arguments.mean);
  if (!mean) return mean.error();
  const Result<std::vector<Decimal>> deviation = decimals_of("--std", arguments.deviation);
  if (!deviation) return deviation.error();
  std::optional<Interval> range;
  if (!arguments.range.empty()) {
    Result<Interval> given = interval_of("--input-range", arguments.range);
    if (!given) return given.error();
    range = std::move(*given);
  }
  Result<Graph> graph = read_onnx(model_path);
  if (!graph) return graph.error();
  if (Status inferred = infer_shapes(*graph); !inferred) return inferred.error();
  if (Status decides = check_decides(*graph); !decides) return decides.error();
  Result<PixelScale> scale = PixelScale::make(*graph, *mean, *deviation, std::move(range));
  if (!scale) return scale.error();
  Result<Inputs> inputs = read_inputs(arguments.inputs, scale->size());
  if (!inputs) return inputs.error();
  Result<std::vector<size_t>> labels = read_labels(arguments.labels, inputs->rows, output_count(*graph));
  if (!labels) return labels.error();
  Task task{std::move(*graph), std::move(*scale), *eps, std::move(*inputs), std::move(*labels), {}};
  if (Status predicted = predict(task); !predicted) return predicted.error();
  return task;
}

/// What became of one eps.
struct Answer {
  Decimal eps;
  std::string vnnlib;
  DecisionReport report;
  Verdict verdict() const { return overall(report); }
};

/// What became of one input: the answer that counts, and what --largest-eps found out.
struct Row {
  size_t input = 0;
  Answer answer;
  std::optional<Decimal> largest_verified, smallest_violated;
  std::string property_path;  ///< Where its text was kept; empty: nowhere.
  size_t questions = 0;
  double seconds = 0;
};

/// The files of one input in the folder of --certificate.
struct Kept {
  Kept(const std::string& folder, size_t row) {
    if (!folder.empty()) stem = (std::filesystem::path(folder) / fmt::format("input_{:04}", row)).string();
  }
  std::string certificate() const { return stem.empty() ? "" : stem + ".axc"; }
  std::string property() const { return stem.empty() ? "" : stem + ".vnnlib"; }
  std::string stem;  ///< Empty: nothing is kept.
};

void remove_certificates(const std::string& path) {
  std::error_code ignored;
  if (path.empty()) return;
  std::filesystem::remove(path, ignored);
  std::filesystem::remove(path + ".real", ignored);
}

/// Moves certificate and its `.real` to their names, in the report too.
Status keep_certificates(Answer& answer, const std::string& from, const std::string& to) {
  for (Decision& decision : answer.report.decisions) {
    if (decision.certificate_path.empty()) continue;
    const std::string name = to + decision.certificate_path.substr(from.size());
    std::error_code failure;
    std::filesystem::rename(decision.certificate_path, name, failure);
    if (failure) return io_error(name + ": " + failure.message());
    decision.certificate_path = name;
  }
  return {};
}

class Asker {
 public:
  Asker(const Task& task, const DecideOptions& options, const Decide& decide)
      : task_(task), options_(options), decide_(decide) {}

  /// One eps. The certificate, if there is one, lies under `certificate`.
  Result<Answer> ask(size_t row, const Decimal& eps, const std::string& certificate) const {
    Result<LibraryText> text =
        robust_text({task_.graph, task_.scale, task_.inputs.pixels(row), eps, task_.decision(row)});
    if (!text) return at(task_.inputs.name(row), text.error());
    const Result<PlainFile> file = PlainFile::holding(text->vnnlib);
    if (!file) return file.error();
    DecideOptions options = options_;
    options.certificate_path = certificate;
    Result<DecisionReport> report = decide_(file->path(), options);
    if (!report) return at(task_.inputs.name(row), report.error());
    return Answer{eps, std::move(text->vnnlib), std::move(*report)};
  }

  /// The certificates of an earlier run are removed first, since they would speak of another text.
  Result<Row> fixed(size_t row, const Kept& kept) const {
    remove_certificates(kept.certificate());
    Result<Answer> answer = ask(row, task_.eps, kept.certificate());
    if (!answer) return answer.error();
    return finished({row, std::move(*answer), {}, {}, "", 1, 0}, kept);
  }

  /// Bisection between 0 and --eps. A wrong decision is wrong for every eps, so 0 is asked.
  Result<Row> largest(size_t row, const Kept& kept, int bisections) const {
    remove_certificates(kept.certificate());
    const bool correct = task_.correct(row);
    const std::string candidate = kept.certificate().empty() ? "" : kept.certificate() + ".candidate";
    const Decimal half = *Decimal::parse("0.5");
    Decimal low, high = correct ? task_.eps : Decimal(), eps = high;
    std::optional<Row> out;
    size_t questions = 0;
    std::optional<Decimal> violated;
    for (int step = 0; step <= (correct ? bisections : 0) && !(step > 0 && interrupted()); ++step) {
      Result<Answer> answer = ask(row, eps, candidate);
      if (!answer) return answer.error();
      ++questions;
      const bool verified = answer->verdict() == Verdict::kVerified;
      if (answer->verdict() == Verdict::kViolated) violated = eps;
      if (verified) {
        if (Status moved = keep_certificates(*answer, candidate, kept.certificate()); !moved) return moved.error();
        out = Row{row, std::move(*answer), eps, {}, "", 0, 0};
        low = eps;
        if (step == 0) break;
      } else {
        remove_certificates(candidate);
        for (Decision& decision : answer->report.decisions) decision.certificate_path.clear();
        if (!out || !out->largest_verified) out = Row{row, std::move(*answer), {}, {}, "", 0, 0};
        high = eps;
      }
      eps = (low + high) * half;
    }
    out->questions = questions;
    out->smallest_violated = violated;
    return finished(std::move(*out), kept);
  }

 private:
  Result<Row> finished(Row row, const Kept& kept) const {
    if (kept.property().empty()) return row;
    if (Status written = write_file(kept.property(), row.answer.vnnlib); !written) return written.error();
    row.property_path = kept.property();
    return row;
  }

  const Task& task_;
  const DecideOptions& options_;
  const Decide& decide_;
};

struct Summary {
  size_t inputs = 0, correct = 0, verified = 0, violated = 0, unknown = 0;
};

double share(size_t part, size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}
double percent(size_t part, size_t whole) { return 100 * share(part, whole); }

void count(Summary& summary, const Task& task, const Row& row) {
  ++summary.inputs;
  summary.correct += task.correct(row.input);
  const Verdict verdict = row.answer.verdict();
  (verdict == Verdict::kVerified   ? summary.verified
   : verdict == Verdict::kViolated ? summary.violated
                                   : summary.unknown)++;
}

/// The class that a counterexample is taken for: the greatest of the others.
size_t class_of_witness(const Witness& witness, size_t decision) {
  size_t best = decision == 0 ? 1 : 0;
  for (size_t k = 0; k < witness.output.size(); ++k) {
    if (k != decision && witness.output[k] > witness.output[best]) best = k;
  }
  return best;
}

std::string outcome_text(const Decision& decision, size_t class_asked) {
  if (decision.verdict == Verdict::kVerified) {
    return fmt::format(
        "cert sha256:{} {}", decision.certificate_digest,
        decision.certificate_path.empty() ? "(checked, then deleted)" : "in " + decision.certificate_path);
  }
  if (decision.verdict == Verdict::kViolated && decision.witness) {
    return fmt::format("class {} instead, margin {:.3g}, {}, found by {}",
                       class_of_witness(*decision.witness, class_asked), decision.witness->margin,
                       decision.witness->robust ? "robust" : "within rounding noise", decision.witness->origin);
  }
  return fmt::format("{}: {}", reason_name(decision.reason), decision.explanation);
}

std::string eps_text(const Row& row, bool largest) {
  if (!largest) return "eps " + row.answer.eps.to_string();
  std::string out =
      row.largest_verified ? "largest eps " + row.largest_verified->to_string() : std::string("no eps verified");
  if (row.smallest_violated) out += fmt::format(", {} violated", row.smallest_violated->to_string());
  return out + fmt::format(" ({} asked)", row.questions);
}

std::string row_text(const std::string& model_path, const Task& task, const Row& row, bool largest) {
  std::string out;
  for (const Decision& decision : row.answer.report.decisions) {
    out += fmt::format("{} {} input {} class {} {} {} {} {} {}\n", verdict_word(decision.verdict),
                       short_name(model_path), row.input, task.decision(row.input), eps_text(row, largest),
                       seconds_text(largest ? row.seconds : decision.seconds),
                       count_text(decision.leaves, "leaf", "leaves"), semantics_name(decision.semantics),
                       outcome_text(decision, task.decision(row.input)));
  }
  return out;
}

Decimal median(std::vector<Decimal> numbers) {
  std::sort(numbers.begin(), numbers.end(), [](const Decimal& a, const Decimal& b) { return compare(a, b) < 0; });
  return numbers[(numbers.size() - 1) / 2];
}

std::string summary_text(const Task& task, const Summary& summary, const std::vector<Decimal>& largest,
                         bool largest_asked) {
  std::string out = count_text(summary.inputs, "input", "inputs");
  if (!largest_asked) out += ", eps " + task.eps.to_string();
  out += fmt::format(": {} verified, {} violated, {} unknown", summary.verified, summary.violated, summary.unknown);
  if (task.labels.empty()) {
    out += fmt::format("; certified {:.2f} %", percent(summary.verified, summary.inputs));
  } else {
    out += fmt::format("; certified accuracy {:.2f} %, clean accuracy {:.2f} %",
                       percent(summary.verified, summary.inputs), percent(summary.correct, summary.inputs));
  }
  if (!largest.empty()) {
    const auto below = [](const Decimal& a, const Decimal& b) { return compare(a, b) < 0; };
    out += fmt::format(
        "; largest eps from {} to {}, median {}", std::min_element(largest.begin(), largest.end(), below)->to_string(),
        std::max_element(largest.begin(), largest.end(), below)->to_string(), median(largest).to_string());
  }
  return out + "\n";
}

Json row_json(const Task& task, const Row& row, bool largest) {
  const Json verdict = verdict_json(row.answer.report);
  Json property = {{"sha256", row.answer.report.property_digest}};
  if (!row.property_path.empty()) property["path"] = row.property_path;
  Json out = {{"input", row.input}, {"class", task.decision(row.input)}, {"predicted", task.predicted[row.input]}};
  if (!task.labels.empty()) out["label"] = task.labels[row.input];
  if (largest) {
    out["largest_verified_eps"] = row.largest_verified ? Json(row.largest_verified->to_string()) : Json();
    out["smallest_violated_eps"] = row.smallest_violated ? Json(row.smallest_violated->to_string()) : Json();
    out["questions"] = row.questions;
  }
  out["eps"] = row.answer.eps.to_string();
  out["property"] = std::move(property);
  out["verdict"] = verdict["verdict"];
  out["results"] = verdict["results"];
  return out;
}

Json robust_json(const std::string& model_path, const Task& task, const Summary& summary, Json rows, bool complete) {
  Json counts = {{"inputs", summary.inputs},
                 {"verified", summary.verified},
                 {"violated", summary.violated},
                 {"unknown", summary.unknown},
                 {"certified_accuracy", share(summary.verified, summary.inputs)}};
  if (!task.labels.empty()) counts["clean_accuracy"] = share(summary.correct, summary.inputs);
  return {{"schema", "axiom.robust.v1"},
          {"axiom", AXIOM_VERSION},
          {"model", {{"path", model_path}, {"sha256", task.graph.model_digest}}},
          {"inputs", task.inputs.path},
          {"eps", task.eps.to_string()},
          {"complete", complete},
          {"summary", std::move(counts)},
          {"rows", std::move(rows)}};
}

Status make_folder(const std::string& path) {
  if (path.empty()) return {};
  std::error_code failure;
  std::filesystem::create_directories(path, failure);
  if (!failure && std::filesystem::is_directory(path, failure)) return {};
  return io_error(fmt::format("{}: --certificate names a folder here, and it cannot be made: {}", path,
                              failure ? failure.message() : "a file is in its place"));
}

}  // namespace

void add_robust_options(CLI::App& app, RobustArguments& arguments) {
  app.add_option(
         "--robust", arguments.inputs,
         "in place of PROPERTY: the decision is the same everywhere within --eps of each input in FILE, .npy or "
         ".json with an input in each row")
      ->option_text("FILE");
  app.add_option("--eps", arguments.eps, "--robust: greatest change of any number, in the units of the inputs")
      ->option_text("E");
  app.add_option("--labels", arguments.labels,
                 "--robust: the right class of each input; default: what the network decides at the input")
      ->option_text("FILE");
  app.add_option("--mean", arguments.mean, "--robust: the network is fed (input - mean) / std; one number a channel")
      ->option_text("A,B,C");
  app.add_option("--std", arguments.deviation, "--robust: see --mean")->option_text("A,B,C");
  app.add_flag("--largest-eps", arguments.largest,
               "--robust: the largest eps that can be verified for each input, at most --eps");
  app.add_option("--bisections", arguments.bisections, "--largest-eps: how often the interval is halved; default 10")
      ->option_text("N")
      ->check(CLI::Range(1, 60));
}

bool any_robust_option(const RobustArguments& arguments) {
  return !arguments.eps.empty() || !arguments.labels.empty() || !arguments.mean.empty() ||
         !arguments.deviation.empty() || arguments.largest || arguments.bisections != RobustArguments().bisections;
}

Result<int> verify_robust(const std::string& model_path, const RobustArguments& arguments, const DecideOptions& options,
                          const Decide& decide, bool json) {
  const Result<Task> task = read_task(model_path, arguments);
  if (!task) return task.error();
  const std::string& folder = options.certificate_path;
  if (Status made = make_folder(folder); !made) return made.error();
  const Asker asker(*task, options, decide);
  Summary summary;
  std::vector<Decimal> largest;
  Json rows = Json::array();
  for (size_t row = 0; row < task->inputs.rows && !interrupted(); ++row) {
    const Clock::time_point start = Clock::now();
    const Kept kept(folder, row);
    Result<Row> answer = arguments.largest ? asker.largest(row, kept, arguments.bisections) : asker.fixed(row, kept);
    if (!answer) return answer.error();
    answer->seconds = std::chrono::duration<double>(Clock::now() - start).count();
    count(summary, *task, *answer);
    if (answer->largest_verified) largest.push_back(*answer->largest_verified);
    if (json) {
      rows.push_back(row_json(*task, *answer, arguments.largest));
    } else {
      print(row_text(model_path, *task, *answer, arguments.largest));
      std::fflush(stdout);
    }
  }
  const bool complete = summary.inputs == task->inputs.rows && !interrupted();
  if (json)
    print_json(robust_json(model_path, *task, summary, std::move(rows), complete));
  else
    print(summary_text(*task, summary, largest, arguments.largest));
  if (!complete) print_error("verify", fmt::format("stopped after {} of {} inputs", summary.inputs, task->inputs.rows));
  if (summary.violated > 0) return kExitViolated;
  return summary.unknown > 0 || !complete ? kExitUnknown : kExitSuccess;
}

}  // namespace axiom::cli
