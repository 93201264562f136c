// A certificate as files for Lean 4 with Mathlib: the statement, the literals, and what is open.
#pragma once

#include "certificate/export/proof_export.h"

namespace axiom {

/// Obligations: `soundness` of a checker, that it `accepted`, and `verified`, which is proved from these two.
ProofExport lean_export(const TheorySource& source);

}  // namespace axiom
