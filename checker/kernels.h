// The loops over weights, where the time goes. Every sum runs in the order of the
// specification; what is done side by side are different sums.
#pragma once

#include <cstdint>

#include "program.h"
#include "sigmoid.h"

namespace checker {

struct RowConstants;

constexpr int kLanes = 8;      // sweeps that are run together
constexpr int kRowBlock = 32;  // rows of a dense operator that are summed together

// One number per sweep of a block.
template <int L>
struct alignas(L * sizeof(double)) Lanes {
  double v[L];
};

// S before its rounding factor: M + sum |w| X, per row.
void sum_magnitudes(const Operator& op, const RowConstants& constants, const double* x, double* s);

// L and H of the interval step, per row.
void sum_intervals(const Operator& op, const RowConstants& constants, const double* lo, const double* hi, double* low,
                   double* high);

// Per sweep the greatest |A| of the listed rows, NaN if one is not finite.
void measure(const uint32_t* rows, uint64_t count, const Lanes<1>* a, Lanes<1>& size);
void measure(const uint32_t* rows, uint64_t count, const Lanes<kLanes>* a, Lanes<kLanes>& size);

// The sums of step 3 of a backward sweep over the listed rows, increasing:
// t1 = sum A b, t2 = sum |A| Q, t3 = sum |A| |b|, over those with A != 0.
// a[i], bias[i], q[i] belong to row i of the operator.
template <int L>
struct RowSums {
  Lanes<L> t1{}, t2{}, t3{};
};
void sum_rows(const uint32_t* rows, uint64_t count, const Lanes<1>* a, const double* bias, const double* q,
              RowSums<1>& sums);
void sum_rows(const uint32_t* rows, uint64_t count, const Lanes<kLanes>* a, const double* bias, const double* q,
              RowSums<kLanes>& sums);

// temp[element] += A_i * w over the listed rows, increasing, and their terms.
void accumulate(const Operator& op, bool dense, const uint32_t* rows, uint64_t count, const Lanes<1>* a,
                Lanes<1>* temp);
void accumulate(const Operator& op, bool dense, const uint32_t* rows, uint64_t count, const Lanes<kLanes>* a,
                Lanes<kLanes>* temp);

// Both of the above for operators that have lines: b is k, the one term (sources[i], s).
// Operators without sources have null there; a line of slopes 0 adds no term.
void accumulate_lines(const Line* lines, const double* q, const uint32_t* sources, const uint32_t* rows, uint64_t count,
                      const Lanes<1>* a, Lanes<1>* temp, RowSums<1>& sums);
void accumulate_lines(const Line* lines, const double* q, const uint32_t* sources, const uint32_t* rows, uint64_t count,
                      const Lanes<kLanes>* a, Lanes<kLanes>* temp, RowSums<kLanes>& sums);

// The same for a relu or leaky_relu, whose lower lines go through 0 with a slope of their own in every sweep. The r-th
// of hinges and slopes belongs to row rows[r] of the operator, which has `elements` of them.
struct Hinge {
  double s_hi, k_hi;
  double x, error;  // X[source] and e
};
void accumulate_hinges(const Hinge* hinges, const Lanes<1>* slopes, double elements, const uint32_t* sources,
                       const uint32_t* rows, uint64_t count, const Lanes<1>* a, Lanes<1>* temp, RowSums<1>& sums);
void accumulate_hinges(const Hinge* hinges, const Lanes<kLanes>* slopes, double elements, const uint32_t* sources,
                       const uint32_t* rows, uint64_t count, const Lanes<kLanes>* a, Lanes<kLanes>* temp,
                       RowSums<kLanes>& sums);

}  // namespace checker
