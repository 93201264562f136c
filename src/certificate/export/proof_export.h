// A certificate as files of a proof assistant, with what is to be proved about them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "certificate/export/coq/theory.h"

namespace axiom {

struct ExportFile {
  std::string name;  ///< With suffix.
  std::string text;
};

/// A statement of the files; `files` are those that say what it means, by name.
struct ProofObligation {
  std::string id, statement;
  std::vector<std::string> files;
};

struct ProofExport {
  std::string_view assistant;  ///< "coq", "lean4", "isabelle"
  std::vector<ExportFile> files;
  std::vector<ProofObligation> obligations;
};

/// Hex SHA-256 of what `sha256sum <files>` and then a line with the statement print.
std::string statement_digest(const ProofExport& all, const ProofObligation& obligation);

/// The theory of coq_theory(), with the one obligation `verified`.
ProofExport coq_export(const std::vector<TheoryFile>& theory, Semantics semantics);

}  // namespace axiom
