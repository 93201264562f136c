// axiom-proof-bundle.v1: the file bundle.json beside the files of a proof assistant. It says what is to be proved,
// about which bytes, and whether a kernel has accepted it (docs/schemas.md).
#pragma once

#include <string>
#include <string_view>

#include "certificate/export/proof_export.h"
#include "cli/output.h"
#include "cli/theorem.h"

namespace axiom::cli {

inline constexpr std::string_view kBundleName = "bundle.json";
inline constexpr std::string_view kCertificateName = "certificate.axc";

enum class ReplayStatus { kNotReplayed, kChecked, kRejected };

std::string_view status_name(ReplayStatus status);  ///< "not-replayed", "checked", "rejected"

/// The files of a theory for "coq", "lean4" or "isabelle". kCertificate: there is no such assistant.
Result<ProofExport> export_for(const std::string& assistant, const Theory& theory);

/// kChecked is for the caller who has just had run_kernel accept these files.
Json bundle_json(const ProofExport& files, const TheoremReport& report, ReplayStatus status);

/// Writes the files, the certificate and bundle.json, with the status kNotReplayed, into the folder.
Status write_bundle(const std::string& folder, const ProofExport& files, const Theory& theory);
/// Writes bundle.json anew.
Status write_status(const std::string& folder, const ProofExport& files, const TheoremReport& report,
                    ReplayStatus status);

/// Holds a folder to the files that it must have: bundle.json says of each obligation and file what `files` and
/// `report` say, every file has these bytes, and no other file has the suffix of one of them. kCertificate: it does
/// not.
Status compare_bundle(const std::string& folder, const ProofExport& files, const TheoremReport& report);

}  // namespace axiom::cli
