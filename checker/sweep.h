// Backward sweeps (spec/certificate.md section 7): lower bounds of linear targets
// c + sum A[e] y_e over the context, L of them side by side.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "context.h"
#include "kernels.h"

namespace checker {

// A multiple of (element - its bound), which is >= 0, taken off the target.
struct Multiplier {
  uint32_t element;
  double beta;
};

// The choices that a certificate makes for one sweep.
struct Hints {
  Slopes slopes;
  std::vector<Multiplier> multipliers;  // by increasing element
};

template <int L>
class Sweep {
 public:
  explicit Sweep(const Program& program);

  // Between runs all A and c are 0. Lane l starts with what set() and add() leave.
  void add(int l, uint32_t e, double coefficient);
  double& constant(int l) { return c_.v[l]; }

  // Goes through the operators below `top`, down to the inputs, over the context: with the same slopes in every lane,
  // or with hints of its own in each of the first lanes, where the others start with 0.
  void run(Context& context, uint32_t top, const Slopes& slopes);
  void run(Context& context, uint32_t top, std::span<const Hints> hints);

  // After run(): whether lane l worked out, LB, and A at the inputs.
  bool failed(int l) const { return failed_[l]; }
  double bound(int l) const { return bound_[l]; }
  double input(int l, uint32_t j) const { return a_[j].v[l]; }

  // Back to all zeros.
  void clear();

 private:
  void run(Context& context, uint32_t top);
  void take_multipliers(const Operator& op, int l);
  bool collect(const Operator& op);
  bool choose_target(const Operator& op);
  void step(uint32_t o);
  void affine_step(uint32_t o);
  void line_step(uint32_t o, const Slopes& slopes);
  void hinge_step(uint32_t o);
  void product_step(uint32_t o);
  void group_step(uint32_t o);
  void share_step(uint32_t o, size_t g, RowSums<L>& sums);
  void take_sums(const Operator& op, const RowSums<L>& sums, double most, double terms);
  void merge(const Operator& op);
  void finish();

  const Program& program_;
  Context* context_ = nullptr;                  // of the run at hand
  std::vector<Lanes<L>> a_, temp_;              // per element
  std::vector<uint64_t> a_marks_, temp_marks_;  // a bit per element that may not be 0
  Lanes<L>* to_ = nullptr;                      // temp of the operator at hand, and its marks
  std::vector<uint64_t>* to_marks_ = nullptr;
  std::vector<uint32_t> rows_;  // of the operator at hand: those with some A != 0
  Slopes slopes_[L];            // per lane
  bool slopes_differ_ = false;
  std::vector<Hinge> hinges_;  // of the operator at hand, and their lower slopes
  std::vector<Lanes<L>> hinge_slopes_;
  std::span<const Multiplier> multipliers_[L];  // per lane, those of the operators that are still to come
  Lanes<L> c_{};
  bool active_[L] = {};  // some A of the operator at hand is not 0
  bool failed_[L] = {};
  double bound_[L] = {};
};

extern template class Sweep<1>;
extern template class Sweep<kLanes>;

}  // namespace checker
