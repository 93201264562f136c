// Writing VNN-LIB text, one assertion a line, in one canonical form.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "graph/property.h"

namespace axiom {

/// "(declare-const X_0 Real)" for all inputs, then the outputs.
std::string vnnlib_declarations(size_t inputs, size_t outputs);

/// The inputs lie in one of the boxes.
std::string vnnlib_boxes(const std::vector<Box>& boxes);

/// "Y_3" or "(+ Y_0 Y_1)".
std::string vnnlib_sum(std::span<const size_t> outputs);

/// "(assert (or ...))" with one alternative a line.
std::string vnnlib_unsafe(const std::vector<std::string>& alternatives);

}  // namespace axiom
