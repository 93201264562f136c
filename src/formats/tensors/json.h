// Tensors as JSON text: nested lists, or an object of them by name.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tensor/tensor.h"

namespace axiom {

/// Tensors by name; a single unnamed one has the name "".
using NamedTensors = std::map<std::string, Tensor>;

/// `[[1, 2.5], [3, 4]]`, or `{"x": [1, 2], "y": 3}`. Each number is rounded to nearest in `dtype` (float32, float64 or
/// int64), straight from its decimal text. At most 64 levels and 100,000,000 numbers.
Result<NamedTensors> parse_json_tensors(std::string_view text, DType dtype = DType::kFloat32);

/// The tensors of x.json, or of x.npy under the name "" with the dtype of the file; gzip or not.
Result<NamedTensors> read_tensors(const std::string& path, DType json_dtype = DType::kFloat32);

/// Nested lists; float32 and float64 in the shortest form that reads back the same, "nan" and "inf" as strings.
std::string json_text(const Tensor& tensor);

/// Converts between float32, float64 and int64, rounding to nearest; an int64 must be met exactly.
Result<Tensor> converted(const Tensor& tensor, DType dtype);

}  // namespace axiom
