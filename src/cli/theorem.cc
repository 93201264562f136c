// axiom theorem: a certificate as a theorem that Coq's kernel accepts.
//
// The certificate is checked by axiom-check first, so that Coq only sees what has a chance. The answer rests on three
// things that coqc says of files written in this run: that the theorem compiles, what its statement is, and from which
// axioms it follows.
#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>

#include "base/files.h"
#include "base/progress.h"
#include "base/sha256.h"
#include "certificate/checker_process.h"
#include "certificate/export/coq/assumptions.h"
#include "certificate/export/coq/theory.h"
#include "cli/bundle.h"
#include "cli/certificate_header.h"
#include "cli/command.h"
#include "cli/coq.h"
#include "cli/kernel.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/replay.h"
#include "cli/theorem.h"
#include "formats/onnx/onnx.h"
#include "formats/vnnlib/vnnlib.h"
#include "graph/infer.h"
#include "graph/lowering.h"

namespace axiom::cli {
namespace {

namespace fs = std::filesystem;

struct Arguments : TheoremRequest {
  std::string lean, isabelle, replay;
  bool json = false;
};

Error rejected(std::string message) { return {ErrorKind::kCertificate, std::move(message)}; }

/// The certificate's own words about model and property against what was read here. When axiom-check has accepted it, a
/// difference means that the two programs read the files differently.
Status same_question(const CertificateHeader& header, const std::string& model_digest, const Program& program,
                     const Property& property, bool checked_first) {
  const auto differs = [&](std::string_view what, const auto& said, const auto& found) {
    return Error{checked_first ? ErrorKind::kInternal : ErrorKind::kCertificate,
                 fmt::format("the certificate is about {} {}, and {} was read", what, said, found)};
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

/// The nodes of the tree, when axiom-check accepts it; none when it does not and nobody asked that it should.
Result<std::vector<TreeNode>> check_first(const std::string& certificate, const TheoremRequest& arguments) {
  const Result<TemporaryFile> nodes = TemporaryFile::make(".nodes");
  if (!nodes) return nodes.error();
  const Result<CheckOutcome> outcome =
      run_checker(certificate, arguments.model, arguments.property, std::nullopt, "", 1, nodes->path());
  if (!outcome) return outcome.error();
  if (outcome->accepted) {
    const Result<std::string> text = read_file(nodes->path());
    if (!text) return text.error();
    return parse_tree_nodes(*text);
  }
  if (!arguments.checked_first) return std::vector<TreeNode>{};
  if (outcome->exit_code == kExitCertificate) return rejected(outcome->line + "; no file was written");
  return invalid_input(outcome->line);
}

}  // namespace

Result<Theory> make_theory(const TheoremRequest& arguments) {
  const Result<PlainFile> plain = PlainFile::of(arguments.certificate);
  if (!plain) return plain.error();
  Result<std::vector<TreeNode>> nodes = check_first(plain->path(), arguments);
  if (!nodes) return nodes.error();
  Result<std::string> bytes = read_file(plain->path());
  if (!bytes) return bytes.error();
  const Result<CertificateHeader> header = parse_certificate_header(*bytes);
  if (!header) return rejected(arguments.certificate + ": " + header.error().message);
  Result<Graph> graph = read_onnx(arguments.model);
  if (!graph) return graph.error();
  if (Status inferred = infer_shapes(*graph); !inferred) return inferred.error();
  Result<Program> program = lower_to_program(*graph);
  if (!program) return program.error();
  for (const CoreOp& op : program->ops) {
    if (!is_proved_in_coq(op))
      return not_certifiable(fmt::format("node '{}': rule not proved in Coq yet: {}", op.name, core_name(op)));
  }
  Result<Property> property = read_vnnlib(arguments.property, *graph);
  if (!property) return property.error();
  if (Status same = same_question(*header, graph->model_digest, *program, *property, arguments.checked_first); !same)
    return same.error();

  Theory theory{std::move(*program), std::move(*property), std::move(*bytes), std::move(*nodes), {}, {}};
  TheoremReport& report = theory.report;
  report.semantics = header->semantics;
  report.model_digest = header->model_digest;
  report.property_digest = header->property_digest;
  report.certificate_digest = sha256_hex(theory.certificate);
  report.tree_bytes = header->tree_bytes;
  report.leaves_per_file = arguments.leaves_per_file;
  report.statement = coq_statement(theory.source().semantics);
  theory.files = coq_theory(theory.source());
  return theory;
}

TheorySource Theory::source() const {
  return {.program = program,
          .property = property,
          .semantics = semantics_of(report.semantics).front(),
          .tree = std::string_view(certificate).substr(certificate.size() - report.tree_bytes),
          .nodes = nodes,
          .leaves_per_file = report.leaves_per_file,
          .model_digest = report.model_digest,
          .property_digest = report.property_digest,
          .certificate_digest = report.certificate_digest};
}

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

namespace {

/// The beginning of what coqc complained about: it quotes whole terms.
std::string complaint(const CoqRun& run) {
  std::string text = run.errors.substr(0, 600);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.empty() ? "coqc ended without a message" : text;
}

/// Whether the library's checker has anything to say about the network. Error: Coq did not answer.
Result<bool> is_covered(const CoqSetup& setup, const std::string& semantics) {
  const TheoryFile question = coq_coverage(semantics_of(semantics).front());
  if (Status written = write_theory(setup.folder, {question}); !written) return written.error();
  const Result<std::vector<CoqRun>> runs = compile_coq(setup, {question.name}, 1, [](size_t) {});
  std::error_code failure;
  for (const char* suffix : {".v", ".vo", ".vos", ".vok", ".glob"})
    fs::remove(fs::path(setup.folder) / (question.name + suffix), failure);
  if (!runs) return runs.error();
  const CoqRun& run = runs->front();
  const bool covered = run.output.find("= true") != std::string::npos;
  if (!run.accepted || covered == (run.output.find("= false") != std::string::npos))
    return internal_error(question.name + ".v: Coq does not say whether it covers the network");
  return covered;
}

Error explain_failure(const CoqSetup& setup, const std::string& name, const CoqRun& run,
                      const TheoremRequest& arguments, const std::string& semantics) {
  const std::string file = arguments.folder.empty() ? name + ".v" : fmt::format("{}/{}.v", arguments.folder, name);
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
    const Result<bool> covered = is_covered(setup, semantics);
    if (!covered) return covered.error();
    if (!*covered) {
      return not_certifiable(fmt::format(
          "{}: the proved checker does not cover an operator of this network; proofs/README.md says which", file));
    }
    return rejected(
        fmt::format("{}: the function check_certificate of {} does not accept the tree for this network "
                    "and property: {}",
                    file, setup.library, complaint(run)));
  }
  return rejected(fmt::format("{}: Coq does not accept it: {}", file, complaint(run)));
}

/// What Statement.v made Coq print: the theorem with its type, then the axioms.
Status read_statement(const std::string& output, TheoremReport& report) {
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

}  // namespace

Status compile_theory(CoqSetup setup, const TheoremRequest& arguments, Theory& theory) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  Progress progress("theorem", "files", static_cast<int64_t>(theory.files.size()));
  std::map<int, std::vector<std::string>> stages;
  std::map<std::string, uint64_t> bytes;
  for (const TheoryFile& file : theory.files) {
    stages[file.stage].push_back(file.name);
    bytes[file.name] = file.text.size();
  }
  std::vector<TheoremReport::File>& compiled = theory.report.files;
  for (const auto& stage : stages) {
    const std::vector<std::string>& names = stage.second;
    setup.seconds = arguments.timeout - seconds();
    const Result<std::vector<CoqRun>> runs = compile_coq(setup, names, arguments.jobs, [&](size_t done) {
      progress.update(static_cast<int64_t>(compiled.size() + done),
                      fmt::format("{}.v {}", names[std::min(done, names.size() - 1)], duration_text(seconds())));
    });
    if (!runs) return runs.error();
    if (const CoqRun& last = runs->back(); !last.accepted)
      return explain_failure(setup, last.name, last, arguments, theory.report.semantics);
    for (const CoqRun& run : *runs) compiled.push_back({run.name, bytes[run.name], run.seconds, run.peak_mb});
    theory.report.seconds = seconds();
    if (stage.first == stages.rbegin()->first) return read_statement(runs->back().output, theory.report);
  }
  return internal_error("a theory without files");
}

Json assumptions_json(const std::vector<CoqAssumption>& assumptions) {
  Json list = Json::array();
  for (const CoqAssumption& a : assumptions) list.push_back({{"name", a.name}, {"type", a.type}});
  return list;
}

namespace {

/// What has been written, in which state.
struct Written {
  std::string assistant, folder;
  ReplayStatus status = ReplayStatus::kNotReplayed;
};

Json report_json(const TheoremReport& report, const Arguments& arguments, const std::vector<Written>& written) {
  Json files = Json::array(), exports = Json::array();
  for (const TheoremReport::File& file : report.files) {
    files.push_back(
        {{"name", file.name + ".v"}, {"bytes", file.bytes}, {"seconds", file.seconds}, {"peak_mb", file.peak_mb}});
  }
  bool accepted = false;
  for (const Written& w : written) {
    accepted |= w.status == ReplayStatus::kChecked;
    exports.push_back({{"assistant", w.assistant}, {"folder", w.folder}, {"status", status_name(w.status)}});
  }
  Json out = {{"schema", "axiom.theorem.v1"},
              {"accepted", accepted},
              {"semantics", report.semantics},
              {"model_sha256", report.model_digest},
              {"property_sha256", report.property_digest},
              {"certificate_sha256", report.certificate_digest},
              {"tree_bytes", report.tree_bytes},
              {"exports", std::move(exports)}};
  if (!accepted) return out;
  out.update({{"statement", report.statement},
              {"folder", arguments.folder},
              {"kernel", report.kernel},
              {"library", report.library},
              {"library_sha256", report.library_digest},
              {"seconds", report.seconds},
              {"peak_mb", report.peak_mb()},
              {"files", std::move(files)},
              {"assumptions", assumptions_json(report.assumptions)}});
  return out;
}

std::string checked_text(const TheoremReport& report, const Arguments& arguments) {
  std::string text = coloured("THEOREM", Colour::kGreen) +
                     fmt::format(" {} {} {} {} accepted by Coq's kernel\n", short_name(arguments.model),
                                 short_name(arguments.property), seconds_text(report.seconds), report.semantics);
  text += fmt::format("statement    {}\n", report.statement);
  text += fmt::format("assumptions  {}, all of them in proofs/assumptions.txt\n", report.assumptions.size());
  for (const TheoremReport::File& file : report.files) {
    text += fmt::format("  {:<14} {:>10}  {:>7}  {:>5.0f} MB\n", file.name + ".v", bytes_text(file.bytes),
                        seconds_text(file.seconds), file.peak_mb);
  }
  return text;
}

std::string report_text(const TheoremReport& report, const Arguments& arguments, const std::vector<Written>& written) {
  std::string text;
  for (const Written& w : written) {
    text += w.status == ReplayStatus::kChecked
                ? checked_text(report, arguments)
                : coloured("EXPORTED", Colour::kYellow) + fmt::format(" {} {}\n", w.assistant, status_name(w.status));
    text += fmt::format("in {}\n", w.folder);
  }
  return text;
}

Result<Written> write_export(const std::string& assistant, const std::string& folder, const Theory& theory) {
  const Result<ProofExport> files = export_for(assistant, theory);
  if (!files) return files.error();
  if (Status written = write_bundle(folder, *files, theory); !written) return written.error();
  return Written{assistant, folder};
}

/// Writes the Coq files, has the kernel decide, and writes down what it has decided.
Result<Written> write_checked(const Kernel& kernel, const Arguments& arguments, Theory& theory) {
  const Result<ProofExport> files = export_for("coq", theory);
  if (!files) return files.error();
  if (Status written = write_bundle(arguments.folder, *files, theory); !written) return written.error();
  const Status accepted = run_kernel(kernel, arguments, arguments.folder, theory);
  if (!accepted && accepted.error().kind != ErrorKind::kCertificate) return accepted.error();
  const ReplayStatus status = accepted ? ReplayStatus::kChecked : ReplayStatus::kRejected;
  if (Status noted = write_status(arguments.folder, *files, theory.report, status); !noted) return noted.error();
  if (!accepted) return accepted.error();
  return Written{"coq", arguments.folder, status};
}

Result<int> write_exports(const Arguments& arguments) {
  std::optional<Kernel> kernel;
  if (!arguments.folder.empty()) {
    const Result<Kernel> found = find_kernel(arguments);
    if (!found) return found.error();
    kernel = *found;
  }
  Result<Theory> theory = make_theory(arguments);
  if (!theory) return theory.error();
  std::vector<Written> all;
  for (const auto& [assistant, folder] : {std::pair("lean4", arguments.lean), {"isabelle", arguments.isabelle}}) {
    if (folder.empty()) continue;
    const Result<Written> written = write_export(assistant, folder, *theory);
    if (!written) return written.error();
    all.push_back(*written);
  }
  if (kernel) {
    const Result<Written> written = write_checked(*kernel, arguments, *theory);
    if (!written) return written.error();
    all.push_back(*written);
  }
  if (arguments.json) {
    print_json(report_json(theory->report, arguments, all));
  } else {
    print(report_text(theory->report, arguments, all));
  }
  return kExitSuccess;
}

Result<int> replay(const Arguments& arguments) {
  const Result<Replay> replayed = replay_bundle(arguments.replay, arguments);
  if (!replayed) return replayed.error();
  const bool checked = replayed->status == status_name(ReplayStatus::kChecked);
  if (arguments.json) {
    print_json(replayed->bundle);
  } else {
    print(coloured(checked ? "CHECKED" : "NOT REPLAYED", checked ? Colour::kGreen : Colour::kYellow) +
          (checked ? fmt::format(" {} {} {} {} by {}\n", short_name(arguments.model), short_name(arguments.property),
                                 seconds_text(replayed->report.seconds), replayed->report.semantics,
                                 replayed->report.kernel)
                   : fmt::format(" the files are those of certificate, model and property; no kernel of {} is asked\n",
                                 replayed->assistant)));
  }
  return checked ? kExitSuccess : kExitUnknown;
}

Result<int> theorem(const Arguments& arguments) {
  const bool writes = !arguments.folder.empty() || !arguments.lean.empty() || !arguments.isabelle.empty();
  if (!arguments.replay.empty()) {
    if (writes) return usage_error("--replay writes nothing; leave out the folders to write");
    return replay(arguments);
  }
  if (arguments.certificate.empty()) return usage_error("CERTIFICATE is required; axiom theorem --help shows examples");
  if (!writes)
    return usage_error("nothing to write; name a folder with --coq, --lean or --isabelle, or one to --replay");
  return write_exports(arguments);
}

}  // namespace

void add_coq_options(CLI::App& app, TheoremRequest& request) {
  app.add_option("--library", request.library, "the compiled folder proofs/; default: that of the source tree")
      ->option_text("DIR");
  add_timeout(app, request.timeout, "wall clock for all of Coq's work; default 1200");
  app.add_option("--jobs", request.jobs, "processes of Coq at a time; default: all processors")
      ->option_text("N")
      ->check(CLI::Range(size_t{1}, size_t{1024}));
  app.add_option("--leaves-per-file", request.leaves_per_file,
                 "a tree with more leaves is checked in pieces, by several files; default 1000")
      ->option_text("N")
      ->check(CLI::Range(uint64_t{2}, uint64_t{1'000'000'000}));
  app.add_option("--memory", request.memory_mb, "memory that one process of Coq may use; default 4096")
      ->option_text("MB")
      ->check(CLI::Range(uint64_t{256}, uint64_t{1'000'000}));
}

namespace {

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("CERTIFICATE", arguments->certificate, "certificate, as written by axiom verify");
  app.add_option("--model", arguments->model, "the network it is about")->option_text("FILE")->required();
  app.add_option("--property", arguments->property, "the property it is about")->option_text("FILE")->required();
  app.add_option("--coq", arguments->folder, "where the Coq files go; made if it is not there")->option_text("DIR");
  app.add_option("--lean", arguments->lean,
                 "where files for Lean 4 with Mathlib go: statement, literals, open obligations")
      ->option_text("DIR");
  app.add_option("--isabelle", arguments->isabelle, "the same for Isabelle/HOL")->option_text("DIR");
  app.add_option("--replay", arguments->replay, "check such a folder again: its bytes, then fresh copies by the kernel")
      ->option_text("DIR");
  add_coq_options(app, *arguments);
  add_json(app, arguments->json);
  return [arguments] { return theorem(*arguments); };
}

}  // namespace

extern const Command theorem_command{
    .name = "theorem",
    .summary = "turn a certificate into a theorem that Coq's kernel accepts",
    .examples =
        "axiom theorem proof.axc --model net.onnx --property property.vnnlib --coq theory\n"
        "axiom theorem proof.axc --model net.onnx --property property.vnnlib --coq theory --timeout 3600 --json\n"
        "axiom theorem --replay theory --model net.onnx --property property.vnnlib\n",
    .notes =
        "--coq needs Coq 8.16 and the compiled library (make -C proofs). The certificate is checked by axiom-check\n"
        "first; a rejected one writes nothing. Coq's answer counts only with the expected statement and axioms.\n"
        "--lean and --isabelle write what no kernel here reads, with the open obligations listed in bundle.json.\n"
        "--replay compiles no file of the folder: it makes them anew, compares every byte, and compiles fresh copies.\n"
        "Exit codes: 0 accepted or written, 5 rejected, 4 a file or Coq is missing, 6 out of time or memory, 3 not\n"
        "covered by the proved checker, or replayed without a kernel for its assistant.",
    .declare = declare};

}  // namespace axiom::cli
