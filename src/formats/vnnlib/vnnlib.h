// Reader of VNN-LIB properties, versions 1 and 2.
//
// Version 1: (declare-const X_i Real), (declare-const Y_j Real), (assert F) with F built from and, or, <=, >=, <, >,
// linear terms from +, -, *, decimal constants, and comments. Version 2, which begins with (vnnlib-version <2.0>):
// (declare-network N (declare-input X float32 [1,5]) (declare-output Y float32 [2])), entries X[0,1] as variables, and
// `==` and `!=`. `<` counts as `<=`, `>` as `>=` and `a != b` as their union: the unsafe set is closed, so it can only
// be larger than stated. Both are defined in spec/certificate.md, section 3.
//
// Files are hostile: at most 100 MB of text, 1,000 levels of nesting, 10,000,000 variables of each kind, 100,000
// disjuncts, and 256 MiB when expanded. Errors are kInvalidInput with the line: "vnnlib: line 12: X_3 is not declared".
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "graph/graph.h"
#include "graph/property.h"

namespace axiom {

/// Reads a file, gzip or not. `model` has inferred shapes (graph/infer.h): a property of version 2 speaks of its inputs
/// and outputs by order or by name, and must declare their shapes.
Result<Property> read_vnnlib(const std::string& path, const Graph& model);

Result<Property> parse_vnnlib(std::string_view text, const Graph& model);

/// Without a model: tensors of version 2 are numbered in their order, and nothing is compared. For texts of which the
/// order is known.
Result<Property> parse_vnnlib(std::string_view text);

}  // namespace axiom
