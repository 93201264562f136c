// A ZeroCopyInputStream over chunks.
#include "formats/onnx/model_stream.h"

#include <algorithm>
#include <utility>

namespace axiom::onnx {
namespace {

constexpr uint64_t kMaxStructure = uint64_t{512} << 20;

}  // namespace

ModelStream::ModelStream(ChunkSource source, const google::protobuf::Arena& arena)
    : source_(std::move(source)), arena_(arena) {}

bool ModelStream::Next(const void** data, int* size) {
  if (!status_) return false;
  if (chunk_.empty()) {
    if (arena_.SpaceAllocated() > kMaxStructure) {
      status_ = resource_error("onnx: the structure of the model takes more than 512 MiB; store weights as raw_data");
      return false;
    }
    auto next = source_();
    if (!next) status_ = next.error();
    if (!next || next->empty()) return false;
    chunk_ = *next;
  }
  last_ = std::exchange(chunk_, {});
  *data = last_.data();
  *size = static_cast<int>(last_.size());
  given_ += *size;
  return true;
}

void ModelStream::BackUp(int count) {
  chunk_ = last_.last(static_cast<size_t>(count));
  given_ -= count;
}

bool ModelStream::Skip(int count) {
  const void* data = nullptr;
  int size = 0;
  while (count > 0) {
    if (!Next(&data, &size)) return false;
    if (size > count) BackUp(size - count);
    count -= std::min(size, count);
  }
  return true;
}

}  // namespace axiom::onnx
