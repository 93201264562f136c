// Encoding of certificates.
#include "certificate/certificate.h"

#include "base/result.h"
#include "verify/proof.h"

namespace axiom {
namespace {

int nibble(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

void append_digest(std::string& bytes, std::string_view hex) {
  AXIOM_CHECK(hex.size() == 64);
  for (size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(nibble(hex[i]) * 16 + nibble(hex[i + 1])));
  }
}

}  // namespace

std::string encode_certificate(Semantics semantics, std::string_view model_digest, const Property& property,
                               const Program& program, std::string_view tree) {
  std::string bytes = "AXCERT01";
  bytes.push_back(static_cast<char>(semantics));
  append_digest(bytes, model_digest);
  append_digest(bytes, property.digest);
  for (const uint64_t count :
       {uint64_t{program.input_count}, uint64_t{program.outputs.size()}, uint64_t{program.ops.size()},
        uint64_t{program.element_count}, uint64_t{property.disjuncts.size()}, uint64_t{tree.size()}}) {
    append_varint(bytes, count);
  }
  bytes += tree;
  return bytes;
}

}  // namespace axiom
