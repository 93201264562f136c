// The loops over weights. A vector holds sums that are independent of each other
// (rows of an operator, or sweeps of a block), so the order of additions inside
// each sum is untouched and the results are those of the plain loop, bit for bit,
// with any instruction set. gcc compiles every loop for three of them and the
// processor chooses at load time; other compilers use the plain one.
//
// A sweep whose A_i is 0 adds 0 * w = +-0 to its sums. They start at +0, so none
// is ever -0, and adding a zero changes nothing: weights are finite.
#include "kernels.h"

#include <cmath>

#include "affine.h"
#include "arithmetic.h"

// ThreadSanitizer cannot instrument the code that chooses, which runs before it is set up.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define AXIOM_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define AXIOM_CLONES
#endif
#define AXIOM_INLINE inline __attribute__((always_inline))

namespace checker {
namespace {

typedef double Vector __attribute__((vector_size(kLanes * sizeof(double)), may_alias));
typedef double Loose __attribute__((vector_size(kLanes * sizeof(double)), aligned(sizeof(double)), may_alias));

template <int L>
struct Number;
template <>
struct Number<1> {
  using Type = double;
};
template <>
struct Number<kLanes> {
  using Type = Vector;
};

template <int L>
AXIOM_INLINE typename Number<L>::Type& number(Lanes<L>& lanes) {
  return *reinterpret_cast<typename Number<L>::Type*>(&lanes);
}
template <int L>
AXIOM_INLINE const typename Number<L>::Type& number(const Lanes<L>& lanes) {
  return *reinterpret_cast<const typename Number<L>::Type*>(&lanes);
}

// ---- Rows side by side, for a dense operator

constexpr int kVectors = kRowBlock / kLanes;

AXIOM_INLINE void load(const double* from, Vector (&to)[kVectors]) {
  for (int v = 0; v < kVectors; ++v) to[v] = *reinterpret_cast<const Loose*>(from + v * kLanes);
}

// Copies the sums of rows first .. first + 31 as far as they exist.
AXIOM_INLINE void store(const Vector (&from)[kVectors], double* to, uint64_t first, uint64_t rows) {
  for (uint64_t r = 0; r < kRowBlock && first + r < rows; ++r) to[first + r] = from[r / kLanes][r % kLanes];
}

AXIOM_CLONES void dense_magnitudes(const double* transposed, uint64_t stride, uint64_t columns, uint64_t rows,
                                   const double* magnitude, const double* x, double* s) {
  for (uint64_t first = 0; first < rows; first += kRowBlock) {
    Vector sum[kVectors] = {};
    for (uint64_t r = 0; r < kRowBlock && first + r < rows; ++r) sum[r / kLanes][r % kLanes] = magnitude[first + r];
    for (uint64_t k = 0; k < columns; ++k) {
      Vector w[kVectors];
      load(transposed + k * stride + first, w);
      for (int v = 0; v < kVectors; ++v) sum[v] = sum[v] + (w[v] < 0 ? -w[v] : w[v]) * x[k];
    }
    store(sum, s, first, rows);
  }
}

AXIOM_CLONES void dense_intervals(const double* transposed, uint64_t stride, uint64_t columns, uint64_t rows,
                                  const double* bias, const double* lo, const double* hi, double* low, double* high) {
  for (uint64_t first = 0; first < rows; first += kRowBlock) {
    Vector least_sum[kVectors] = {}, greatest_sum[kVectors] = {};
    for (uint64_t r = 0; r < kRowBlock && first + r < rows; ++r) least_sum[r / kLanes][r % kLanes] = bias[first + r];
    for (int v = 0; v < kVectors; ++v) greatest_sum[v] = least_sum[v];
    for (uint64_t k = 0; k < columns; ++k) {
      Vector w[kVectors];
      load(transposed + k * stride + first, w);
      const Vector below = Vector{} + lo[k], above = Vector{} + hi[k];
      for (int v = 0; v < kVectors; ++v) {
        least_sum[v] = least_sum[v] + w[v] * (w[v] > 0 ? below : above);
        greatest_sum[v] = greatest_sum[v] + w[v] * (w[v] > 0 ? above : below);
      }
    }
    store(least_sum, low, first, rows);
    store(greatest_sum, high, first, rows);
  }
}

// ---- Rows one after another, for any operator

void sparse_magnitudes(const Operator& op, const double* x, double* s) {
  for (uint32_t i = 0; i < op.count; ++i) {
    double sum = op.magnitude[i];
    for (uint64_t t = op.start[i]; t < op.start[i + 1]; ++t) sum = sum + std::fabs(op.weight[t]) * x[op.source[t]];
    s[i] = sum;
  }
}

void sparse_intervals(const Operator& op, const double* lo, const double* hi, double* low, double* high) {
  for (uint32_t i = 0; i < op.count; ++i) {
    double least_sum = op.bias[i], greatest_sum = op.bias[i];
    for (uint64_t t = op.start[i]; t < op.start[i + 1]; ++t) {
      const double w = op.weight[t], l = lo[op.source[t]], h = hi[op.source[t]];
      least_sum = least_sum + w * (w > 0 ? l : h);
      greatest_sum = greatest_sum + w * (w > 0 ? h : l);
    }
    low[i] = least_sum;
    high[i] = greatest_sum;
  }
}

// ---- Sweeps side by side

template <class V>
AXIOM_INLINE void take_size(const V& value, V& most, V& poison) {
  const V magnitude = value < 0 ? -value : value;
  most = magnitude - most > 0 ? magnitude : most;
  poison = poison + magnitude * 0.0;  // NaN is lost in a comparison, but not in a sum
}

template <int L>
AXIOM_INLINE void measure_any(const uint32_t* rows, uint64_t count, const Lanes<L>* a, Lanes<L>& size) {
  using V = typename Number<L>::Type;
  V most[4] = {}, poison[4] = {};  // of every fourth row, since they need not wait for each other
  uint64_t r = 0;
  for (; r + 4 <= count; r += 4) {
    for (int s = 0; s < 4; ++s) take_size<V>(number(a[rows[r + s]]), most[s], poison[s]);
  }
  for (; r < count; ++r) take_size<V>(number(a[rows[r]]), most[0], poison[0]);
  for (int s = 1; s < 4; ++s) take_size<V>(most[s] + poison[s], most[0], poison[0]);
  number(size) = most[0] + poison[0];
}

AXIOM_CLONES void measure_lanes(const uint32_t* rows, uint64_t count, const Lanes<kLanes>* a, Lanes<kLanes>* size) {
  measure_any<kLanes>(rows, count, a, *size);
}

template <int L>
AXIOM_INLINE void lines_any(const Line* lines, const double* q, const uint32_t* sources, const uint32_t* rows,
                            uint64_t count, const Lanes<L>* a, Lanes<L>* temp, RowSums<L>& sums) {
  using V = typename Number<L>::Type;
  V t1{}, t2{}, t3{};
  const V zero{};
  for (uint64_t r = 0; r < count; ++r) {
    const uint32_t i = rows[r];
    const Line& line = lines[i];
    const V factor = number(a[i]), size = factor < 0 ? -factor : factor;
    const V k = factor > 0 ? zero + line.k_lo : zero + line.k_hi, p1 = factor * k, p3 = size * (k < 0 ? -k : k);
    t1 = t1 + (factor != 0 ? p1 : zero);
    t2 = t2 + (factor != 0 ? size * q[i] : zero);
    t3 = t3 + (factor != 0 ? p3 : zero);
    if (sources == nullptr || (line.s_lo == 0 && line.s_hi == 0)) continue;
    const V slope = factor > 0 ? zero + line.s_lo : zero + line.s_hi;
    number(temp[sources[i]]) = number(temp[sources[i]]) + (factor != 0 ? factor * slope : zero);
  }
  number(sums.t1) = t1, number(sums.t2) = t2, number(sums.t3) = t3;
}

AXIOM_CLONES void lines_lanes(const Line* lines, const double* q, const uint32_t* sources, const uint32_t* rows,
                              uint64_t count, const Lanes<kLanes>* a, Lanes<kLanes>* temp, RowSums<kLanes>* sums) {
  lines_any<kLanes>(lines, q, sources, rows, count, a, temp, *sums);
}

// Q as line_charge() computes it, where k_lo is 0 and no slope is negative.
template <int L>
AXIOM_INLINE void hinges_any(const Hinge* hinges, const Lanes<L>* slopes, double elements, const uint32_t* sources,
                             const uint32_t* rows, uint64_t count, const Lanes<L>* a, Lanes<L>* temp,
                             RowSums<L>& sums) {
  using V = typename Number<L>::Type;
  V t1{}, t2{}, t3{};
  const V zero{};
  for (uint64_t r = 0; r < count; ++r) {
    const Hinge& hinge = hinges[r];
    const V factor = number(a[rows[r]]), size = factor < 0 ? -factor : factor;
    const V s_lo = number(slopes[r]), s_hi = zero + hinge.s_hi, s = (s_lo < s_hi ? s_hi : s_lo) * hinge.x;
    const V q = (hinge.error + ((elements + 4) * kU) * (std::fabs(hinge.k_hi) + s)) + kTau;
    const V k = factor > 0 ? zero : zero + hinge.k_hi, p3 = size * (k < 0 ? -k : k);
    t1 = t1 + (factor != 0 ? factor * k : zero);
    t2 = t2 + (factor != 0 ? size * q : zero);
    t3 = t3 + (factor != 0 ? p3 : zero);
    V& sum = number(temp[sources[rows[r]]]);
    sum = sum + (factor != 0 ? factor * (factor > 0 ? s_lo : s_hi) : zero);
  }
  number(sums.t1) = t1, number(sums.t2) = t2, number(sums.t3) = t3;
}

AXIOM_CLONES void hinges_lanes(const Hinge* hinges, const Lanes<kLanes>* slopes, double elements,
                               const uint32_t* sources, const uint32_t* rows, uint64_t count, const Lanes<kLanes>* a,
                               Lanes<kLanes>* temp, RowSums<kLanes>* sums) {
  hinges_any<kLanes>(hinges, slopes, elements, sources, rows, count, a, temp, *sums);
}

template <int L>
AXIOM_INLINE void sum_rows_any(const uint32_t* rows, uint64_t count, const Lanes<L>* a, const double* bias,
                               const double* q, RowSums<L>& sums) {
  using V = typename Number<L>::Type;
  V t1{}, t2{}, t3{};
  const V zero{};
  for (uint64_t r = 0; r < count; ++r) {
    const uint32_t i = rows[r];
    const V factor = number(a[i]), size = factor < 0 ? -factor : factor;
    const V p1 = factor * bias[i], p2 = size * q[i], p3 = size * std::fabs(bias[i]);
    t1 = t1 + (factor != 0 ? p1 : zero);
    t2 = t2 + (factor != 0 ? p2 : zero);
    t3 = t3 + (factor != 0 ? p3 : zero);
  }
  number(sums.t1) = t1, number(sums.t2) = t2, number(sums.t3) = t3;
}

AXIOM_CLONES void sum_rows_lanes(const uint32_t* rows, uint64_t count, const Lanes<kLanes>* a, const double* bias,
                                 const double* q, RowSums<kLanes>* sums) {
  sum_rows_any<kLanes>(rows, count, a, bias, q, *sums);
}

template <int L>
AXIOM_INLINE void accumulate_sparse_any(const uint64_t* start, const uint32_t* source, const double* weight,
                                        const uint32_t* rows, uint64_t count, const Lanes<L>* a, Lanes<L>* temp) {
  for (uint64_t r = 0; r < count; ++r) {
    const uint32_t i = rows[r];
    const typename Number<L>::Type factor = number(a[i]);
    for (uint64_t t = start[i]; t < start[i + 1]; ++t) {
      number(temp[source[t]]) = number(temp[source[t]]) + factor * weight[t];
    }
  }
}

AXIOM_CLONES void sparse_lanes(const uint64_t* start, const uint32_t* source, const double* weight,
                               const uint32_t* rows, uint64_t count, const Lanes<kLanes>* a, Lanes<kLanes>* temp) {
  accumulate_sparse_any<kLanes>(start, source, weight, rows, count, a, temp);
}

// T columns of a matrix at once, so that their sums stay in registers.
template <int T>
AXIOM_INLINE void dense_tile(const double* weight, uint64_t columns, const uint32_t* rows, uint64_t count,
                             const Lanes<kLanes>* a, Lanes<kLanes>* temp) {
  Vector sum[T] = {};
  for (uint64_t r = 0; r < count; ++r) {
    const Vector factor = number(a[rows[r]]);
    const double* w = weight + rows[r] * columns;
    for (int c = 0; c < T; ++c) sum[c] = sum[c] + factor * w[c];
  }
  for (int c = 0; c < T; ++c) number(temp[c]) = sum[c];
}

AXIOM_CLONES void dense_lanes(const double* weight, uint64_t columns, const uint32_t* rows, uint64_t count,
                              const Lanes<kLanes>* a, Lanes<kLanes>* temp) {
  constexpr int kTile = 6;
  uint64_t k = 0;
  for (; k + kTile <= columns; k += kTile) dense_tile<kTile>(weight + k, columns, rows, count, a, temp + k);
  for (; k < columns; ++k) dense_tile<1>(weight + k, columns, rows, count, a, temp + k);
}

AXIOM_CLONES void dense_single(const double* weight, uint64_t columns, const uint32_t* rows, uint64_t count,
                               const double* a, double* temp) {
  uint64_t r = 0;
  for (; r + 4 <= count; r += 4) {
    const double *w0 = weight + rows[r] * columns, *w1 = weight + rows[r + 1] * columns;
    const double *w2 = weight + rows[r + 2] * columns, *w3 = weight + rows[r + 3] * columns;
    const double a0 = a[rows[r]], a1 = a[rows[r + 1]], a2 = a[rows[r + 2]], a3 = a[rows[r + 3]];
    for (uint64_t k = 0; k < columns; ++k) {
      temp[k] = (((temp[k] + a0 * w0[k]) + a1 * w1[k]) + a2 * w2[k]) + a3 * w3[k];
    }
  }
  for (; r < count; ++r) {
    const double* w = weight + rows[r] * columns;
    for (uint64_t k = 0; k < columns; ++k) temp[k] = temp[k] + a[rows[r]] * w[k];
  }
}

}  // namespace

void sum_magnitudes(const Operator& op, const RowConstants& constants, const double* x, double* s) {
  if (!constants.dense) return sparse_magnitudes(op, x, s);
  dense_magnitudes(constants.transposed.data(), constants.stride, op.terms() / op.count, op.count, op.magnitude.data(),
                   x + op.source[0], s);
}

void sum_intervals(const Operator& op, const RowConstants& constants, const double* lo, const double* hi, double* low,
                   double* high) {
  if (!constants.dense) return sparse_intervals(op, lo, hi, low, high);
  dense_intervals(constants.transposed.data(), constants.stride, op.terms() / op.count, op.count, op.bias.data(),
                  lo + op.source[0], hi + op.source[0], low, high);
}

void sum_rows(const uint32_t* rows, uint64_t count, const Lanes<1>* a, const double* bias, const double* q,
              RowSums<1>& sums) {
  sum_rows_any<1>(rows, count, a, bias, q, sums);
}

void sum_rows(const uint32_t* rows, uint64_t count, const Lanes<kLanes>* a, const double* bias, const double* q,
              RowSums<kLanes>& sums) {
  sum_rows_lanes(rows, count, a, bias, q, &sums);
}

void measure(const uint32_t* rows, uint64_t count, const Lanes<1>* a, Lanes<1>& size) {
  measure_any<1>(rows, count, a, size);
}

void measure(const uint32_t* rows, uint64_t count, const Lanes<kLanes>* a, Lanes<kLanes>& size) {
  measure_lanes(rows, count, a, &size);
}

void accumulate_lines(const Line* lines, const double* q, const uint32_t* sources, const uint32_t* rows, uint64_t count,
                      const Lanes<1>* a, Lanes<1>* temp, RowSums<1>& sums) {
  lines_any<1>(lines, q, sources, rows, count, a, temp, sums);
}

void accumulate_lines(const Line* lines, const double* q, const uint32_t* sources, const uint32_t* rows, uint64_t count,
                      const Lanes<kLanes>* a, Lanes<kLanes>* temp, RowSums<kLanes>& sums) {
  lines_lanes(lines, q, sources, rows, count, a, temp, &sums);
}

void accumulate_hinges(const Hinge* hinges, const Lanes<1>* slopes, double elements, const uint32_t* sources,
                       const uint32_t* rows, uint64_t count, const Lanes<1>* a, Lanes<1>* temp, RowSums<1>& sums) {
  hinges_any<1>(hinges, slopes, elements, sources, rows, count, a, temp, sums);
}

void accumulate_hinges(const Hinge* hinges, const Lanes<kLanes>* slopes, double elements, const uint32_t* sources,
                       const uint32_t* rows, uint64_t count, const Lanes<kLanes>* a, Lanes<kLanes>* temp,
                       RowSums<kLanes>& sums) {
  hinges_lanes(hinges, slopes, elements, sources, rows, count, a, temp, &sums);
}

void accumulate(const Operator& op, bool dense, const uint32_t* rows, uint64_t count, const Lanes<1>* a,
                Lanes<1>* temp) {
  if (dense) {
    dense_single(op.weight.data(), op.terms() / op.count, rows, count, a->v, temp[op.source[0]].v);
  } else {
    accumulate_sparse_any<1>(op.start.data(), op.source.data(), op.weight.data(), rows, count, a, temp);
  }
}

void accumulate(const Operator& op, bool dense, const uint32_t* rows, uint64_t count, const Lanes<kLanes>* a,
                Lanes<kLanes>* temp) {
  if (dense) {
    dense_lanes(op.weight.data(), op.terms() / op.count, rows, count, a, temp + op.source[0]);
  } else {
    sparse_lanes(op.start.data(), op.source.data(), op.weight.data(), rows, count, a, temp);
  }
}

}  // namespace checker
