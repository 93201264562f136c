// The reference backend: Operator::eval on host memory.
#pragma once

#include <memory>

#include "runtime/backend.h"

namespace axiom {

/// Buffers may take `memory_bytes` together.
std::unique_ptr<Backend> make_reference_backend(uint64_t memory_bytes);
std::unique_ptr<Backend> make_reference_backend();  ///< With 16 GiB.

}  // namespace axiom
