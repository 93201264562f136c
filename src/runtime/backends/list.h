// The one list of backends.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "runtime/backend.h"

namespace axiom {

struct BackendEntry {
  std::string_view name;
  std::string_view description;
  std::unique_ptr<Backend> (*make)();
};

/// All backends this program was built with; the first is the default.
std::span<const BackendEntry> backends();

/// kUsage, listing the known names, when there is none of this name.
Result<std::unique_ptr<Backend>> make_backend(std::string_view name);

}  // namespace axiom
