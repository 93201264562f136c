// A certificate as a session of Isabelle/HOL: the statement, the literals, and what is open.
#pragma once

#include "certificate/export/proof_export.h"

namespace axiom {

/// Obligations: `soundness` of a checker, that it `accepted`, and `verified`, which is proved from these two.
ProofExport isabelle_export(const TheorySource& source);

}  // namespace axiom
