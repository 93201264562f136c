// libFuzzer target for everything that axiom-check reads. The input is the length
// of the model (4 bytes, little-endian), the length of the property, both, and a
// proof tree; the header around the tree is made here, so that mutations reach
// past digests and counts. Several threads must say what one says.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "checker.h"
#include "error.h"
#include "onnx.h"
#include "sha256.h"

namespace {

using Span = std::span<const uint8_t>;

constexpr checker::Limits kLimits{.elements = 1 << 14, .terms = 1 << 16, .work = 1 << 20};

Span take(Span& rest, size_t count) {
  const Span taken = rest.first(std::min(count, rest.size()));
  rest = rest.subspan(taken.size());
  return taken;
}

uint32_t take_length(Span& rest) {
  uint32_t length = 0;
  const Span bytes = take(rest, 4);
  if (!bytes.empty()) std::memcpy(&length, bytes.data(), bytes.size());
  return length;
}

void put_varint(std::vector<uint8_t>& out, uint64_t value) {
  for (; value >= 128; value >>= 7) out.push_back(uint8_t(value | 128));
  out.push_back(uint8_t(value));
}

std::vector<uint8_t> certificate_for(Span model, Span property, Span tree, checker::Semantics semantics) {
  const checker::Program program = checker::lower(checker::read_onnx(model), kLimits);
  const checker::Property parsed = checker::read_property(property, semantics, program);
  std::vector<uint8_t> out{'A', 'X', 'C', 'E', 'R', 'T', '0', '1', uint8_t(semantics)};
  for (const checker::Digest& digest : {checker::sha256(model), checker::sha256(property)}) {
    out.insert(out.end(), digest.begin(), digest.end());
  }
  put_varint(out, program.inputs());
  put_varint(out, program.outputs.size());
  put_varint(out, program.operators.size());
  put_varint(out, program.elements());
  put_varint(out, parsed.disjuncts.size());
  put_varint(out, tree.size());
  out.insert(out.end(), tree.begin(), tree.end());
  return out;
}

void check(Span certificate, Span model, Span property) {
  const checker::Outcome alone = checker::check(certificate, model, property, kLimits);
  for (const unsigned threads : {2u, 3u}) {
    const checker::Division division{.threads = threads, .parts_per_thread = 1, .least_work = 0};
    const checker::Outcome outcome = checker::check(certificate, model, property, kLimits, nullptr, division);
    const bool same = outcome.result == alone.result && outcome.reason == alone.reason &&
                      outcome.nodes == alone.nodes && outcome.leaves == alone.leaves;
    if (!same) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Span rest(data, size);
  checker::check(rest, {}, {}, kLimits);  // the bytes as a whole certificate: the header
  const uint32_t model_length = take_length(rest), property_length = take_length(rest);
  const Span model = take(rest, model_length), property = take(rest, property_length);
  for (const auto semantics : {checker::Semantics::real, checker::Semantics::float32}) {
    try {
      check(certificate_for(model, property, rest, semantics), model, property);
    } catch (const checker::Malformed&) {
    }
  }
  return 0;
}
