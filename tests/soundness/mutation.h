// Changes of proof trees by meaning: other numbers, other subtrees, other attempts at a leaf.
#pragma once

#include <string>

#include "exact_replay.h"
#include "generator.h"

namespace axiom::soundness {

/// Writes the instructions of spec/certificate.md section 8.
struct TreeWriter {
  std::string bytes;

  TreeWriter& byte(int value);
  TreeWriter& varint(uint64_t value);
  TreeWriter& f64(double value);
  TreeWriter& f32(float value);
  TreeWriter& propagate(int mode, int rule) { return byte(1).byte(mode).byte(rule); }
};

/// What a mutation may refer to.
struct Vocabulary {
  int inputs = 0, constraints = 0;
  std::vector<uint64_t> sums;  ///< Elements of affine operators.

  Vocabulary(const Meaning& meaning, const Question& question);
};

/// The tree with another number at the place; numbers near the old one, anywhere, and at the ends of their range.
std::string change_number(const std::string& tree, const Place& place, Draw& draw);

/// The tree with explicit slopes, or one more multiplier, at a kFormRule place.
std::string add_slopes(const std::string& tree, const Place& place, Draw& draw);
std::string add_multiplier(const std::string& tree, const Place& place, const Vocabulary& words, Draw& draw);

/// The tree with one change of its structure: a leaf replaced by EMPTY, by another REFUTE or by a small tree; a subtree
/// replaced, copied, exchanged with another, or left out. Leaves that do not hold are changed most.
std::string change_structure(const std::string& tree, const ExactReplay& map, const Vocabulary& words, Draw& draw);

/// Bytes with [begin, end) replaced.
std::string with(const std::string& bytes, size_t begin, size_t end, const std::string& replacement);

}  // namespace axiom::soundness
