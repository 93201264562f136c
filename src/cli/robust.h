// axiom verify --robust: robustness around each of the inputs of a file.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "certificate/certify.h"

namespace CLI {
class App;
}

namespace axiom::cli {

struct RobustArguments {
  std::string inputs, eps, labels, mean, deviation;
  std::vector<std::string> range;  ///< --input-range: two numbers, or none.
  bool largest = false;
  int bisections = 10;
};

/// --robust, --eps, --labels, --mean, --std, --largest-eps, --bisections.
void add_robust_options(CLI::App& app, RobustArguments& arguments);

/// True when an option was given that belongs to --robust.
bool any_robust_option(const RobustArguments& arguments);

/// Decides one property file; limits that stop the engine are `unknown` already.
using Decide = std::function<Result<DecisionReport>(const std::string& property_path, const DecideOptions& options)>;

/// Asks about every input and prints the answers as they come. `options.certificate_path` is a folder, or empty. The
/// value is the exit code: the gravest of 1, 3, 0. Everything that the arguments can get wrong is found before the
/// first question.
Result<int> verify_robust(const std::string& model_path, const RobustArguments& arguments, const DecideOptions& options,
                          const Decide& decide, bool json);

}  // namespace axiom::cli
