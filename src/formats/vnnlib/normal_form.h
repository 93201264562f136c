// Disjunctive normal form: formulas as lists of conjunctions, and their expansion to a Property.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "formats/vnnlib/linear.h"
#include "graph/property.h"

namespace axiom::vnnlib {

/// Numbers of atoms, in order of appearance.
using Conjunction = std::vector<uint32_t>;
/// The order is part of the meaning of certificates: or = concatenation, and = product, first operand most significant.
using Disjunction = std::vector<Conjunction>;

/// Builds disjunctions within limits on their number and size.
class NormalForm {
 public:
  Disjunction of_atom(Atom atom);
  /// a := (or a b)
  Status disjoin(Disjunction& a, Disjunction b);
  /// a := (and a b)
  Status conjoin(Disjunction& a, Disjunction b);
  /// The property of the `and` of all `asserts`. Bounds shared by all disjuncts are kept once.
  Result<Property> expand(const std::vector<Disjunction>& asserts, uint32_t inputs, uint32_t outputs) const;

 private:
  Status charge(size_t disjuncts, size_t references);

  std::vector<Atom> atoms_;
  size_t references_ = 0;  ///< Atom numbers written so far in products.
};

}  // namespace axiom::vnnlib
