// Options that several commands share, with the same name and meaning everywhere.
#pragma once

#include <string>
#include <vector>

#include "bounds/arithmetic.h"
#include "certificate/certify.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace axiom::cli {

void add_model(CLI::App& app, std::string& path);             ///< MODEL
CLI::Option* add_property(CLI::App& app, std::string& path);  ///< PROPERTY; required
void add_json(CLI::App& app, bool& json);                     ///< --json
void add_semantics(CLI::App& app, std::string& choice, bool allow_both,
                   const char* description = "arithmetic that the answer is about; default float32");  ///< --semantics
void add_timeout(CLI::App& app, double& seconds, const char* description);                             ///< --timeout
void add_threads(CLI::App& app, int& threads, const char* description);  ///< --threads; 0 = all processors
void add_seed(CLI::App& app, uint64_t& seed);                            ///< --seed

/// The meaning of --semantics; `both` is float32 first.
std::vector<Semantics> semantics_of(const std::string& choice);
/// `threads`, or the number of processors for 0.
int thread_count(int threads);

}  // namespace axiom::cli
