// Replaying a candidate: the last word on a counterexample.
//
// float32: the reference executor runs on the point, and its outputs are compared with the exact decimals of the
// property, without tolerance. real: the outputs are enclosed by rigorous bounds that must violate as a whole.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "verify/problem.h"
#include "verify/witness.h"

namespace axiom {

/// Runs the model on X_0, X_1, ... and gives Y_0, Y_1, ...; from several threads at once.
using Execute = std::function<Result<std::vector<float>>(std::span<const float>)>;

/// The witness if the point (inside the rounded box of the disjunct) is one, else nothing.
std::optional<Witness> replay(const Problem& problem, const Execute& execute, size_t disjunct,
                              std::span<const double> point, const std::string& origin);

}  // namespace axiom
