// ONNX to the core program: spec/operators.md sections 1 to 4.
#pragma once

#include "onnx.h"
#include "program.h"

namespace checker {

struct Limits {
  uint64_t elements = uint64_t(1) << 26;
  uint64_t terms = uint64_t(1) << 28;
  uint64_t work = uint64_t(1) << 33;  // products looked at while lowering, zeros included
};

// Throws Malformed, which names the node, where the model has no certified meaning.
Program lower(const Model& model, const Limits& limits);

}  // namespace checker
