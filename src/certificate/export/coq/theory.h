// A certificate as a Coq theory: the files from which coqc makes the theorem `verified : claim s network property`.
//
// The files are one logical folder `Certificate` and use the library `AxiomProofs` (proofs/). Nothing in them is
// trusted but the two statements that a reader compares with the model and the property: Network.v and the first part
// of Property.v. The rounded numbers, the tree and the proofs are checked by the kernel.
#pragma once

#include <string>
#include <vector>

#include "bounds/arithmetic.h"
#include "graph/program.h"
#include "graph/property.h"

namespace axiom {

/// What the files are made of. The references must outlive the call only.
struct TheorySource {
  const Program& program;
  const Property& property;
  Semantics semantics = Semantics::kFloat32;
  std::string_view tree;                                          ///< Bytes of the certificate's tree.
  std::string model_digest, property_digest, certificate_digest;  ///< Hex SHA-256, for comments.
};

/// A file of the theory; `name` without ".v".
struct TheoryFile {
  std::string name;
  std::string text;
};

/// All files, in the order in which coqc has to compile them. The program has no softmax.
std::vector<TheoryFile> coq_theory(const TheorySource& source);

/// The type of the theorem as Statement.v asks for it, in full names.
std::string coq_statement(Semantics semantics);

/// The line that Statement.v makes Coq print when the theorem has that type.
std::string coq_answer(Semantics semantics);

}  // namespace axiom
