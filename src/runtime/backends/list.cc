// A new backend adds one line here.
#include "runtime/backends/list.h"

#include <fmt/format.h>

#include "runtime/backends/fake/fake.h"
#include "runtime/backends/reference/reference.h"

namespace axiom {
namespace {

constexpr BackendEntry kBackends[] = {
    {"reference", "the meaning of every operator, in plain loops on the host", make_reference_backend},
    {"fake", "a device that is none: own memory, late completion; for tests", make_fake_backend},
};

}  // namespace

std::span<const BackendEntry> backends() { return kBackends; }

Result<std::unique_ptr<Backend>> make_backend(std::string_view name) {
  std::string known;
  for (const BackendEntry& entry : kBackends) {
    if (entry.name == name) return entry.make();
    known += fmt::format("{}{}", known.empty() ? "" : ", ", entry.name);
  }
  return usage_error(fmt::format("there is no backend '{}'; known: {}", name, known));
}

}  // namespace axiom
