// Sixteen sub-problems at a time through the relaxed network, in float32.
//
// One lane is one sub-problem: its lines, its target, its slopes and split multipliers. The bounds are those of alpha-
// and beta-CROWN (Xu et al. 2021, Wang et al. 2021) up to float32 rounding: they choose, and nothing rigorous depends
// on them. What one lane holds and how far it gets does not depend on the others.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "bounds/context.h"
#include "bounds/sweep.h"
#include "runtime/batched_matrix.h"
#include "verify/problem.h"

namespace axiom {

/// The free choices of a final sweep: a lower slope per relu/leaky_relu element (element order over the whole program)
/// and a multiplier per split neuron.
struct SweepParameters {
  std::vector<float> slopes;       ///< Empty: the adaptive rule.
  std::vector<ElementId> splits;   ///< Increasing.
  std::vector<float> multipliers;  ///< Per split; sign: >= 0 uses the lower bound, < 0 the upper one.
};

class Lanes {
 public:
  static constexpr int kCount = kFloatLanes;

  /// `program` must outlive it.
  explicit Lanes(const BoundProgram& program);

  /// Empties all lanes.
  void clear();
  /// The target sum coefficient * element - bound of a constraint, under the bounds of the context (which is
  /// refreshed). The lane rests once its bound is above `enough`.
  void load(int lane, BoundContext& context, const NumericConstraint& constraint, const SweepParameters& start,
            float enough);

  /// For targets that are single elements of the affine operator `top`: all lanes get the bounds of the context, which
  /// must be refreshed below `top`.
  void load_all(const BoundContext& context, uint32_t top);
  /// Empties all lanes, but for the bounds that `load_all` gave them; the slopes are those of the adaptive rule.
  void restart(const BoundContext& context);
  /// The target sign * e.
  void aim(int lane, ElementId e, float sign, float enough);

  /// Ascends the bounds of the loaded lanes, in short steps when they are `warm` from a parent. Each keeps its best.
  /// False when `stop` (may be empty) ended it unfinished.
  bool ascend(int iterations, bool warm, const std::function<bool()>& stop = {});
  float bound(int lane) const { return best_bound_[static_cast<size_t>(lane)]; }
  SweepParameters parameters(int lane) const;
  /// What a certificate needs to repeat the bound: slopes in steps of 1/128, under the bounds that were loaded.
  SlopeSpec slopes(int lane) const;
  /// Goes back to the best parameters of every lane: coefficients and lines below are theirs.
  void restore();

  /// Of the last sweep.
  float coefficient(int lane, ElementId e) const { return a_[at(e, lane)]; }
  /// The point of the box where the relaxed target is least.
  void minimizer(int lane, std::vector<double>& point) const;

  /// An unstable neuron that could be split, by its relu or leaky_relu element.
  struct Candidate {
    ElementId source = 0;  ///< The affine element that is split.
    uint32_t hinge = 0;    ///< For `probe`.
    float score = 0;
    float multiplier = 0;  ///< With which the active side starts where the unsplit neuron stood.
  };
  /// The best of a lane by the intercept score of BaBSR (Bunel et al. 2020), best first.
  std::vector<Candidate> candidates(int lane, size_t most) const;
  /// The bound of every lane if its candidate (by hinge; kNoHinge: none) were fixed on one side, other things equal.
  static constexpr uint32_t kNoHinge = ~uint32_t{0};
  std::array<float, kCount> probe(const std::array<uint32_t, kCount>& hinges, bool active);

 private:
  struct Hinge {
    ElementId element = 0, source = 0;
    float alpha = 0;
    bool splittable = false;
  };
  struct Split {
    ElementId element = 0;
    float beta = 0, bound = 0;
    bool from_below = false;  ///< Split to the side y >= bound.
    float mean = 0, square = 0;
  };
  static size_t at(ElementId e, int lane) { return size_t{e} * kCount + static_cast<size_t>(lane); }
  void set_lines(int lane, const BoundContext& context);
  void set_hinge(uint32_t h, int lane, const BoundContext& context);
  void set_slope(uint32_t h, int lane, float slope);
  void backward();
  FloatLinesView lines_of(const CoreOp& op) const;
  void backward_lines(const CoreOp& op);
  void backward_products(const CoreOp& op);
  void backward_shares(uint32_t p);
  void forward_products(const CoreOp& op);
  void forward();
  void step(int t, float rate);

  const BoundProgram& program_;
  std::vector<Hinge> hinges_;
  uint32_t top_;      ///< The operator of the targets; those above it are not looked at.
  size_t hinge_end_;  ///< Of the hinges below `top_`.
  std::vector<std::vector<float>> weights_, transposed_;  // Per operator; dense ones also transposed.
  std::vector<BlockMatrix<float>> backward_, forward_;    // Per operator; empty where there are dense ones.
  std::vector<uint32_t> active_;

  // Per element and lane.
  std::vector<float> a_, value_, low_slope_, low_offset_, up_slope_, up_offset_;
  std::vector<std::vector<float>> share_slopes_;  // Per element of a sharp softmax: by lane, then source of the group.
  std::vector<float> low_second_, up_second_;     // Slopes over the second factor; empty when there is no product.
  std::vector<float> input_lo_, input_hi_;
  std::vector<ElementId> pool_source_;  // Per element and lane; of max-pools only.
  // Per hinge and lane.
  std::vector<float> slope_, open_, lo_, hi_, mean_, square_, best_slope_;
  std::array<std::vector<Split>, kCount> splits_, best_splits_;
  std::array<std::vector<std::pair<ElementId, float>>, kCount> target_;
  std::array<float, kCount> target_constant_{}, constant_{}, bound_{}, best_bound_{}, scale_{}, enough_{};
  std::array<bool, kCount> loaded_{}, resting_{};
};

}  // namespace axiom
