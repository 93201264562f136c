// From a dtype at run time to a type at compile time.
#pragma once

#include <cstdint>
#include <utility>

#include "tensor/tensor.h"

namespace axiom::ops {

/// Calls `body` with a zero of the type of `dtype`, which must be float32 or float64.
template <typename Body>
auto with_float(DType dtype, Body&& body) {
  AXIOM_CHECK(dtype == DType::kFloat32 || dtype == DType::kFloat64);
  return dtype == DType::kFloat32 ? body(float{}) : body(double{});
}

/// The same for float32, float64, int32 and int64.
template <typename Body>
auto with_number(DType dtype, Body&& body) {
  if (dtype == DType::kInt32) return body(int32_t{});
  if (dtype == DType::kInt64) return body(int64_t{});
  return with_float(dtype, std::forward<Body>(body));
}

}  // namespace axiom::ops
