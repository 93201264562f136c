// Two of the judges are programs with the same command line and exit codes; the third is coqc on files that are written
// for it into a temporary folder.
#include "cli/judges.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>

#include "certificate/checker_process.h"
#include "cli/coq.h"
#include "cli/interrupt.h"
#include "cli/kernel.h"
#include "cli/programs.h"

namespace axiom::cli {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"checker", "coq-extracted", "coq-kernel"};
constexpr std::string_view kExtracted = "axiom-check-coq";

Answer answer_of(int exit_code) {
  return exit_code == kExitSuccess       ? Answer::kAccepted
         : exit_code == kExitCertificate ? Answer::kRejected
         : exit_code == kExitUnknown     ? Answer::kNotCovered
                                         : Answer::kError;
}

/// The same exit code whatever is missing, but for axiom-check, which is part of axiom itself.
Judgement not_available(const Error& error) {
  const int code = error.kind == ErrorKind::kInternal ? kExitInternal : kExitInput;
  return {.answer = Answer::kNotAvailable, .message = error.message, .exit_code = code, .failure = error};
}

Judgement failed(const Error& error) {
  const int code = exit_code(error.kind);
  const Answer answer = answer_of(code);
  return {.answer = answer,
          .message = answer == Answer::kRejected ? "REJECTED: " + error.message : error.message,
          .exit_code = code,
          .failure = error};
}

Judgement ask_program(const JudgeRequest& request, const std::string& program, int threads) {
  const Result<PlainFile> plain = PlainFile::of(request.certificate);
  if (!plain) return failed(plain.error());
  const Result<CheckOutcome> outcome =
      run_checker(plain->path(), request.model, request.property, request.semantics, program, threads);
  if (!outcome) return failed(outcome.error());
  // Exit code 0 without the word is no acceptance, and the other way round.
  const bool consistent = outcome->accepted == (outcome->exit_code == kExitSuccess);
  if (!consistent) return failed(internal_error(program + ": exit code 0, but not accepted: " + outcome->line));
  return {.answer = answer_of(outcome->exit_code), .message = outcome->line, .exit_code = outcome->exit_code};
}

Result<std::string> find_extracted() {
  std::error_code failure;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", failure);
  const std::string beside = (self.parent_path() / kExtracted).string();
  if (!failure && access(beside.c_str(), X_OK) == 0) return beside;
  if (std::optional<std::string> found = find_in_path(kExtracted)) return *found;
  return io_error(
      fmt::format("{} is neither beside axiom nor in PATH; ./dev build makes it where Coq and OCaml are installed, "
                  "on Debian: apt-get install {}",
                  kExtracted, kExtractionPackages));
}

Judgement ask_checker(const JudgeRequest& request) {
  const Result<std::string> program = find_checker("");
  return program ? ask_program(request, *program, request.threads) : not_available(program.error());
}

Judgement ask_extracted(const JudgeRequest& request) {
  const Result<std::string> program = find_extracted();
  return program ? ask_program(request, *program, 1) : not_available(program.error());
}

Judgement ask_kernel(JudgeRequest request) {
  request.checked_first = false;
  request.folder.clear();
  const Result<Kernel> kernel = find_kernel(request);
  if (!kernel) return not_available(kernel.error());
  Result<Theory> theory = make_theory(request);
  if (!theory) return failed(theory.error());
  const TheoremReport& report = theory->report;
  if (request.semantics && semantics_name(*request.semantics) != report.semantics) {
    return failed({ErrorKind::kCertificate, fmt::format("the claim is about {}, not about {}", report.semantics,
                                                        semantics_name(*request.semantics))});
  }
  const Result<ScratchFolder> folder = ScratchFolder::make();
  if (!folder) return failed(folder.error());
  if (Status accepted = run_kernel(*kernel, request, folder->path(), *theory); !accepted)
    return failed(accepted.error());
  return {.answer = Answer::kAccepted,
          .message = fmt::format("ACCEPTED {} {} assumptions {:.3f} s", report.semantics, report.assumptions.size(),
                                 report.seconds),
          .exit_code = kExitSuccess,
          .report = report};
}

}  // namespace

std::span<const std::string_view> judge_names() { return kNames; }

Judgement ask_judge(std::string_view name, const JudgeRequest& request) {
  const auto start = std::chrono::steady_clock::now();
  Judgement judgement = interrupted()       ? failed(resource_error("stopped on request"))
                        : name == kNames[0] ? ask_checker(request)
                        : name == kNames[1] ? ask_extracted(request)
                                            : ask_kernel(request);
  judgement.judge = name;
  judgement.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return judgement;
}

std::string_view answer_name(Answer answer) {
  switch (answer) {
    case Answer::kAccepted:
      return "accepted";
    case Answer::kRejected:
      return "rejected";
    case Answer::kNotCovered:
      return "not-covered";
    case Answer::kNotAvailable:
      return "not-available";
    case Answer::kError:
      return "error";
  }
  return "error";
}

Json judgement_json(const Judgement& judgement) {
  Json out = {{"judge", judgement.judge},
              {"answer", answer_name(judgement.answer)},
              {"message", judgement.message},
              {"seconds", judgement.seconds},
              {"exit_code", judgement.exit_code}};
  if (judgement.report) {
    out["statement"] = judgement.report->statement;
    out["library"] = judgement.report->library;
    out["assumptions"] = assumptions_json(judgement.report->assumptions);
  }
  return out;
}

}  // namespace axiom::cli
