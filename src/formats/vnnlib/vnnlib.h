// Reader of VNN-LIB 1 properties.
//
// Accepted: (declare-const X_i Real), (declare-const Y_j Real), (assert F) with F built from and, or, <=, >=, <, >,
// linear terms from +, -, *, decimal constants, and comments. `<` counts as `<=` and `>` as `>=`: the unsafe set is
// closed, so it can only be larger than stated. The normal form is defined in spec/certificate.md, section 3.
//
// Files are hostile: at most 100 MB of text, 1,000 levels of nesting, 100,000 disjuncts, and 256 MiB when expanded.
// Errors are kInvalidInput with the line: "vnnlib: line 12: X_3 is not declared; ...".
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "graph/property.h"

namespace axiom {

/// Reads a file, gzip or not.
Result<Property> read_vnnlib(const std::string& path);

Result<Property> parse_vnnlib(std::string_view text);

}  // namespace axiom
