// axiom theorem: a certificate as a theorem that Coq's kernel accepts.
//
// The certificate is checked by axiom-check first, so that Coq only sees what has a chance. The answer rests on three
// things that coqc says of files written in this run: that the theorem compiles, what its statement is, and from which
// axioms it follows.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "base/files.h"
#include "base/progress.h"
#include "base/sha256.h"
#include "certificate/checker_process.h"
#include "certificate/export/coq/assumptions.h"
#include "certificate/export/coq/theory.h"
#include "cli/certificate_header.h"
#include "cli/command.h"
#include "cli/coq.h"
#include "cli/options.h"
#include "cli/output.h"
#include "formats/onnx/onnx.h"
#include "formats/vnnlib/vnnlib.h"
#include "graph/infer.h"
#include "graph/lowering.h"

namespace axiom::cli {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLargeTree = 1'000'000;  ///< Bytes; from here on a theorem takes hours.

struct Arguments {
  std::string certificate, model, property, folder, library;
  double timeout = 1200;
  uint64_t memory_mb = 4096;
  bool json = false;
};

Error rejected(std::string message) { return {ErrorKind::kCertificate, std::move(message)}; }

/// What is known of the theorem: all that is reported.
struct Report {
  std::string statement;
  std::vector<CoqAssumption> assumptions;
  std::string semantics, model_digest, property_digest, certificate_digest, library;
  uint64_t tree_bytes = 0;
  struct File {
    std::string name;
    uint64_t bytes = 0;
    double seconds = 0, peak_mb = 0;
  };
  std::vector<File> files;

  double seconds() const {
    double sum = 0;
    for (const File& file : files) sum += file.seconds;
    return sum;
  }
  double peak_mb() const {
    double peak = 0;
    for (const File& file : files) peak = std::max(peak, file.peak_mb);
    return peak;
  }
};

/// The certificate's own words about model and property against what was read here. axiom-check has accepted it, so a
/// difference means that the two programs read the files differently.
Status same_question(const CertificateHeader& header, const std::string& model_digest, const Program& program,
                     const Property& property) {
  const auto differs = [](std::string_view what, const auto& said, const auto& found) {
    return internal_error(fmt::format("the certificate is about {} {}, and {} was read", what, said, found));
  };
  if (header.model_digest != model_digest) return differs("the model", header.model_digest, model_digest);
  if (header.property_digest != property.digest)
    return differs("the property", header.property_digest, property.digest);
  const std::pair<uint64_t, uint64_t> counts[] = {{header.inputs, program.input_count},
                                                  {header.outputs, program.outputs.size()},
                                                  {header.operators, program.ops.size()},
                                                  {header.elements, program.element_count},
                                                  {header.disjuncts, property.disjuncts.size()}};
  for (const auto& [said, found] : counts) {
    if (said != found) return differs("a core program with a count of", said, found);
  }
  return {};
}

Status check_first(const std::string& certificate, const Arguments& arguments) {
  const Result<CheckOutcome> outcome = run_checker(certificate, arguments.model, arguments.property, std::nullopt, "");
  if (!outcome) return outcome.error();
  if (outcome->accepted) return {};
  if (outcome->exit_code == kExitCertificate) return rejected(outcome->line + "; no file was written");
  return invalid_input(outcome->line);
}

struct Theory {
  std::vector<TheoryFile> files;
  Report report;
};

Result<Theory> make_theory(const Arguments& arguments) {
  const Result<PlainFile> plain = PlainFile::of(arguments.certificate);
  if (!plain) return plain.error();
  if (Status checked = check_first(plain->path(), arguments); !checked) return checked.error();
  const Result<std::string> bytes = read_file(plain->path());
  if (!bytes) return bytes.error();
  const Result<CertificateHeader> header = parse_certificate_header(*bytes);
  if (!header) return invalid_input(arguments.certificate + ": " + header.error().message);
  Result<Graph> graph = read_onnx(arguments.model);
  if (!graph) return graph.error();
  if (Status inferred = infer_shapes(*graph); !inferred) return inferred.error();
  const Result<Program> program = lower_to_program(*graph);
  if (!program) return program.error();
  for (const CoreOp& op : program->ops) {
    if (op.kind != CoreKind::kSoftmax) continue;
    return not_certifiable(fmt::format("node '{}': the theories that are written have no Softmax", op.name));
  }
  const Result<Property> property = read_vnnlib(arguments.property);
  if (!property) return property.error();
  if (Status same = same_question(*header, graph->model_digest, *program, *property); !same) return same.error();

  Theory theory;
  Report& report = theory.report;
  report.semantics = header->semantics;
  report.model_digest = header->model_digest;
  report.property_digest = header->property_digest;
  report.certificate_digest = sha256_hex(*bytes);
  report.tree_bytes = header->tree_bytes;
  const Semantics semantics = semantics_of(header->semantics).front();
  report.statement = coq_statement(semantics);
  theory.files = coq_theory({.program = *program,
                             .property = *property,
                             .semantics = semantics,
                             .tree = std::string_view(*bytes).substr(header->header_bytes),
                             .model_digest = report.model_digest,
                             .property_digest = report.property_digest,
                             .certificate_digest = report.certificate_digest});
  return theory;
}

/// Writes the files and removes what an earlier run compiled from others of the same names.
Status write_theory(const std::string& folder, const std::vector<TheoryFile>& files) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) return io_error(fmt::format("{}: cannot be made: {}", folder, failure.message()));
  for (const TheoryFile& file : files) {
    for (const char* suffix : {".vo", ".vos", ".vok", ".glob"})
      fs::remove(fs::path(folder) / (file.name + suffix), failure);
    if (Status written = write_file(folder + "/" + file.name + ".v", file.text); !written) return written;
  }
  return {};
}

/// The beginning of what coqc complained about: it quotes whole terms.
std::string complaint(const CoqRun& run) {
  std::string text = run.errors.substr(0, 600);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.empty() ? "coqc ended without a message" : text;
}

Error explain_failure(const CoqSetup& setup, const std::string& name, const CoqRun& run, const Arguments& arguments) {
  const std::string file = fmt::format("{}/{}.v", setup.folder, name);
  if (run.interrupted) return resource_error(fmt::format("{}: stopped on request", file));
  if (run.timed_out) {
    return resource_error(
        fmt::format("{}: not done within {:g} s for all files; give it more --timeout", file, arguments.timeout));
  }
  if (run.out_of_memory) {
    return resource_error(
        fmt::format("{}: more than {} MB of memory are needed; give it more --memory", file, arguments.memory_mb));
  }
  if (run.errors.find("\"true = true\"") != std::string::npos) {
    return rejected(
        fmt::format("{}: axiom-check accepts the certificate, and the function check_certificate of {} does "
                    "not; it covers no Sigmoid, no Tanh and no combination of constraints: {}",
                    file, setup.library, complaint(run)));
  }
  return rejected(fmt::format("{}: Coq does not accept it: {}", file, complaint(run)));
}

/// What Statement.v made Coq print: the theorem with its type, then the axioms.
Status read_statement(const std::string& output, Report& report) {
  const size_t axioms = output.find("Axioms:");
  const bool closed = output.find(kNoCoqAssumptions) != std::string::npos;
  const std::string answer = coq_answer(semantics_of(report.semantics).front());
  if (!output.starts_with(answer + "\n") || (axioms == std::string::npos && !closed))
    return rejected("Coq did not print the theorem and its axioms; nothing is proved");
  if (axioms != std::string::npos) report.assumptions = parse_coq_assumptions(output.substr(axioms));
  const std::vector<CoqAssumption> unexpected = unexpected_coq_assumptions(report.assumptions);
  if (unexpected.empty()) return {};
  return rejected(
      fmt::format("the theorem rests on {} : {}, which is not among the {} axioms of proofs/assumptions.txt{}",
                  unexpected.front().name, unexpected.front().type, allowed_coq_assumptions().size(),
                  unexpected.size() > 1 ? fmt::format(" ({} such axioms)", unexpected.size()) : ""));
}

Status compile_all(CoqSetup setup, const Arguments& arguments, Theory& theory) {
  Progress progress("theorem", "files", static_cast<int64_t>(theory.files.size()));
  int64_t done = 0;
  for (const TheoryFile& file : theory.files) {
    setup.seconds = arguments.timeout - theory.report.seconds();
    const Result<CoqRun> run = compile_coq(setup, file.name, [&](double seconds) {
      progress.update(done, fmt::format("{}.v {}", file.name, duration_text(seconds)));
    });
    if (!run) return run.error();
    if (!run->accepted) return explain_failure(setup, file.name, *run, arguments);
    theory.report.files.push_back({file.name, file.text.size(), run->seconds, run->peak_mb});
    ++done;
    if (file.name != theory.files.back().name) continue;
    return read_statement(run->output, theory.report);
  }
  return internal_error("a theory without files");
}

Json report_json(const Report& report, const Arguments& arguments) {
  Json files = Json::array();
  for (const Report::File& file : report.files) {
    files.push_back(
        {{"name", file.name + ".v"}, {"bytes", file.bytes}, {"seconds", file.seconds}, {"peak_mb", file.peak_mb}});
  }
  Json assumptions = Json::array();
  for (const CoqAssumption& a : report.assumptions) assumptions.push_back({{"name", a.name}, {"type", a.type}});
  return {{"schema", "axiom.theorem.v1"},
          {"accepted", true},
          {"statement", report.statement},
          {"semantics", report.semantics},
          {"model_sha256", report.model_digest},
          {"property_sha256", report.property_digest},
          {"certificate_sha256", report.certificate_digest},
          {"tree_bytes", report.tree_bytes},
          {"folder", arguments.folder},
          {"library", report.library},
          {"seconds", report.seconds()},
          {"peak_mb", report.peak_mb()},
          {"files", std::move(files)},
          {"assumptions", std::move(assumptions)}};
}

std::string report_text(const Report& report, const Arguments& arguments) {
  std::string text = coloured("THEOREM", Colour::kGreen) +
                     fmt::format(" {} {} {} {} accepted by Coq's kernel\n", short_name(arguments.model),
                                 short_name(arguments.property), seconds_text(report.seconds()), report.semantics);
  text += fmt::format("statement    {}\n", report.statement);
  text += fmt::format("assumptions  {}, all of them in proofs/assumptions.txt\n", report.assumptions.size());
  for (const Report::File& file : report.files) {
    text += fmt::format("  {:<14} {:>10}  {:>7}  {:>5.0f} MB\n", file.name + ".v", bytes_text(file.bytes),
                        seconds_text(file.seconds), file.peak_mb);
  }
  return text + fmt::format("in {}\n", arguments.folder);
}

Result<int> theorem(const Arguments& arguments) {
  const Result<std::string> coqc = find_coqc();
  if (!coqc) return coqc.error();
  const Result<std::string> library = find_coq_library(arguments.library);
  if (!library) return library.error();
  Result<Theory> theory = make_theory(arguments);
  if (!theory) return theory.error();
  theory->report.library = *library;
  if (theory->report.tree_bytes > kLargeTree) {
    print_error("theorem", fmt::format("the tree has {} and becomes one file: this may take hours",
                                       bytes_text(theory->report.tree_bytes)));
  }
  if (Status written = write_theory(arguments.folder, theory->files); !written) return written.error();
  const CoqSetup setup = {
      .coqc = *coqc, .library = *library, .folder = arguments.folder, .memory_bytes = arguments.memory_mb * 1'000'000};
  if (Status accepted = compile_all(setup, arguments, *theory); !accepted) return accepted.error();
  if (arguments.json) {
    print_json(report_json(theory->report, arguments));
  } else {
    print(report_text(theory->report, arguments));
  }
  return kExitSuccess;
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("CERTIFICATE", arguments->certificate, "certificate, as written by axiom verify")->required();
  app.add_option("--model", arguments->model, "the network it is about")->option_text("FILE")->required();
  app.add_option("--property", arguments->property, "the property it is about")->option_text("FILE")->required();
  app.add_option("--coq", arguments->folder, "where the Coq files go; made if it is not there")
      ->option_text("DIR")
      ->required();
  app.add_option("--library", arguments->library, "the compiled folder proofs/; default: that of the source tree")
      ->option_text("DIR");
  add_timeout(app, arguments->timeout, "wall clock for all of Coq's work; default 1200");
  app.add_option("--memory", arguments->memory_mb, "memory that Coq may use; default 4096")
      ->option_text("MB")
      ->check(CLI::Range(uint64_t{256}, uint64_t{1'000'000}));
  add_json(app, arguments->json);
  return [arguments] { return theorem(*arguments); };
}

}  // namespace

extern const Command theorem_command{
    .name = "theorem",
    .summary = "turn a certificate into a theorem that Coq's kernel accepts",
    .examples =
        "axiom theorem proof.axc --model net.onnx --property property.vnnlib --coq theory\n"
        "axiom theorem proof.axc --model net.onnx --property property.vnnlib --coq theory --timeout 3600 --json\n",
    .notes =
        "Needs Coq 8.16 and the compiled library (make -C proofs). The certificate is checked by axiom-check first;\n"
        "a rejected one writes nothing. Coq's answer counts only with the expected statement and axioms.\n"
        "Exit codes: 0 accepted, 3 not covered, 5 rejected, 4 a file or Coq is missing, 6 "
        "out of time or memory.",
    .declare = declare};

}  // namespace axiom::cli
