// The proof tree that a search leaves behind, encoded as it grows (spec/certificate.md, section 8).
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "bounds/sweep.h"

namespace axiom {

/// Writes instructions of one node in order.
class ProofCode {
 public:
  void propagate(const PropagatePlan& plan);
  void tighten(uint32_t p, std::span<const Tightening> found);
  void clip(size_t constraint, const SlopeSpec& slopes);
  void split_all_disjuncts();       ///< CASE
  void split_input(uint32_t j);     ///< At the midpoint.
  void split_element(ElementId e);  ///< At 0.
  void split_element(ElementId e, double at);
  void refute(size_t constraint, const SlopeSpec& slopes);
  void empty();

  std::string take() { return std::move(bytes_); }

 private:
  void byte(unsigned value) { bytes_.push_back(static_cast<char>(value)); }
  void varint(uint64_t value);
  void slope_spec(const SlopeSpec& slopes);
  std::string bytes_;
};

/// One node: the instructions up to its closing one, and a child for each part of a split.
struct ProofNode {
  std::string code;
  std::vector<ProofNode*> children;
};

void append_varint(std::string& bytes, uint64_t value);

/// The tree in preorder. Every node must be closed.
std::string serialize(const ProofNode& root);

/// Number of nodes without children.
uint64_t count_leaves(const ProofNode& root);

}  // namespace axiom
