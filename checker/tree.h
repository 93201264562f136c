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

// How a tree is divided among threads.
struct Division {
  unsigned threads = 1;            // from 1 on
  uint64_t parts_per_thread = 16;  // about; they differ in size
  // Of a part that is worth a thread, in bytes of the tree times terms of the network; 2^21 take about a millisecond.
  uint64_t least_work = 1 << 21;
};

// Checks `tree`, which begins at byte `offset` of the certificate. Throws Rejected
// with path, byte and numbers at the first step that does not hold. Adds the extent of
// every node to `extents` if it is not null, in the order in which they begin. A large
// tree is walked by several threads, unless extents are asked for; counts and what is
// thrown do not depend on the division.
Counts check_tree(const Program& program, const Property& property, Semantics semantics, std::span<const uint8_t> tree,
                  uint64_t offset, std::vector<Extent>* extents, const Division& division);

}  // namespace checker
