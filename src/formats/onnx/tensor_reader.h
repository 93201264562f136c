// TensorProto -> Tensor.
#pragma once

#include "base/result.h"
#include "formats/onnx/external_data.h"
#include "formats/onnx/onnx.pb.h"
#include "tensor/tensor.h"

namespace axiom::onnx {

/// The dtype of an ONNX number; an error naming those that are not supported.
Result<DType> dtype_from(int32_t data_type);

/// Converts and empties `proto`: its raw bytes move into the tensor without a copy. The error does not name the tensor.
Result<Tensor> take_tensor(TensorProto& proto, ExternalData& external);

}  // namespace axiom::onnx
