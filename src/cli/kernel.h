// Coq's kernel, asked about one theory: the only place that a theorem is found to be checked.
#pragma once

#include <string>

#include "cli/theorem.h"

namespace axiom::cli {

struct Kernel {
  std::string coqc;     ///< The program.
  std::string library;  ///< The compiled folder proofs/.
};

/// Error: Coq or its library is missing, with what to do.
Result<Kernel> find_kernel(const TheoremRequest& request);

/// Hex SHA-256 of what `sha256sum *.vo` prints in the folder, names in the order of their bytes.
Result<std::string> library_digest(const std::string& folder);

/// Writes the theory into the folder and has it compiled there. An answer counts only if the files and the library are
/// the same afterwards. Fills in theory.report; errors as compile_theory's.
Status run_kernel(const Kernel& kernel, const TheoremRequest& request, const std::string& folder, Theory& theory);

}  // namespace axiom::cli
