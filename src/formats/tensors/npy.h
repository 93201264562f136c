// NumPy .npy files: one array each.
//
// Read and written: little-endian float32, float64, int64, int32, int8, uint8 and bool, in C order, format versions
// 1.0 to 3.0. Another order or dtype is an error with the numpy call that converts.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "tensor/tensor.h"

namespace axiom {

Result<Tensor> parse_npy(std::string_view bytes);
/// Reads a file, gzip or not.
Result<Tensor> read_npy(const std::string& path);

std::string npy_bytes(const Tensor& tensor);
Status write_npy(const std::string& path, const Tensor& tensor);

}  // namespace axiom
