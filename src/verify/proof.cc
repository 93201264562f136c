// Encoding of proof trees.
#include "verify/proof.h"

#include <algorithm>
#include <bit>
#include <cmath>
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

std::string_view ProofReader::take(uint64_t size) {
  ok_ = ok_ && size <= rest_.size();
  if (!ok_) return {};
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

uint8_t ProofReader::byte() {
  const std::string_view taken = take(1);
  return taken.empty() ? 0 : static_cast<uint8_t>(taken[0]);
}

template <typename T>
T ProofReader::number() {
  T value = 0;
  const std::string_view raw = take(sizeof value);
  if (!raw.empty()) std::memcpy(&value, raw.data(), raw.size());
  return value;
}

uint64_t ProofReader::varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 63; shift += 7) {
    const uint8_t next = byte();
    value |= uint64_t{next & 0x7fu} << shift;
    if ((next & 0x80) == 0) return value;
  }
  ok_ = false;
  return 0;
}

uint32_t ProofReader::index(uint64_t end) {
  const uint64_t value = varint();
  ok_ = ok_ && value < end;
  return ok_ ? static_cast<uint32_t>(value) : 0;
}

// `above` + a step: what an increasing list has next. Only the first may be 0 away from where the list begins.
uint64_t ProofReader::next(uint64_t above, uint64_t end, bool first) {
  const uint64_t step = varint();
  ok_ = ok_ && step < end - above && (first || step > 0);
  return above + (ok_ ? step : 0);
}

PropagatePlan ProofReader::propagate() {
  PropagatePlan plan;
  const uint8_t mode = byte(), rule = byte();
  ok_ = ok_ && mode <= 2 && rule <= 2;
  plan.sweep_all = mode == 1;
  plan.rule = static_cast<SlopeRule>(rule);
  uint32_t above = 0;
  for (uint64_t left = mode == 2 ? varint() : 0; ok_ && left > 0; --left) {
    const uint32_t p = index(program_.ops.size());
    ok_ = ok_ && p > above && program_.program.ops[p].kind == CoreKind::kAffine;
    plan.sweep_ops.push_back(above = p);
  }
  return plan;
}

std::vector<Tightening> ProofReader::tighten(uint32_t p, const BoundContext& context) {
  std::vector<Tightening> found;
  const uint64_t count = varint();
  ok_ = ok_ && count > 0;
  uint64_t target = 0;  // As it is written: 2 * row, + 1 for an upper bound.
  while (ok_ && found.size() < count) {
    target = next(target, 2 * uint64_t{program_.program.ops[p].count}, found.empty());
    found.push_back({static_cast<uint32_t>(target / 2), target % 2 == 1, slopes(p, context), 0});
  }
  return found;
}

SlopeSpec ProofReader::slopes(uint32_t end, const BoundContext& context) {
  SlopeSpec spec;
  const uint8_t first = byte();
  ok_ = ok_ && (first & 0x7c) == 0;
  spec.rule = static_cast<SlopeRule>(first & 3);
  if (spec.rule == SlopeRule::kExplicit) {
    const std::string_view bytes = take(open_hinges(context, end).size());
    spec.bytes.assign(bytes.begin(), bytes.end());
    ok_ = ok_ && std::all_of(spec.bytes.begin(), spec.bytes.end(), [](uint8_t slope) { return slope <= 128; });
  }
  if ((first & 0x80) == 0) return spec;
  const uint64_t count = varint();
  ok_ = ok_ && count > 0;
  uint64_t element = 0;
  while (ok_ && spec.multipliers.size() < count) {
    element = next(element, program_.program.element_count, spec.multipliers.empty());
    const float beta = number<float>();
    ok_ = ok_ && std::isfinite(beta) && beta != 0;
    spec.multipliers.push_back({static_cast<ElementId>(element), beta});
  }
  return spec;
}

std::optional<double> ProofReader::split_value() {
  const uint8_t form = byte();
  ok_ = ok_ && form <= 1;
  if (form == 0) return std::nullopt;
  const double value = number<double>();
  ok_ = ok_ && std::isfinite(value);
  return value;
}

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
