// Where nodes of a proof tree begin and end, found without checking anything: instructions are read as far as it takes
// to know their lengths. The walk decides; what is found here only tells which parts several threads may walk.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "property.h"

namespace checker {

// The bytes [begin, end) of a tree: one node and all below it.
struct Part {
  uint64_t begin, end;
};

// By increasing begin, disjoint: every node of `least` to `most` bytes whose parent is larger than `most`. Of a tree
// that is malformed only what ends before the fault, and nothing behind the first explicit slopes, as their number
// depends on bounds. Takes time in proportion to the tree, and memory to its depth and to the number of parts.
std::vector<Part> outline(const Property& property, std::span<const uint8_t> tree, uint64_t least, uint64_t most);

}  // namespace checker
