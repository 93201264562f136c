// The context of spec/certificate.md section 4: bounds of every element at the
// current point of the tree, and the values derived from them.
//
// Input and affine elements have bounds of their own, which are set here and
// restored when a subtree is left. Everything else is a function of bounds:
// bounds of the other elements, lines, figures of rows. Each operator remembers
// when its bounds last changed; a derived value is recomputed when it is asked
// for and an operator it reads has changed since, so that what is returned is
// always that of the current context.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "affine.h"
#include "arithmetic.h"
#include "curves.h"
#include "lines.h"
#include "program.h"
#include "property.h"

namespace checker {

// The lower slopes of one sweep: a rule, or for by_byte the byte bytes[places[e]] for an open relu or leaky_relu e.
struct Slopes {
  Slope::Rule rule = Slope::adaptive;
  const uint8_t* bytes = nullptr;
  const uint32_t* places = nullptr;

  Slope of(uint32_t e) const { return {rule, rule == Slope::by_byte ? bytes[places[e]] : uint8_t(0)}; }
};

// The slopes of the lines of a product over its second source.
struct SecondSlopes {
  double lo, hi;
};

// The lines of a unary, max-pool, product or constant operator, per element.
struct Lines {
  std::vector<Line> line;
  std::vector<double> q;
  std::vector<uint32_t> source;             // of maxpool; empty otherwise
  std::vector<SecondSlopes> second;         // of product; empty otherwise
  std::vector<std::vector<double>> slopes;  // of sharp softmax: of the lower line of an element, whose offset is k_lo
};

class Context {
 public:
  // All affine elements without bounds, the inputs within [lo, hi].
  Context(const Program& program, Semantics semantics, const std::vector<double>& lo, const std::vector<double>& hi);

  const Program& program() const { return program_; }
  Semantics semantics() const { return semantics_; }

  // Bounds of input and affine elements are always current; those of the others
  // only below the last call of refresh().
  double lo(uint32_t e) const { return lo_[e]; }
  double hi(uint32_t e) const { return hi_[e]; }
  double x(uint32_t e) const { return x_[e]; }
  const double* x() const { return x_.data(); }
  bool is_open(uint32_t e) const { return lo_[e] < 0 && 0 < hi_[e]; }
  bool is_empty() const { return empty_ > 0; }

  // Intersects the bounds of an input or affine element; NaN changes nothing.
  void meet(uint32_t e, double lo, double hi) {
    lo = greatest(lo_[e], lo);
    hi = least(hi_[e], hi);
    if (lo != lo_[e] || hi != hi_[e]) narrow(e, lo, hi);
  }

  // Brings bounds of all operators below `op` up to date.
  void refresh(uint32_t op);

  // Derived values of operator `op`; refresh(op) is done first. References hold
  // until the next call that names the same operator.
  const RowConstants& constants(uint32_t op) const { return *affine_[op].constants; }
  const RowFigures& charges(uint32_t op);
  const RowFigures& intervals(uint32_t op);
  const Lines& lines(uint32_t op, const Slopes& slopes);
  double line_error(uint32_t op, uint32_t i) const { return error(op, i); }  // e of section 6
  // Whether operator `op` is defined and does not overflow for its element i (spec section 6); refresh(op) is done
  // first.
  bool domain_holds(uint32_t op, uint32_t i);
  // Of a sharp softmax; after refresh(op + 1).
  const Lines& shares(uint32_t op) const { return other_[op].lines; }
  double most_x(const std::vector<uint32_t>& ops);  // the greatest X of all elements of these operators

  // Scopes: enter() one per node; leave(mark) undoes what was changed since mark.
  void enter() { ++scope_; }
  size_t mark() const { return trail_.size(); }
  void leave(size_t mark);

 private:
  struct Affine {
    std::shared_ptr<const RowConstants> constants;  // the same in every copy of a context
    RowFigures figures;
    uint64_t charged_at = 0, bounded_at = 0;
  };
  struct Other {
    Lines lines;
    std::vector<Bounds> sources;  // of curves: bounds for which `line` and the bounds were made
    double most_in_step = 0;      // of sharp softmax: m of section 6
    std::vector<double> errors;   // of exp, reciprocal, sqrt, sin, cos and product: e
    uint64_t bounded_at = 0, lined_at = 0;
    Slope::Rule rule = Slope::by_byte;
  };
  struct Saved {
    uint32_t element;
    double lo, hi;
  };

  bool stale(uint32_t op, uint64_t made_at) const;
  void narrow(uint32_t e, double lo, double hi);
  void set(uint32_t e, double lo, double hi);
  void changed(uint32_t op);
  void bound_groups(const Operator& op);
  void bound_share(uint32_t op, uint32_t i);
  void bound_element(uint32_t op, uint32_t i);
  void bound_curve(uint32_t op, uint32_t i, double e);
  void bound_product(uint32_t op, uint32_t i);
  void set_line(const Operator& op, uint32_t i, const Slopes& slopes, Line& line) const;
  double error(uint32_t op, uint32_t i) const;
  Bounds bounds(uint32_t e) const { return {lo_[e], hi_[e]}; }

  const Program& program_;
  Semantics semantics_;
  std::vector<double> lo_, hi_, x_;
  std::vector<uint64_t> changed_at_;  // per operator
  std::vector<double> most_x_;        // per operator
  std::vector<uint64_t> most_x_at_;   // per operator
  std::vector<Affine> affine_;        // per operator
  std::vector<Other> other_;          // per operator
  uint64_t clock_ = 1;
  uint32_t fresh_ = 0;  // bounds of all operators below are current
  uint64_t empty_ = 0;  // elements with lo > hi

  std::vector<Saved> trail_;
  std::vector<uint32_t> saved_in_;  // per element: the scope that saved it last
  uint32_t scope_ = 1;
};

}  // namespace checker
