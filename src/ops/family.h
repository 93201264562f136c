// What a file of this folder contributes: its operators. ops/registry.cc lists the files.
#pragma once

#include <memory>
#include <vector>

#include "graph/operator.h"

namespace axiom::ops {

using Family = std::vector<std::unique_ptr<const Operator>>;

}  // namespace axiom::ops
