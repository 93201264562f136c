// The bytes of a certificate (spec/certificate.md, section 9).
#pragma once

#include <string>
#include <string_view>

#include "bounds/arithmetic.h"
#include "graph/program.h"
#include "graph/property.h"

namespace axiom {

/// Header and tree. `model_digest` and the property's digest are hex SHA-256 of the decompressed files.
std::string encode_certificate(Semantics semantics, std::string_view model_digest, const Property& property,
                               const Program& program, std::string_view tree);

}  // namespace axiom
