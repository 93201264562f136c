// A device for tests: what a GPU or a plugin will do to the executor, without either.
//
// Its memory cannot be reached from the host; commands complete late and in any order that their `after` lists allow;
// faults can be injected into any submission. It counts what is alive and notes every misuse, so that a test can show
// that the executor waits for what it must wait for, reports failures and frees everything.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/backend.h"

namespace axiom {

struct FakeOptions {
  uint64_t seed = 1;  ///< Chooses which of the ready commands runs next.
  int delay = 3;      ///< Polls that a command stays unfinished at least.
  uint64_t memory_bytes = uint64_t{1} << 30;
  // Fails the n-th of its kind, counted from 0; -1 for none. Allocations fail at once, the others on completion.
  int fail_allocation = -1, fail_upload = -1, fail_download = -1, fail_copy = -1, fail_kernel = -1;
};

class FakeBackend : public Backend {
 public:
  virtual int live_buffers() const = 0;
  virtual uint64_t peak_bytes() const = 0;
  virtual int pending_commands() const = 0;
  virtual int allocations() const = 0;  ///< Attempts so far.
  virtual int kernels() const = 0;
  /// Sentences about broken rules of backend.h: a buffer freed while in use, read before it is written, ...
  virtual const std::vector<std::string>& misuses() const = 0;
};

std::unique_ptr<FakeBackend> make_fake_device(const FakeOptions& options);
std::unique_ptr<Backend> make_fake_backend();

}  // namespace axiom
