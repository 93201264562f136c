// The header of a certificate, read without its proof (spec/certificate.md, section 9).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace axiom::cli {

struct CertificateHeader {
  std::string semantics;                      ///< "real" or "float32"
  std::string model_digest, property_digest;  ///< Hex SHA-256 of the decompressed files.
  uint64_t inputs = 0, outputs = 0, operators = 0, elements = 0, disjuncts = 0;
  uint64_t header_bytes = 0, tree_bytes = 0;
};

bool is_certificate(std::string_view bytes);

/// Reads the header of a whole certificate. Whether the proof holds is for axiom-check alone to say.
Result<CertificateHeader> parse_certificate_header(std::string_view bytes);

}  // namespace axiom::cli
