// axiom check: what axiom-check says, with compressed files unpacked for it first.
#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "certificate/certify.h"
#include "certificate/checker_process.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"

namespace axiom::cli {
namespace {

struct Arguments {
  std::string certificate, model, property, semantics;
  bool json = false;
};

Json outcome_json(const CheckOutcome& outcome) {
  return {{"schema", "axiom.check.v1"},
          {"accepted", outcome.accepted},
          {"message", outcome.line},
          {"seconds", outcome.seconds},
          {"exit_code", outcome.exit_code}};
}

Result<int> check(const Arguments& arguments) {
  const Result<PlainFile> certificate = PlainFile::of(arguments.certificate);
  if (!certificate) return certificate.error();
  std::optional<Semantics> semantics;
  if (!arguments.semantics.empty()) semantics = semantics_of(arguments.semantics).front();
  const Result<CheckOutcome> outcome =
      run_checker(certificate->path(), arguments.model, arguments.property, semantics, "");
  if (!outcome) return outcome.error();
  if (arguments.json) {
    print_json(outcome_json(*outcome));
  } else {
    print(coloured(outcome->line, outcome->accepted ? Colour::kGreen : Colour::kRed) + "\n");
  }
  return outcome->exit_code;
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("CERTIFICATE", arguments->certificate, "certificate, as written by axiom verify")->required();
  app.add_option("--model", arguments->model, "the network it is about")->option_text("FILE")->required();
  app.add_option("--property", arguments->property, "the property it is about")->option_text("FILE")->required();
  add_semantics(app, arguments->semantics, false, "reject a certificate about the other arithmetic; default: either");
  add_json(app, arguments->json);
  return [arguments] { return check(*arguments); };
}

}  // namespace

extern const Command check_command{
    .name = "check",
    .summary = "check a certificate with the independent program axiom-check",
    .examples =
        "axiom check proof.axc --model net.onnx --property property.vnnlib\n"
        "axiom check proof.axc.gz --model net.onnx.gz --property property.vnnlib.gz --json\n",
    .notes = "Exit codes: 0 accepted, 5 rejected, 4 a file cannot be read.",
    .declare = declare};

}  // namespace axiom::cli
