// A property bound to a program under one semantics: the numbers that search and proofs work with.
//
// Rounding of the exact decimals follows spec/certificate.md, section 3.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "bounds/context.h"
#include "bounds/sweep.h"
#include "graph/property.h"

namespace axiom {

/// sum coefficient * element <= bound, rounded.
struct NumericConstraint {
  std::vector<std::pair<ElementId, double>> terms;
  std::vector<uint8_t> is_input;  ///< Per term: an X term.
  double bound = 0;               ///< Rounded up.
  int line = 0;
};

struct NumericDisjunct {
  std::vector<double> lo, hi;  ///< Input box.
  std::vector<NumericConstraint> constraints;
};

struct Problem {
  const BoundProgram* program = nullptr;
  const Property* property = nullptr;
  Semantics semantics = Semantics::kFloat32;
  std::vector<NumericDisjunct> disjuncts;
  std::vector<double> hull_lo, hull_hi;  ///< Hull of the boxes.
};

/// Error: the numbers of inputs and outputs of model and property differ. Both arguments must outlive the problem.
Result<Problem> bind_property(const BoundProgram& program, const Property& property, Semantics semantics);

/// Puts the constraint form of one constraint into a lane of a begun sweep (spec section 7): <= 0 at an unsafe point.
/// The context must be refreshed.
void add_constraint_form(Sweep& sweep, int lane, const BoundContext& context, const NumericConstraint& constraint);

}  // namespace axiom
