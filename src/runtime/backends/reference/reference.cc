// The reference backend. A buffer is a Tensor, so that uploads and downloads share bytes instead of copying them, and
// commands run at submission; their failures are delivered by the event all the same, as on any device.
#include "runtime/backends/reference/reference.h"

#include <fmt/format.h>

#include "graph/operator.h"

namespace axiom {
namespace {

class Finished final : public Completion {
 public:
  explicit Finished(Status status) : status_(std::move(status)) {}
  bool done() override { return true; }
  Status wait() override { return status_; }

 private:
  Status status_;
};

class HostBuffer final : public Buffer {
 public:
  HostBuffer(TensorType type, uint64_t bytes, uint64_t& in_use)
      : Buffer(std::move(type)), bytes_(bytes), in_use_(in_use) {
    in_use_ += bytes_;
  }
  ~HostBuffer() override { in_use_ -= bytes_; }
  Tensor tensor;

 private:
  uint64_t bytes_;
  uint64_t& in_use_;
};

HostBuffer& host(Buffer& buffer) { return dynamic_cast<HostBuffer&>(buffer); }
const HostBuffer& host(const Buffer& buffer) { return dynamic_cast<const HostBuffer&>(buffer); }

class ReferenceBackend final : public Backend {
 public:
  explicit ReferenceBackend(uint64_t memory_bytes) : memory_bytes_(memory_bytes) {}
  ~ReferenceBackend() override { AXIOM_CHECK(in_use_ == 0); }

  std::string_view name() const override { return "reference"; }
  Capabilities capabilities() const override {
    return {.device = "host CPU, one thread", .host_memory = true, .memory_bytes = memory_bytes_};
  }
  ArithmeticModel arithmetic() const override {
    return {.unit_roundoff = 0x1p-24, .accumulator_bits = 24, .flushes_subnormals = false, .covered = true};
  }
  bool supports(const Node& node) const override { return node.op != nullptr; }

  Result<std::unique_ptr<Buffer>> allocate(const TensorType& type) override {
    auto count = element_count(type.shape);
    if (!count) return count.error();
    const uint64_t bytes = static_cast<uint64_t>(*count) * dtype_size(type.dtype);
    if (bytes > memory_bytes_ - in_use_)
      return resource_error(fmt::format("backend 'reference': {} bytes for a tensor {}, {} of {} in use", bytes,
                                        to_string(type.shape), in_use_, memory_bytes_));
    return std::unique_ptr<Buffer>(std::make_unique<HostBuffer>(type, bytes, in_use_));
  }

  Result<Event> upload(const Tensor& source, Buffer& destination, const Events& after) override {
    return run(after, [&] {
      host(destination).tensor = source;
      return Status();
    });
  }

  Result<Event> download(const Buffer& source, Tensor& destination, const Events& after) override {
    return run(after, [&] {
      destination = host(source).tensor;
      return Status();
    });
  }

  Result<Event> copy(const Buffer& source, Buffer& destination, const Events& after) override {
    return run(after, [&] {
      host(destination).tensor = host(source).tensor;
      return Status();
    });
  }

  Result<Event> execute(const Node& node, std::span<const Buffer* const> inputs, std::span<Buffer* const> outputs,
                        const Events& after) override {
    return run(after, [&]() -> Status {
      std::vector<const Tensor*> tensors;
      for (const Buffer* buffer : inputs) tensors.push_back(buffer ? &host(*buffer).tensor : nullptr);
      std::vector<TensorType> types;
      for (const Buffer* buffer : outputs) types.push_back(buffer->type());
      auto results = node.op->eval(node, tensors, types);
      if (!results) return results.error();
      for (size_t i = 0; i < outputs.size(); ++i) host(*outputs[i]).tensor = std::move((*results)[i]);
      return {};
    });
  }

 private:
  template <typename Command>
  static Result<Event> run(const Events& after, Command&& command) {
    for (const Event& event : after)
      if (auto done = event->wait(); !done) return Event(std::make_shared<Finished>(done));
    return Event(std::make_shared<Finished>(command()));
  }

  uint64_t memory_bytes_;
  uint64_t in_use_ = 0;
};

}  // namespace

std::unique_ptr<Backend> make_reference_backend(uint64_t memory_bytes) {
  return std::make_unique<ReferenceBackend>(memory_bytes);
}

std::unique_ptr<Backend> make_reference_backend() { return make_reference_backend(uint64_t{16} << 30); }

}  // namespace axiom
