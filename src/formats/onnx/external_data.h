// Tensor bytes that lie in a file beside the model.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/files.h"
#include "base/result.h"
#include "formats/onnx/onnx.pb.h"

namespace axiom::onnx {

/// Reads ranges of files beneath one folder. A location is relative, has no "..", and names a regular file with one
/// link; no component on the way may be a symbolic link. At most 2 GiB are read in all.
class ExternalData {
 public:
  /// Without a folder every request is an error.
  explicit ExternalData(std::string folder) : folder_(std::move(folder)) {}

  /// The `size` bytes that the tensor's external_data entries name. The error does not name the tensor.
  Result<std::string> read(const TensorProto& tensor, uint64_t size);

 private:
  Result<int> open(const std::string& location);

  std::string folder_;
  std::map<std::string, FileDescriptor> files_;
  uint64_t bytes_read_ = 0;
};

}  // namespace axiom::onnx
