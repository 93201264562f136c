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

template <int L>
class Sweep {
 public:
  explicit Sweep(Context& context);

  // Between runs all A and c are 0. Lane l starts with what set() and add() leave.
  void add(int l, uint32_t e, double coefficient);
  double& constant(int l) { return c_.v[l]; }

  // Goes through the operators below `top`, down to the inputs. Multipliers are
  // for one lane and in increasing order of elements.
  void run(uint32_t top, const Slopes& slopes, std::span<const Multiplier> multipliers = {});

  // After run(): whether lane l worked out, LB, and A at the inputs.
  bool failed(int l) const { return failed_[l]; }
  double bound(int l) const { return bound_[l]; }
  double input(int l, uint32_t j) const { return a_[j].v[l]; }

  // Back to all zeros.
  void clear();

 private:
  void take_multipliers(const Operator& op, std::span<const Multiplier>& multipliers);
  bool collect(const Operator& op);
  void step(uint32_t o, const Slopes& slopes);
  void affine_step(uint32_t o);
  void line_step(uint32_t o, const Slopes& slopes);
  void group_step(uint32_t o);
  void take_sums(const Operator& op, const RowSums<L>& sums, double most, double terms);
  void merge(const Operator& op);
  void finish();

  Context& context_;
  const Program& program_;
  std::vector<Lanes<L>> a_, temp_;              // per element
  std::vector<uint64_t> a_marks_, temp_marks_;  // a bit per element that may not be 0
  std::vector<uint32_t> rows_;                  // of the operator at hand: those with some A != 0
  Lanes<L> c_{};
  bool active_[L] = {};  // some A of the operator at hand is not 0
  bool failed_[L] = {};
  double bound_[L] = {};
};

extern template class Sweep<1>;
extern template class Sweep<kLanes>;

}  // namespace checker
