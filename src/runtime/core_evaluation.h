// Evaluation of the core program at one point, with error bounds: spec/operators.md section 5 in double arithmetic.
#pragma once

#include <span>
#include <vector>

#include "graph/program.h"

namespace axiom {

struct CoreEvaluation {
  std::vector<double> value;  ///< By element: the real semantics, up to the rounding of double arithmetic.
  std::vector<double>
      error;  ///< By element: how far any covered float32 evaluation of the program may be from `value`.
};

/// `input` holds one number per input element, taken as exact.
///
/// Products with a factor 0 are exact and may be left out of a sum in any covered evaluation, so k of gamma_k counts
/// the other ones only. The bounds therefore see a wrong weight wherever its input is not lost among many others.
CoreEvaluation evaluate(const Program& program, std::span<const double> input);

}  // namespace axiom
