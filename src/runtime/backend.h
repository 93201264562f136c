// Backend: the only door to machines that execute graphs.
//
// A backend owns buffers in its own memory and runs commands on them: upload, download, copy, execute. Every command is
// asynchronous: submitting returns an Event, and the command may start once the events it lists as `after` are done.
// The order between commands is what these lists say and nothing else, so a backend is free to overlap the rest.
//
// Failure: what is refused at submission (no memory, no kernel) is the Result; what goes wrong later is delivered by
// the Event. A command whose `after` holds a failed event does not run and fails with the same error.
// Threads: one at a time per backend. Lifetime: a buffer outlives the commands that use it, a backend its buffers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"
#include "tensor/tensor.h"

namespace axiom {

struct Capabilities {
  std::string device;         ///< In words, from the driver: "host CPU", "NVIDIA ...".
  bool host_memory = true;    ///< Buffers lie in host memory; uploads need not copy.
  uint64_t memory_bytes = 0;  ///< What buffers may take together.
};

/// What is known of the results of a backend, in the terms of spec/operators.md section 5.
struct ArithmeticModel {
  double unit_roundoff = 0x1p-24;
  int accumulator_bits = 24;        ///< Significand bits that sums are kept in.
  bool flushes_subnormals = false;  ///< On operands or results.
  bool covered = false;             ///< Every evaluation is a covered one: float32 claims hold for what it computes.
};

/// The completion of a command.
class Completion {
 public:
  virtual ~Completion() = default;
  virtual bool done() = 0;    ///< Does not block. Failed counts as done.
  virtual Status wait() = 0;  ///< Blocks until done; the same answer every time.
};
using Event = std::shared_ptr<Completion>;
using Events = std::vector<Event>;

/// Memory of one tensor on the device. Destroying it frees it; all commands that use it must be done by then.
class Buffer {
 public:
  explicit Buffer(TensorType type) : type_(std::move(type)) {}
  virtual ~Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  const TensorType& type() const { return type_; }

 private:
  TensorType type_;
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string_view name() const = 0;
  virtual Capabilities capabilities() const = 0;
  virtual ArithmeticModel arithmetic() const = 0;
  virtual bool supports(const Node& node) const = 0;

  /// Memory for a tensor, its content undefined. kResource when there is not enough.
  virtual Result<std::unique_ptr<Buffer>> allocate(const TensorType& type) = 0;

  /// The backend keeps what it needs of `source`. Dtype and shape are those of the buffer.
  virtual Result<Event> upload(const Tensor& source, Buffer& destination, const Events& after) = 0;
  /// `destination` must stay where it is until the event is done; it is written by then, not before.
  virtual Result<Event> download(const Buffer& source, Tensor& destination, const Events& after) = 0;
  virtual Result<Event> copy(const Buffer& source, Buffer& destination, const Events& after) = 0;
  /// Runs one node. `inputs` holds nullptr for omitted ones; `outputs` one buffer per inferred output, never nullptr.
  virtual Result<Event> execute(const Node& node, std::span<const Buffer* const> inputs,
                                std::span<Buffer* const> outputs, const Events& after) = 0;
};

}  // namespace axiom
