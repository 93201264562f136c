// The digest of a statement covers the files that its names are defined in, so that equal digests are equal claims.
#include "certificate/export/proof_export.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "base/sha256.h"

namespace axiom {
namespace {

/// The files that define what the statement is about; the others are evidence.
bool is_statement_file(std::string_view name) {
  return name.starts_with("Compact") || name.starts_with("Network") || name.starts_with("Property");
}

}  // namespace

std::string statement_digest(const ProofExport& all, const ProofObligation& obligation) {
  std::string text;
  for (const std::string& name : obligation.files) {
    const auto file =
        std::find_if(all.files.begin(), all.files.end(), [&](const ExportFile& f) { return f.name == name; });
    AXIOM_CHECK(file != all.files.end());
    text += fmt::format("{}  {}\n", sha256_hex(file->text), name);
  }
  return sha256_hex(text + obligation.statement + "\n");
}

ProofExport coq_export(const std::vector<TheoryFile>& theory, Semantics semantics) {
  ProofExport out{.assistant = "coq", .files = {}, .obligations = {{"verified", coq_statement(semantics), {}}}};
  for (const TheoryFile& file : theory) {
    out.files.push_back({file.name + ".v", file.text});
    if (is_statement_file(file.name)) out.obligations.front().files.push_back(file.name + ".v");
  }
  return out;
}

}  // namespace axiom
