// The one list of operators. Readers look up by ONNX name; suites walk it, so that no operator can be forgotten.
#pragma once

#include <span>
#include <string_view>

#include "graph/operator.h"

namespace axiom {

/// All operators, in order of family. The objects live as long as the process.
std::span<const Operator* const> operators();

/// The operator of the default ONNX domain with this name; nullptr when there is none.
const Operator* find_operator(std::string_view op_type);

}  // namespace axiom
