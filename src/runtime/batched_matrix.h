// The batched-matrix door: all bulk arithmetic of the bound engine goes through these few functions.
//
// A *lane block* holds `lanes` coefficient vectors side by side, entry by entry: value (i, l) is at a[i * lanes + l].
// Every function adds products in increasing row order, multiplication and addition rounded separately
// (spec/certificate.md, section 2), so that results do not depend on the width of the machine's vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/block_matrix.h"

namespace axiom {

/// Lane counts that have a kernel.
inline constexpr int kLaneCounts[] = {1, 4, 8};

/// A dense block of a linear map: rows x width doubles, row-major.
struct DenseMatrixView {
  const double* weights = nullptr;
  size_t width = 0;
};

/// Rows of a sparse linear map over global columns.
struct SparseMatrixView {
  const uint64_t* begin = nullptr;
  const uint32_t* column = nullptr;
  const double* weight = nullptr;
};

/// out[j, l] += sum over r in `active`, in order, of a[r, l] * W[r, j].
void multiply_accumulate(DenseMatrixView matrix, std::span<const uint32_t> active, const double* a, int lanes,
                         double* out);

/// out[column, l] += a[r, l] * weight, over r in `active` and the terms of row r, in order.
void multiply_accumulate(SparseMatrixView matrix, std::span<const uint32_t> active, const double* a, int lanes,
                         double* out);
/// The same for a map that is at hand as blocks; `lanes` is 4 or 8.
void multiply_accumulate(const BlockMatrix<double>& matrix, std::span<const uint32_t> active, const double* a,
                         int lanes, double* out);

/// The rows r < count with a non-zero value in some lane, in order, into `active` (room for `count`); their number is
/// returned. over[l] becomes 1 when a value of lane l is NaN or its absolute value exceeds `cap`.
size_t find_active(const double* a, size_t count, int lanes, double cap, uint32_t* active, double* over);

/// Per lane, over r in `active`, in order: t1 += a * b[r];  t2 += |a| * q[r];  t3 += |a| * |b[r]|.
void weighted_sums(std::span<const uint32_t> active, const double* a, int lanes, const double* b, const double* q,
                   double* t1, double* t2, double* t3);

/// Two lines per row: (lower slope, lower offset, upper slope, upper offset).
struct LinesView {
  const double* lines = nullptr;         ///< 4 numbers a row.
  const double* lane_slopes = nullptr;   ///< Lower slopes per row and lane that replace those of `lines`; may be null.
  const uint32_t* source = nullptr;      ///< Column of a row.
  const double* q = nullptr;             ///< Charge of a row.
  const double* lane_charges = nullptr;  ///< Charges per row and lane, present with lane_slopes, that replace q.
};

/// The step through lines: with (s, k) the lower line where a > 0, else the upper one, over r in `active`, in order:
/// out[source, l] += a * s;  t1 += a * k;  t2 += |a| * q;  t3 += |a| * |k|.
void apply_lines(LinesView view, std::span<const uint32_t> active, const double* a, int lanes, double* out, double* t1,
                 double* t2, double* t3);

/// Per lane, over all j < count, in order: t1 += a > 0 ? a * lo[j] : a * hi[j];  t3 += |a| * magnitude[j]; and the
/// greatest |a| (a NaN shows in t1 alone).
void least_over_box(const double* a, size_t count, int lanes, const double* lo, const double* hi,
                    const double* magnitude, double* t1, double* t3, double* greatest);

// ---- float32, sixteen lanes: for choices that nothing rigorous depends on. Rows in the same order, lane by lane.

inline constexpr int kFloatLanes = 16;

struct FloatDenseView {
  const float* weights = nullptr;  ///< rows x width
  size_t width = 0;
};
struct FloatSparseView {
  const uint64_t* begin = nullptr;
  const uint32_t* column = nullptr;
  const float* weight = nullptr;
};

/// As the double functions of the same name.
void multiply_accumulate(FloatDenseView matrix, std::span<const uint32_t> active, const float* a, float* out);
void multiply_accumulate(FloatSparseView matrix, std::span<const uint32_t> active, const float* a, float* out);
void multiply_accumulate(const BlockMatrix<float>& matrix, std::span<const uint32_t> active, const float* a,
                         float* out);
/// Over all rows.
void multiply_accumulate(const BlockMatrix<float>& matrix, const float* a, float* out);
size_t find_active(const float* a, size_t count, uint32_t* active);

/// Two lines per row and lane, and the column of a row.
struct FloatLinesView {
  const float *low_slope = nullptr, *low_offset = nullptr, *up_slope = nullptr, *up_offset = nullptr;
  const uint32_t* source = nullptr;
};

/// With the lower line where a > 0, else the upper one, over r in `active`: out[source, l] += a * slope and
/// constant[l] += a * offset.
void apply_lines(FloatLinesView view, std::span<const uint32_t> active, const float* a, float* out, float* constant);

/// out[r, l] = slope * v[source, l] + offset, of the lines that `a` chooses as above, over all rows.
void follow_lines(FloatLinesView view, size_t rows, const float* a, const float* v, float* out);

/// out[r, l] += weight * v[column, l], over the terms of row r, in order, for all rows.
void gather_accumulate(FloatSparseView matrix, size_t rows, const float* v, float* out);

/// The three sums of an interval step, for all rows of a dense map given by columns (transposed: width x rows):
/// low[i] += w > 0 ? w * lo[j] : w * hi[j];  high with lo and hi exchanged;  size[i] += |w| * magnitude[j].
void interval_accumulate(const double* transposed, size_t rows, size_t width, const double* lo, const double* hi,
                         const double* magnitude, double* low, double* high, double* size);

}  // namespace axiom
