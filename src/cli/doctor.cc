// axiom doctor: what this installation can do, and what it lacks. Capabilities come from the backends themselves, never
// from an environment variable.
#include <CLI/CLI.hpp>
#include <memory>
#include <thread>

#include "certificate/checker_process.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "runtime/backends/list.h"

namespace axiom::cli {
namespace {

Json backend_json(const BackendEntry& entry) {
  const std::unique_ptr<Backend> backend = entry.make();
  const Capabilities capabilities = backend->capabilities();
  const ArithmeticModel arithmetic = backend->arithmetic();
  return {{"name", entry.name},
          {"description", entry.description},
          {"device", capabilities.device},
          {"host_memory", capabilities.host_memory},
          {"memory_bytes", capabilities.memory_bytes},
          {"arithmetic",
           {{"unit_roundoff", arithmetic.unit_roundoff},
            {"accumulator_bits", arithmetic.accumulator_bits},
            {"flushes_subnormals", arithmetic.flushes_subnormals},
            {"covered", arithmetic.covered}}}};
}

Json doctor_json() {
  const Result<std::string> checker = find_checker("");
  Json out = {{"schema", "axiom.doctor.v1"},
              {"axiom", AXIOM_VERSION},
              {"processors", std::thread::hardware_concurrency()},
              {"checker", {{"found", static_cast<bool>(checker)}}}};
  out["checker"][checker ? "path" : "problem"] = checker ? *checker : checker.error().message;
  out["backends"] = Json::array();
  for (const BackendEntry& entry : backends()) out["backends"].push_back(backend_json(entry));
  return out;
}

std::string backend_text(const Json& backend) {
  const Json& arithmetic = backend["arithmetic"];
  return fmt::format("backend     {}: {}\n            on {}; sums with {} bits, {}; {}\n",
                     backend["name"].get<std::string>(), backend["description"].get<std::string>(),
                     backend["device"].get<std::string>(), arithmetic["accumulator_bits"].get<int>(),
                     arithmetic["flushes_subnormals"].get<bool>() ? "flushes subnormals" : "keeps subnormals",
                     arithmetic["covered"].get<bool>() ? "covered by float32 claims" : "not covered by float32 claims");
}

std::string doctor_text(const Json& facts) {
  const Json& checker = facts["checker"];
  const bool found = checker["found"].get<bool>();
  std::string out = fmt::format("axiom       {}\nprocessors  {}\nchecker     {}\n", facts["axiom"].get<std::string>(),
                                facts["processors"].get<int>(),
                                found ? coloured(checker["path"].get<std::string>(), Colour::kGreen)
                                      : coloured(checker["problem"].get<std::string>(), Colour::kRed));
  for (const Json& backend : facts["backends"]) out += backend_text(backend);
  return out;
}

Result<int> doctor(bool json) {
  const Json facts = doctor_json();
  if (json) {
    print_json(facts);
  } else {
    print(doctor_text(facts));
  }
  return facts["checker"]["found"].get<bool>() ? kExitSuccess : kExitInternal;
}

Action declare(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  add_json(app, *json);
  return [json] { return doctor(*json); };
}

}  // namespace

extern const Command doctor_command{.name = "doctor",
                                    .summary = "report what this installation can do",
                                    .examples =
                                        "axiom doctor\n"
                                        "axiom doctor --json\n",
                                    .notes = "Exit codes: 0 all is well, 70 the checker is missing.",
                                    .declare = declare};

}  // namespace axiom::cli
