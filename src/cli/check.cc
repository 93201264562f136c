// axiom check: what the judges of a certificate say, with compressed files unpacked for them first.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <vector>

#include "cli/command.h"
#include "cli/judges.h"
#include "cli/options.h"
#include "cli/output.h"

namespace axiom::cli {
namespace {

constexpr std::string_view kDefaultJudge = "checker";

struct Arguments : JudgeRequest {
  std::string semantics_choice, judges;
  bool json = false;
};

Result<std::vector<std::string>> judges_of(const std::string& list) {
  std::vector<std::string> judges;
  const std::span<const std::string_view> known = judge_names();
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    const std::string name = list.substr(begin, end - begin);
    if (std::find(known.begin(), known.end(), name) == known.end())
      return usage_error(fmt::format("--judges: unknown judge '{}'; known: {}", name, fmt::join(known, ", ")));
    if (std::find(judges.begin(), judges.end(), name) != judges.end())
      return usage_error(fmt::format("--judges: {} is named twice", name));
    judges.push_back(name);
    begin = end + 1;
  }
  return judges;
}

/// The judgement that decides: a mistake of ours before a rejection, that before all that kept a judge from deciding.
const Judgement& decisive(const std::vector<Judgement>& judgements) {
  for (const int code : {kExitInternal, kExitCertificate, kExitInput, kExitResource, kExitUnknown}) {
    for (const Judgement& j : judgements) {
      if (j.exit_code == code) return j;
    }
  }
  const auto other = std::find_if(judgements.begin(), judgements.end(), [](const Judgement& j) { return j.exit_code; });
  return other == judgements.end() ? judgements.front() : *other;
}

Json outcome_json(const std::vector<Judgement>& judgements) {
  const Judgement& decides = decisive(judgements);
  double seconds = 0;
  Json list = Json::array();
  for (const Judgement& j : judgements) {
    seconds += j.seconds;
    list.push_back(judgement_json(j));
  }
  return {{"schema", "axiom.check.v1"},     {"accepted", decides.exit_code == kExitSuccess},
          {"message", decides.message},     {"seconds", seconds},
          {"exit_code", decides.exit_code}, {"judges", std::move(list)}};
}

Colour colour_of(const Judgement& judgement) {
  return judgement.answer == Answer::kAccepted     ? Colour::kGreen
         : judgement.answer == Answer::kNotCovered ? Colour::kYellow
                                                   : Colour::kRed;
}

std::string outcome_text(const Judgement& judgement, bool named) {
  const std::string_view head = judgement.answer == Answer::kNotCovered     ? "NOT COVERED: "
                                : judgement.answer == Answer::kNotAvailable ? "NOT AVAILABLE: "
                                                                            : "";
  return (named ? fmt::format("{:<14} ", judgement.judge) : "") +
         coloured((named ? std::string(head) : "") + judgement.message, colour_of(judgement)) + "\n";
}

Result<int> check(Arguments& arguments) {
  const bool named = !arguments.judges.empty();
  const Result<std::vector<std::string>> judges = judges_of(named ? arguments.judges : std::string(kDefaultJudge));
  if (!judges) return judges.error();
  if (!arguments.semantics_choice.empty()) arguments.semantics = semantics_of(arguments.semantics_choice).front();
  arguments.threads = thread_count(arguments.threads);
  std::vector<Judgement> judgements;
  for (const std::string& judge : *judges) {
    judgements.push_back(ask_judge(judge, arguments));
    if (!named && judgements.back().failure) return *judgements.back().failure;
    if (!arguments.json) print(outcome_text(judgements.back(), named));
  }
  if (arguments.json) print_json(outcome_json(judgements));
  return decisive(judgements).exit_code;
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  arguments->threads = 0;
  app.add_option("CERTIFICATE", arguments->certificate, "certificate, as written by axiom verify")->required();
  app.add_option("--model", arguments->model, "the network it is about")->option_text("FILE")->required();
  app.add_option("--property", arguments->property, "the property it is about")->option_text("FILE")->required();
  add_semantics(app, arguments->semantics_choice, false,
                "reject a certificate about the other arithmetic; default: either");
  app.add_option("--judges", arguments->judges,
                 "who decides, one or several of checker, coq-extracted, coq-kernel; all must accept; default checker")
      ->option_text("LIST");
  add_threads(app, arguments->threads, "threads of the judge checker; default: all processors; changes no answer");
  add_coq_options(app, *arguments);
  add_json(app, arguments->json);
  return [arguments] { return check(*arguments); };
}

}  // namespace

extern const Command check_command{
    .name = "check",
    .summary = "check a certificate with independent judges, by default the program axiom-check",
    .examples =
        "axiom check proof.axc --model net.onnx --property property.vnnlib\n"
        "axiom check proof.axc.gz --model net.onnx.gz --property property.vnnlib.gz --json\n"
        "axiom check proof.axc --model net.onnx --property property.vnnlib --judges checker,coq-extracted,coq-kernel\n",
    .notes =
        "Judges decide each by itself: checker is the program axiom-check; coq-extracted is axiom-check-coq, the\n"
        "checker that is proved sound in Coq, extracted, with readers of its own; coq-kernel is Coq's kernel on the\n"
        "literals that axiom theorem writes; --library, --timeout and --memory are for it. A missing judge is an "
        "error.\n"
        "Exit codes: 0 accepted by every judge named, 5 rejected by one, 4 a file cannot be read or a judge is\n"
        "missing, 6 out of time or memory, 3 not covered by a judge. Where judges differ: the first of 70, 5, 4, 6, 3.",
    .declare = declare};

}  // namespace axiom::cli
