// Feeding a model to the protobuf parser in chunks, within a limit on what the parser may allocate.
#pragma once

#include <google/protobuf/arena.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <cstddef>
#include <functional>
#include <span>

#include "base/result.h"

namespace axiom::onnx {

/// Gives the next bytes of the model, valid until the next call; empty at the end.
using ChunkSource = std::function<Result<std::span<const std::byte>>()>;

/// Stops the parser, by an early end of the stream, when the source fails or the arena has grown beyond the limit;
/// status() then says why. Two bytes on the wire can become a message of 200 in memory, hence the limit.
class ModelStream : public google::protobuf::io::ZeroCopyInputStream {
 public:
  ModelStream(ChunkSource source, const google::protobuf::Arena& arena);

  bool Next(const void** data, int* size) override;
  void BackUp(int count) override;
  bool Skip(int count) override;
  int64_t ByteCount() const override { return given_; }

  const Status& status() const { return status_; }

 private:
  ChunkSource source_;
  const google::protobuf::Arena& arena_;
  std::span<const std::byte> chunk_;  ///< The part of the last chunk that was backed up.
  std::span<const std::byte> last_;
  int64_t given_ = 0;
  Status status_;
};

}  // namespace axiom::onnx
