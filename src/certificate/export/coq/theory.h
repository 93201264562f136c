// A certificate as a Coq theory: the files from which coqc makes the theorem `verified : claim s network property`.
//
// The files are one logical folder `Certificate` and use the library `AxiomProofs` (proofs/). Nothing in them is
// trusted but the two statements that a reader compares with the model and the property: Network.v and the first part
// of Property.v. The rounded numbers, the tree and the proofs are checked by the kernel.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bounds/arithmetic.h"
#include "graph/program.h"
#include "graph/property.h"

namespace axiom {

/// Where a node of a tree and those below it stand among its bytes, and their leaves.
struct TreeNode {
  uint64_t begin = 0, end = 0, leaves = 0;
};

/// What `axiom-check --nodes` writes: one node a line, in the order in which they begin. Empty: it is something else.
std::vector<TreeNode> parse_tree_nodes(std::string_view text);

/// What the files are made of. The references must outlive the call only.
struct TheorySource {
  const Program& program;
  const Property& property;
  Semantics semantics = Semantics::kFloat32;
  std::string_view tree;            ///< Bytes of the certificate's tree.
  std::span<const TreeNode> nodes;  ///< Of the tree; empty: it is not cut.
  uint64_t leaves_per_file = 1000;  ///< A tree with more is cut, and checked by files with about as many.
  std::string model_digest, property_digest, certificate_digest;  ///< Hex SHA-256, for comments.
};

/// A file of the theory; `name` without ".v". Files of one stage do not use each other.
struct TheoryFile {
  std::string name;
  std::string text;
  int stage = 0;
};

/// All files, in the order in which coqc may compile them: by stage.
std::vector<TheoryFile> coq_theory(const TheorySource& source);

/// A file, not of the theory, that asks whether check_certificate covers the operators of the network at all: Coq
/// prints
/// "= true" or "= false". Needs Network compiled.
TheoryFile coq_coverage(Semantics semantics);

/// The type of the theorem as Statement.v asks for it, in full names.
std::string coq_statement(Semantics semantics);

/// The line that Statement.v makes Coq print when the theorem has that type.
std::string coq_answer(Semantics semantics);

}  // namespace axiom
