// axiom theorem --replay: whether a folder with a bundle is, in this run, what it says it is.
#pragma once

#include <string>

#include "cli/output.h"
#include "cli/theorem.h"

namespace axiom::cli {

struct Replay {
  std::string assistant, status;  ///< Status of this run: "checked" or "not-replayed".
  TheoremReport report;
  Json bundle;  ///< As it would be written now.
};

/// Makes the files of the folder anew from certificate, model and property, compares every byte, and has Coq's kernel
/// check the fresh ones in a folder of its own. request.certificate may be empty: the one in the folder.
/// kCertificate: rejected. Exports to other assistants than Coq are compared only.
Result<Replay> replay_bundle(const std::string& folder, TheoremRequest request);

}  // namespace axiom::cli
