// Declarations of the shared options.
#include "cli/options.h"

#include <CLI/CLI.hpp>
#include <thread>

namespace axiom::cli {
namespace {

/// A validator of CLI11: the complaint, or nothing.
std::string positive_seconds(const std::string& text) {
  double seconds = 0;
  const bool number = CLI::detail::lexical_cast(text, seconds);
  return number && seconds > 0 && seconds <= 1e9 ? "" : text + " is not a number of seconds above 0";
}

}  // namespace

void add_model(CLI::App& app, std::string& path) {
  app.add_option("MODEL", path, "network, .onnx or .onnx.gz")->required();
}

CLI::Option* add_property(CLI::App& app, std::string& path) {
  return app
      .add_option("PROPERTY", path, "property, .vnnlib or .vnnlib.gz: the inputs, and the outputs that are unsafe")
      ->required();
}

void add_json(CLI::App& app, bool& json) {
  app.add_flag("--json", json, "one JSON object on stdout (docs/schemas.md)");
}

void add_semantics(CLI::App& app, std::string& choice, bool allow_both, const char* description) {
  std::vector<std::string> choices = {"float32", "real"};
  if (allow_both) choices.push_back("both");
  app.add_option("--semantics", choice, description)
      ->option_text(allow_both ? "float32|real|both" : "float32|real")
      ->check(CLI::IsMember(choices));
}

void add_timeout(CLI::App& app, double& seconds, const char* description) {
  app.add_option("--timeout", seconds, description)->option_text("SECONDS")->check(positive_seconds);
}

void add_threads(CLI::App& app, int& threads, const char* description) {
  app.add_option("--threads", threads, description)->option_text("N")->check(CLI::Range(0, 4096));
}

void add_seed(CLI::App& app, uint64_t& seed) {
  app.add_option("--seed", seed, "start of the random numbers; default 1")->option_text("N");
}

std::vector<Semantics> semantics_of(const std::string& choice) {
  if (choice == "both") return {Semantics::kFloat32, Semantics::kReal};
  return {choice == "real" ? Semantics::kReal : Semantics::kFloat32};
}

int thread_count(int threads) {
  return threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

}  // namespace axiom::cli
