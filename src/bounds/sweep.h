// The backward sweep: a linear target, substituted backwards to the inputs, gives a rigorous lower bound.
//
// This is backward linear bound propagation (CROWN, Zhang et al. 2018) with the rounding charges of
// spec/certificate.md, section 7, over any DAG of core operators. Up to eight targets go through together, as lanes.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "base/threads.h"
#include "bounds/context.h"

namespace axiom {

/// A multiplier of the bound of one affine element (a split multiplier, "beta", when the bound comes from a split).
struct Multiplier {
  ElementId element = 0;
  float beta = 0;
};

/// Everything a sweep may choose.
struct SlopeSpec {
  SlopeRule rule = SlopeRule::kAdaptive;
  std::vector<uint8_t> bytes;           ///< kExplicit: one per unstable relu/leaky_relu element, in element order.
  std::vector<Multiplier> multipliers;  ///< Increasing elements of affine operators.
};

/// A relu or leaky_relu element whose sign is open, and what it reads.
struct OpenHinge {
  ElementId element, source;
};

/// Those of the operators below `end`, in element order: what SlopeSpec::bytes are for. The context must be refreshed.
std::vector<OpenHinge> open_hinges(const BoundContext& context, uint32_t end);

/// A linear target over elements: constant + sum coefficient * element, in the order of the specification.
struct LinearForm {
  double constant = 0;
  std::vector<std::pair<ElementId, double>> terms;
};

class Sweep {
 public:
  static constexpr int kMaxLanes = 8;

  /// `program` must outlive the sweep.
  explicit Sweep(const BoundProgram& program);

  /// Starts a batch of `lanes` (1 to 8) empty targets, all with adaptive slopes.
  void begin(int lanes);
  /// `spec` must live until the end of `run`.
  void set_slopes(int lane, const SlopeSpec* spec) { specs_[lane] = spec; }
  /// Adds coefficient * element to the target of a lane.
  void add(int lane, ElementId e, double coefficient);
  void add_constant(int lane, double v) { constant_[lane] += v; }
  void charge_constant(int lane, double t) { constant_[lane] = charge(constant_[lane], t); }

  /// Sweeps from core operator `top` (inclusive) down to the inputs. Keeps the coefficients of line operators for
  /// `line_coefficient` when `keep`.
  void run(BoundContext& context, uint32_t top, bool keep = false);

  bool failed(int lane) const { return failed_[lane] != 0; }
  double bound(int lane) const { return bound_[lane]; }  ///< -inf when failed.
  double input_coefficient(int lane, uint32_t j) const { return a_[size_t{j} * width_ + lane]; }
  /// Coefficient that element e of a unary or product operator had before its step; only after run(..., keep = true).
  double line_coefficient(int lane, ElementId e) const { return kept_[size_t{e} * width_ + lane]; }
  /// The lower slope that a lane used for element e in the last run; `adaptive` is that of the default rule.
  double used_lower_slope(int lane, ElementId e, double adaptive) const {
    return slopes_differ_ ? lane_slopes_[size_t{e} * width_ + lane] : adaptive;
  }

 private:
  // Of an operator: outside [first, last] all coefficients are zero; first > last when there is none at all.
  struct Range {
    ElementId first = 1, last = 0;
    bool empty() const { return first > last; }
  };
  void apply_multipliers(BoundContext& context, uint32_t p);
  void keep_coefficients(uint32_t p);
  void step(BoundContext& context, uint32_t p);
  void softmax_sums(const BoundContext& context, uint32_t p, Range range);
  void apply_shares(const BoundContext& context, uint32_t p, Range range, double* out);
  void apply_products(const BoundContext& context, uint32_t p, std::span<const uint32_t> active, double* out);
  bool lane_is_idle(const double* a, std::span<const uint32_t> active, int lane) const;
  void merge(BoundContext& context, uint32_t p, ElementId first, ElementId last);
  /// Elements [first, last] (global) of operator p may hold coefficients.
  void touch(uint32_t p, ElementId first, ElementId last);
  void finish(const BoundContext& context);
  void fill_lane_slopes(BoundContext& context, uint32_t top);
  bool custom_slopes() const;
  bool custom_multipliers() const;

  const BoundProgram& program_;
  int lanes_ = 0, width_ = 8;
  bool keep_ = false, slopes_differ_ = false;  ///< Of the last run; its specifications may be gone by now.
  std::array<const SlopeSpec*, kMaxLanes> specs_{};
  std::array<double, kMaxLanes> constant_{}, bound_{}, failed_{}, t1_{}, t2_{}, t3_{};
  std::vector<double> a_, temp_, kept_, lane_slopes_, lane_charges_;
  std::vector<Range> range_;  ///< Per operator.
  std::vector<uint32_t> active_;
};

/// One bound of the TIGHTEN instruction: of a row of an affine operator, from a sweep with slopes of its own.
struct Tightening {
  uint32_t row = 0;
  bool upper = false;
  SlopeSpec slopes;
  double bound = 0;  ///< Of y, or of -y for an upper bound.
};

/// Applies the conclusions of TIGHTEN for affine operator p.
void apply(BoundContext& context, uint32_t p, std::span<const Tightening> found);

/// How PROPAGATE treats the operators.
struct PropagatePlan {
  bool sweep_all = true;            ///< Otherwise only `sweep_ops`.
  std::vector<uint32_t> sweep_ops;  ///< Increasing.
  SlopeRule rule = SlopeRule::kAdaptive;
  bool check_premise = false;
  std::function<bool()> stop;     ///< Asked now and then; true ends the propagation unfinished. May be empty.
  ThreadPool* threads = nullptr;  ///< Share the rows of large operators; without, the caller's thread does all.
};

enum class PropagateEnd { kDone, kOverflow, kStopped };

/// The swept rows of affine operator p (spec section 8). Those that read much the same elements (the channels of a
/// convolution at one place) stand together, since they cost little more together than one of them; no result depends
/// on the order.
std::vector<uint32_t> swept_rows(const BoundContext& context, uint32_t p);

/// Applies the conclusions of PROPAGATE for one affine operator: re-bounds its swept rows. With `record`, the input
/// coefficients of each row's lower sweep are stored there (element-major, input_count each), for branching. False when
/// stopped; then nothing was concluded.
bool sweep_rows(BoundContext& context, Sweep& sweep, uint32_t p, const PropagatePlan& plan,
                std::vector<double>* record = nullptr);

/// The PROPAGATE instruction (spec section 8). kOverflow when a premise of spec/operators.md does not hold.
PropagateEnd propagate(BoundContext& context, Sweep& sweep, const PropagatePlan& plan,
                       std::vector<double>* record = nullptr);

}  // namespace axiom
