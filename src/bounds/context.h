// The context of bounds at one point of a proof tree, and everything derived from it.
//
// A BoundContext owns the bounds of all elements and the numbers of spec/certificate.md that depend on them (lines,
// Q, X); these are recomputed lazily, operator by operator, when something they read has changed. One context a
// thread; not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "bounds/bound_program.h"
#include "bounds/curves.h"
#include "bounds/lines.h"

namespace axiom {

/// The stored part of a context: bounds of the input elements and of all affine elements. A value; cheap to keep per
/// node.
struct StoredBounds {
  std::vector<double> lo, hi;  ///< In the order of BoundContext::stored_elements().
};

class BoundContext {
 public:
  /// `program` must outlive the context.
  BoundContext(const BoundProgram& program, Semantics semantics);

  /// Input box given, affine elements unbounded.
  void reset(std::span<const double> input_lo, std::span<const double> input_hi);
  void load(const StoredBounds& bounds);
  StoredBounds store() const;

  /// Intersects the bounds of an input or affine element; marks what reads it for recomputation.
  void intersect(ElementId e, double lo, double hi);

  /// One interval step over affine operator p (spec section 5). False when the premise does not hold and was asked for.
  bool interval_step(uint32_t p, bool check_premise);

  /// Brings the derived numbers of all core operators below `end` up to date.
  void refresh(uint32_t end);
  /// The same for lines, and what they need, alone: not for the errors and charges of affine operators.
  void refresh_relaxations();

  /// True when lo > hi for some input or affine element.
  bool empty() const { return empty_; }

  const BoundProgram& program() const { return program_; }
  Semantics semantics() const { return semantics_; }
  double lo(ElementId e) const { return lo_[e]; }
  double hi(ElementId e) const { return hi_[e]; }
  double magnitude(ElementId e) const { return magnitude_[e]; }  ///< X[e]
  std::span<const double> lows() const { return lo_; }
  std::span<const double> highs() const { return hi_; }
  std::span<const double> magnitudes() const { return magnitude_; }

  /// Line of element e (of a unary, maxpool or constant operator) and the element it is over. Valid after refresh.
  const Lines& lines(ElementId e) const { return lines_[e]; }
  ElementId line_source(ElementId e) const { return source_[e]; }
  /// Of a product, whose `lines` are over its first factor. Valid after refresh.
  SecondSlopes second_slopes(ElementId e) const { return second_[e]; }
  /// Of an element of a sharp softmax; empty when it has no line. Valid after refresh.
  const std::vector<double>& share_slopes(ElementId e) const { return share_slopes_[e]; }
  /// Whether every covered evaluation of operator p is defined and stays finite, by the bounds of what it reads.
  bool is_defined(uint32_t p);
  /// Q of element e (of softmax: of its group). Valid after refresh.
  double charge_factor(ElementId e) const { return q_[e]; }
  std::span<const double> charge_factors() const { return q_; }
  /// Q of element e of a relu or leaky_relu with another lower slope than that of the adaptive rule.
  double hinge_charge(ElementId e, double lower_slope) const;
  std::span<const ElementId> line_sources() const { return source_; }
  /// XM of core operator p. Valid after refresh.
  double source_magnitude(uint32_t p) const { return source_magnitude_[p]; }
  /// The float32 error bound E of an affine element, or e of one with lines, that the last refresh used.
  double rounding_error(ElementId e) const { return error_[e]; }

  const std::vector<ElementId>& stored_elements() const { return stored_; }

 private:
  void touch(uint32_t p);
  void refresh_affine(uint32_t p);
  void refresh_lines(uint32_t p);
  void refresh_softmax(uint32_t p);
  void refresh_products(uint32_t p);
  void refresh_shares(uint32_t p);
  FactorBounds factor(ElementId e) const { return {lo_[e], hi_[e]}; }
  void set(ElementId e, double lo, double hi);
  double greatest_source_magnitude(uint32_t p) const;

  const BoundProgram& program_;
  Semantics semantics_;
  std::vector<ElementId> stored_;
  std::vector<double> lo_, hi_, magnitude_, q_, error_, size_;
  std::vector<Lines> lines_;
  std::vector<SecondSlopes> second_;               // Empty when there is no product.
  std::vector<std::vector<double>> share_slopes_;  // Empty when there is no sharp softmax.
  std::vector<ElementId> source_;
  std::vector<double> source_magnitude_;
  std::vector<double> low_sum_, high_sum_;
  std::vector<uint8_t> dirty_;  // Per operator: derived numbers are stale.
  bool empty_ = false;
};

}  // namespace axiom
