// The walk through a proof tree (spec/certificate.md section 8).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "program.h"
#include "property.h"

namespace checker {

struct Counts {
  uint64_t nodes = 0, leaves = 0;
};

// Where a node and those below it stand among the bytes of the tree, and their leaves.
struct Extent {
  uint64_t begin = 0, end = 0, leaves = 0;
};

// Checks `tree`, which begins at byte `offset` of the certificate. Throws Rejected
// with path, byte and numbers at the first step that does not hold. Adds the extent of
// every node to `extents` if it is not null, in the order in which they begin.
Counts check_tree(const Program& program, const Property& property, Semantics semantics, std::span<const uint8_t> tree,
                  uint64_t offset, std::vector<Extent>* extents = nullptr);

}  // namespace checker
