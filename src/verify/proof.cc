// Encoding of proof trees.
#include "verify/proof.h"

#include <bit>

#include <cstring>

namespace axiom {

void append_varint(std::string& bytes, uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>((value & 0x7f) | 0x80));
  bytes.push_back(static_cast<char>(value));
}

void ProofCode::varint(uint64_t value) { append_varint(bytes_, value); }

void ProofCode::propagate(const PropagatePlan& plan) {
  byte(0x01);
  byte(plan.sweep_all ? 1 : plan.sweep_ops.empty() ? 0 : 2);
  byte(static_cast<unsigned>(plan.rule));
  if (plan.sweep_all || plan.sweep_ops.empty()) return;
  varint(plan.sweep_ops.size());
  for (uint32_t p : plan.sweep_ops) varint(p);
}

void ProofCode::tighten(uint32_t p, std::span<const Tightening> found) {
  byte(0x09);
  varint(p);
  varint(found.size());
  uint64_t previous = 0;
  for (const Tightening& t : found) {
    const uint64_t target = 2 * uint64_t{t.row} + t.upper;
    varint(target - previous);
    previous = target;
    slope_spec(t.slopes);
  }
}

void ProofCode::clip(size_t constraint, const SlopeSpec& slopes) {
  byte(0x02);
  varint(constraint);
  slope_spec(slopes);
}

void ProofCode::split_all_disjuncts() { byte(0x03); }

void ProofCode::split_input(uint32_t j) {
  byte(0x04);
  varint(j);
  byte(0);
}

void ProofCode::split_element(ElementId e) {
  byte(0x05);
  varint(e);
  byte(0);
}

void ProofCode::split_element(ElementId e, double at) {
  byte(0x05);
  varint(e);
  byte(1);
  const auto bits = std::bit_cast<uint64_t>(at);
  for (int shift = 0; shift < 64; shift += 8) byte(bits >> shift & 0xff);
}

void ProofCode::refute(size_t constraint, const SlopeSpec& slopes) {
  byte(0x06);
  varint(constraint);
  slope_spec(slopes);
}

void ProofCode::empty() { byte(0x07); }

void ProofCode::slope_spec(const SlopeSpec& slopes) {
  byte(static_cast<unsigned>(slopes.rule) | (slopes.multipliers.empty() ? 0u : 0x80u));
  if (slopes.rule == SlopeRule::kExplicit) bytes_.append(slopes.bytes.begin(), slopes.bytes.end());
  if (slopes.multipliers.empty()) return;
  varint(slopes.multipliers.size());
  ElementId previous = 0;
  for (const Multiplier& m : slopes.multipliers) {
    varint(m.element - previous);
    previous = m.element;
    char raw[4];
    std::memcpy(raw, &m.beta, 4);  // Little-endian hosts only; checked at build time below.
    bytes_.append(raw, 4);
  }
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "certificates are written on little-endian machines");

std::string serialize(const ProofNode& root) {
  std::string bytes;
  preorder(root, [&](const ProofNode& node) { bytes += node.code; });
  return bytes;
}

uint64_t count_leaves(const ProofNode& root) {
  uint64_t leaves = 0;
  preorder(root, [&](const ProofNode& node) { leaves += node.children.empty(); });
  return leaves;
}

}  // namespace axiom
