// Optimised slopes and split multipliers of one final sweep (alpha- and beta-CROWN).
#pragma once

#include <span>
#include <vector>

#include "verify/strategy.h"

namespace axiom {

/// The free choices of a final sweep: a lower slope per relu/leaky_relu element (element order over the whole program)
/// and a multiplier per split neuron.
struct SweepParameters {
  std::vector<float> slopes;
  std::vector<ElementId> splits;   ///< Increasing.
  std::vector<float> multipliers;  ///< Per split; sign: >= 0 uses the lower bound, < 0 the upper one.
};

struct OptimizedBound {
  double bound = -kInfinity;
  SlopeSpec spec;              ///< What a certificate needs to repeat the bound.
  SweepParameters parameters;  ///< Best found.
};

/// Ascends the bound of one constraint form from `start` (empty slopes: the adaptive rule). Stops early above 0. Leaves
/// the last sweep (of the best parameters) in `work`, with its coefficients kept.
OptimizedBound optimize_bound(const NumericConstraint& constraint, const SweepParameters& start, int iterations,
                              Workspace& work);

/// Values of all elements at an input point when every line operator follows the line the last sweep chose.
void relaxed_forward(const Workspace& work, std::span<const double> point, std::vector<double>& values);

}  // namespace axiom
