// axiom attack: the search for a counterexample alone.
#include <CLI/CLI.hpp>
#include <memory>

#include "base/files.h"
#include "base/progress.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/verdict.h"

namespace axiom::cli {
namespace {

struct Arguments {
  std::string model, property, vnncomp;
  DecideOptions options;
  bool json = false;
};

Json attack_json(const Arguments& arguments, const std::optional<Witness>& witness, double seconds) {
  Json out = {{"schema", "axiom.attack.v1"},
              {"model", arguments.model},
              {"property", arguments.property},
              {"found", witness.has_value()},
              {"seconds", seconds}};
  if (witness) out["witness"] = witness_json(*witness);
  return out;
}

std::string attack_text(const Arguments& arguments, const std::optional<Witness>& witness, double seconds) {
  const std::string middle =
      fmt::format("{} {} {}", short_name(arguments.model), short_name(arguments.property), seconds_text(seconds));
  if (witness) return fmt::format("{} {} {}", verdict_word(Verdict::kViolated), middle, witness_text(*witness));
  return fmt::format("{} {} no counterexample found, which proves nothing; try axiom verify\n",
                     verdict_word(Verdict::kUnknown), middle);
}

Result<int> attack(Arguments& arguments) {
  using Clock = std::chrono::steady_clock;
  DecideOptions& options = arguments.options;
  options.threads = thread_count(options.threads);
  options.stop = &interrupted();
  const Clock::time_point start = Clock::now();
  const Result<std::optional<Witness>> witness = attack_files(arguments.model, arguments.property, options);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (!witness) return witness.error();

  if (arguments.json) {
    print_json(attack_json(arguments, *witness, seconds));
  } else {
    print(attack_text(arguments, *witness, seconds));
  }
  if (!arguments.vnncomp.empty()) {
    const Status written = write_file(arguments.vnncomp, *witness ? vnncomp_witness(**witness) : "unknown\n");
    if (!written) return print_late_error("attack", written.error());
  }
  return *witness ? kExitViolated : kExitUnknown;
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  DecideOptions& options = arguments->options;
  options.timeout_seconds = 10;
  options.threads = 0;
  add_model(app, arguments->model);
  add_property(app, arguments->property);
  add_timeout(app, options.timeout_seconds, "stop searching then; default 10");
  add_threads(app, options.threads, "default: all processors");
  add_seed(app, options.seed);
  app.add_option("--vnncomp", arguments->vnncomp, "write the answer in the format of VNN-COMP")->option_text("FILE");
  add_json(app, arguments->json);
  return [arguments] { return attack(*arguments); };
}

}  // namespace

extern const Command attack_command{.name = "attack",
                                    .summary = "search for an input that violates a property, without proving anything",
                                    .examples =
                                        "axiom attack net.onnx property.vnnlib\n"
                                        "axiom attack net.onnx property.vnnlib --timeout 60 --seed 7 --json\n",
                                    .notes = "Exit codes: 1 found, 3 none found, 4 input rejected.",
                                    .declare = declare};

}  // namespace axiom::cli
