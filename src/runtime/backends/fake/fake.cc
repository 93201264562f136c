// The fake device. Time passes only when the host polls or waits: each tick may finish one ready command, chosen at
// random, so that an ordering that the executor forgot to state is broken sooner or later.
#include "runtime/backends/fake/fake.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <random>

#include "graph/operator.h"

namespace axiom {
namespace {

// The device's memory: addresses carry a tag that no host pointer has, and mean nothing outside.
using Address = uint64_t;
constexpr Address kTag = Address{0xFA4E} << 48;

struct Cell {
  Tensor tensor;
  uint64_t bytes = 0;
  bool written = false;
  int users = 0;  // unfinished commands
};

struct Command {
  std::string what;
  std::vector<Address> reads, writes;
  std::vector<std::shared_ptr<Command>> after;
  std::function<Status()> work;
  int ticks = 0;  // left until it may finish
  bool done = false;
  Status status;
};

class Device {
 public:
  explicit Device(const FakeOptions& options) : options_(options), random_(options.seed) {}

  Result<Address> allocate(const TensorType& type);
  void free(Address address);
  std::shared_ptr<Command> submit(Command command);
  void tick();
  Cell& cell(Address address) { return memory_.at(address); }
  Status injected(const char* kind, int fault, int& count) const;

  FakeOptions options_;
  std::map<Address, Cell> memory_;
  std::deque<std::shared_ptr<Command>> queue_;
  std::vector<std::string> misuses_;
  uint64_t in_use_ = 0, peak_ = 0;
  int allocations_ = 0, uploads_ = 0, downloads_ = 0, copies_ = 0, kernels_ = 0;

 private:
  void finish(Command& command);

  std::mt19937_64 random_;
  Address next_ = kTag;
};

Status Device::injected(const char* kind, int fault, int& count) const {
  if (count++ != fault) return {};
  return internal_error(fmt::format("fake device: injected fault in {} {}", kind, fault));
}

Result<Address> Device::allocate(const TensorType& type) {
  if (auto fault = injected("allocation", options_.fail_allocation, allocations_); !fault)
    return resource_error(fault.error().message);
  Cell cell{.tensor = Tensor(type.dtype, type.shape)};
  cell.bytes = cell.tensor.byte_size();
  if (cell.bytes > options_.memory_bytes - in_use_)
    return resource_error(
        fmt::format("fake device: {} bytes wanted, {} of {} in use", cell.bytes, in_use_, options_.memory_bytes));
  // Poison: a NaN as a float, an absurd number as an integer.
  std::fill_n(cell.tensor.mutable_bytes(), cell.bytes, std::byte{0xFF});
  in_use_ += cell.bytes;
  peak_ = std::max(peak_, in_use_);
  memory_[++next_] = std::move(cell);
  return next_;
}

void Device::free(Address address) {
  if (cell(address).users > 0) misuses_.push_back("a buffer was freed while a command uses it");
  in_use_ -= cell(address).bytes;
  memory_.erase(address);
}

std::shared_ptr<Command> Device::submit(Command command) {
  command.ticks = options_.delay;
  for (const auto* list : {&command.reads, &command.writes})
    for (const Address address : *list) ++cell(address).users;
  queue_.push_back(std::make_shared<Command>(std::move(command)));
  return queue_.back();
}

void Device::finish(Command& command) {
  for (const auto& before : command.after)
    if (!before->status && command.status) command.status = before->status;
  for (const auto* list : {&command.reads, &command.writes})
    for (const Address address : *list)
      if (!memory_.contains(address)) command.status = internal_error("fake device: the memory is gone");
  if (command.status)
    for (const Address address : command.reads)
      if (!cell(address).written) misuses_.push_back(command.what + " read a buffer before it was written");
  if (command.status) command.status = command.work();
  if (command.status)
    for (const Address address : command.writes) cell(address).written = true;
  for (const auto* list : {&command.reads, &command.writes})
    for (const Address address : *list)
      if (memory_.contains(address)) --cell(address).users;
  command.done = true;
}

void Device::tick() {
  std::vector<size_t> ready;
  for (size_t i = 0; i < queue_.size(); ++i) {
    Command& command = *queue_[i];
    const bool waits = std::any_of(command.after.begin(), command.after.end(), [](const auto& c) { return !c->done; });
    if (!waits && --command.ticks <= 0) ready.push_back(i);
  }
  if (ready.empty()) return;
  const size_t chosen = ready[random_() % ready.size()];
  const auto command = queue_[chosen];
  queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(chosen));
  finish(*command);
}

class FakeEvent final : public Completion {
 public:
  FakeEvent(Device& device, std::shared_ptr<Command> command) : device_(device), command_(std::move(command)) {}
  bool done() override {
    if (!command_->done) device_.tick();
    return command_->done;
  }
  Status wait() override {
    while (!command_->done) device_.tick();
    return command_->status;
  }
  const std::shared_ptr<Command>& command() const { return command_; }

 private:
  Device& device_;
  std::shared_ptr<Command> command_;
};

std::vector<std::shared_ptr<Command>> commands_of(const Events& events) {
  std::vector<std::shared_ptr<Command>> commands;
  for (const Event& event : events) commands.push_back(dynamic_cast<const FakeEvent&>(*event).command());
  return commands;
}

class DeviceBuffer final : public Buffer {
 public:
  DeviceBuffer(TensorType type, Device& device, Address address)
      : Buffer(std::move(type)), device_(device), address_(address) {}
  ~DeviceBuffer() override { device_.free(address_); }
  Address address() const { return address_; }

 private:
  Device& device_;
  Address address_;
};

Address address_of(const Buffer& buffer) { return dynamic_cast<const DeviceBuffer&>(buffer).address(); }

// A copy that shares no bytes with the original: device memory and host memory are apart.
Tensor deep_copy(const Tensor& tensor) {
  Tensor copy = tensor;
  copy.mutable_bytes();
  return copy;
}

class FakeDeviceBackend final : public FakeBackend {
 public:
  explicit FakeDeviceBackend(const FakeOptions& options) : device_(options) {}
  ~FakeDeviceBackend() override { AXIOM_CHECK(device_.memory_.empty()); }

  std::string_view name() const override { return "fake"; }
  Capabilities capabilities() const override {
    return {.device = "no device", .host_memory = false, .memory_bytes = device_.options_.memory_bytes};
  }
  ArithmeticModel arithmetic() const override {
    return {.unit_roundoff = 0x1p-24, .accumulator_bits = 24, .flushes_subnormals = false, .covered = true};
  }
  bool supports(const Node& node) const override { return node.op != nullptr; }

  Result<std::unique_ptr<Buffer>> allocate(const TensorType& type) override {
    auto address = device_.allocate(type);
    if (!address) return address.error();
    return std::unique_ptr<Buffer>(std::make_unique<DeviceBuffer>(type, device_, *address));
  }

  Result<Event> upload(const Tensor& source, Buffer& destination, const Events& after) override {
    const Address to = address_of(destination);
    const Status fault = device_.injected("upload", device_.options_.fail_upload, device_.uploads_);
    return submit({.what = "an upload",
                   .reads = {},
                   .writes = {to},
                   .after = commands_of(after),
                   .work =
                       [this, source, to] {
                         device_.cell(to).tensor = deep_copy(source);
                         return Status();
                       },
                   .status = fault});
  }

  Result<Event> download(const Buffer& source, Tensor& destination, const Events& after) override {
    const Address from = address_of(source);
    const Status fault = device_.injected("download", device_.options_.fail_download, device_.downloads_);
    return submit({.what = "a download",
                   .reads = {from},
                   .writes = {},
                   .after = commands_of(after),
                   .work =
                       [this, from, &destination] {
                         destination = deep_copy(device_.cell(from).tensor);
                         return Status();
                       },
                   .status = fault});
  }

  Result<Event> copy(const Buffer& source, Buffer& destination, const Events& after) override {
    const Address from = address_of(source), to = address_of(destination);
    const Status fault = device_.injected("copy", device_.options_.fail_copy, device_.copies_);
    return submit({.what = "a copy",
                   .reads = {from},
                   .writes = {to},
                   .after = commands_of(after),
                   .work =
                       [this, from, to] {
                         device_.cell(to).tensor = deep_copy(device_.cell(from).tensor);
                         return Status();
                       },
                   .status = fault});
  }

  Result<Event> execute(const Node& node, std::span<const Buffer* const> inputs, std::span<Buffer* const> outputs,
                        const Events& after) override {
    std::vector<Address> reads, writes;
    std::vector<std::optional<Address>> arguments;
    std::vector<TensorType> types;
    for (const Buffer* buffer : inputs) {
      arguments.push_back(buffer ? std::optional(address_of(*buffer)) : std::nullopt);
      if (buffer) reads.push_back(address_of(*buffer));
    }
    for (const Buffer* buffer : outputs) {
      writes.push_back(address_of(*buffer));
      types.push_back(buffer->type());
    }
    const Status fault = device_.injected("kernel", device_.options_.fail_kernel, device_.kernels_);
    const auto work = [this, &node, arguments, writes, types]() -> Status {
      std::vector<const Tensor*> tensors;
      for (const auto& address : arguments) tensors.push_back(address ? &device_.cell(*address).tensor : nullptr);
      auto results = node.op->eval(node, tensors, types);
      if (!results) return results.error();
      for (size_t i = 0; i < writes.size(); ++i) device_.cell(writes[i]).tensor = deep_copy((*results)[i]);
      return {};
    };
    return submit({.what = "node '" + node.name + "'",
                   .reads = reads,
                   .writes = writes,
                   .after = commands_of(after),
                   .work = work,
                   .status = fault});
  }

  int live_buffers() const override { return static_cast<int>(device_.memory_.size()); }
  uint64_t peak_bytes() const override { return device_.peak_; }
  int pending_commands() const override { return static_cast<int>(device_.queue_.size()); }
  int allocations() const override { return device_.allocations_; }
  int kernels() const override { return device_.kernels_; }
  const std::vector<std::string>& misuses() const override { return device_.misuses_; }

 private:
  Result<Event> submit(Command command) {
    return Event(std::make_shared<FakeEvent>(device_, device_.submit(std::move(command))));
  }

  Device device_;
};

}  // namespace

std::unique_ptr<FakeBackend> make_fake_device(const FakeOptions& options) {
  return std::make_unique<FakeDeviceBackend>(options);
}

std::unique_ptr<Backend> make_fake_backend() { return make_fake_device({}); }

}  // namespace axiom
