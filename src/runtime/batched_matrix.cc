// Kernels of the batched-matrix door, on the compiler's vector extension.
//
// Lanes are the vector dimension, so one source serves every instruction set and the order of additions per lane is
// the one of the specification. Columns are tiled in registers: eight accumulators of eight lanes. The build
// switches off contraction, so that a * b + c is two roundings everywhere.
#include "runtime/batched_matrix.h"

#include <bit>
#include <numeric>
#include <vector>

#include "base/result.h"

// The thread sanitizer cannot run the code that chooses a clone: it runs before the sanitizer has started.
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define AXIOM_VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define AXIOM_VECTOR_CLONES
#endif

namespace axiom {
namespace {

template <int kLanes>
struct Lane;
template <>
struct Lane<1> {
  typedef double Vector __attribute__((vector_size(8), aligned(8)));
};
template <>
struct Lane<4> {
  typedef double Vector __attribute__((vector_size(32), aligned(8)));
};
template <>
struct Lane<8> {
  typedef double Vector __attribute__((vector_size(64), aligned(8)));
};

// `always_inline` puts the body into each clone of its caller below.
template <int kLanes, int kTile>
__attribute__((always_inline)) inline void dense_tile(const double* w, size_t width, const uint32_t* active,
                                                      size_t count, const double* a, double* out) {
  using Vector = typename Lane<kLanes>::Vector;
  Vector acc[kTile];
  for (int t = 0; t < kTile; ++t) acc[t] = *reinterpret_cast<const Vector*>(out + t * kLanes);
  for (size_t k = 0; k < count; ++k) {
    const size_t row = active[k];
    const Vector va = *reinterpret_cast<const Vector*>(a + row * kLanes);
    const double* wr = w + row * width;
    for (int t = 0; t < kTile; ++t) acc[t] += va * wr[t];
  }
  for (int t = 0; t < kTile; ++t) *reinterpret_cast<Vector*>(out + t * kLanes) = acc[t];
}

template <int kLanes>
__attribute__((always_inline)) inline void dense(const double* w, size_t width, const uint32_t* active, size_t count,
                                                 const double* a, double* out) {
  size_t j = 0;
  for (; j + 8 <= width; j += 8) dense_tile<kLanes, 8>(w + j, width, active, count, a, out + j * kLanes);
  for (; j < width; ++j) dense_tile<kLanes, 1>(w + j, width, active, count, a, out + j * kLanes);
}

template <int kLanes>
__attribute__((always_inline)) inline void sparse(SparseMatrixView m, const uint32_t* active, size_t count,
                                                  const double* a, double* out) {
  using Vector = typename Lane<kLanes>::Vector;
  for (size_t k = 0; k < count; ++k) {
    const size_t row = active[k];
    const Vector va = *reinterpret_cast<const Vector*>(a + row * kLanes);
    for (uint64_t t = m.begin[row]; t < m.begin[row + 1]; ++t) {
      *reinterpret_cast<Vector*>(out + size_t{m.column[t]} * kLanes) += va * m.weight[t];
    }
  }
}

// A product with blocks. The tag holds the vector type, whose alignment a template argument would lose.
template <int kTile, typename Tag, typename T>
__attribute__((always_inline)) inline void block_tile(const T* w, size_t width, const uint32_t* local,
                                                      const uint32_t* rows, size_t count, const T* a,
                                                      const uint32_t* columns, T* out) {
  using Vector = typename Tag::Vector;
  constexpr size_t kLanes = sizeof(Vector) / sizeof(T);
  Vector acc[kTile];
  for (int t = 0; t < kTile; ++t) acc[t] = *reinterpret_cast<const Vector*>(out + columns[t] * kLanes);
  for (size_t k = 0; k < count; ++k) {
    const Vector va = *reinterpret_cast<const Vector*>(a + rows[k] * kLanes);
    const T* wr = w + local[k] * width;
    for (int t = 0; t < kTile; ++t) acc[t] += va * wr[t];
  }
  for (int t = 0; t < kTile; ++t) *reinterpret_cast<Vector*>(out + columns[t] * kLanes) = acc[t];
}

// The rows of a block that take part: where they are in the block and in the matrix.
struct BlockRows {
  std::vector<uint32_t> local, global;
  size_t count = 0;
};

template <typename Tag, typename T>
__attribute__((always_inline)) inline void block(const T* w, size_t width, const BlockRows& rows, const T* a,
                                                 const uint32_t* columns, T* out) {
  const uint32_t *local = rows.local.data(), *global = rows.global.data();
  const size_t count = rows.count;
  size_t j = 0;
  for (; j + 8 <= width; j += 8) block_tile<8, Tag>(w + j, width, local, global, count, a, columns + j, out);
  if (j + 4 <= width) {
    block_tile<4, Tag>(w + j, width, local, global, count, a, columns + j, out);
    j += 4;
  }
  if (j + 2 <= width) {
    block_tile<2, Tag>(w + j, width, local, global, count, a, columns + j, out);
    j += 2;
  }
  if (j < width) block_tile<1, Tag>(w + j, width, local, global, count, a, columns + j, out);
}

AXIOM_VECTOR_CLONES void block_4(const double* w, size_t width, const BlockRows& rows, const double* a,
                                 const uint32_t* columns, double* out) {
  block<Lane<4>>(w, width, rows, a, columns, out);
}
AXIOM_VECTOR_CLONES void block_8(const double* w, size_t width, const BlockRows& rows, const double* a,
                                 const uint32_t* columns, double* out) {
  block<Lane<8>>(w, width, rows, a, columns, out);
}

// Hands every block that has an active row to `multiply`.
template <typename T, typename Multiply>
void each_block(const BlockMatrix<T>& matrix, std::span<const uint32_t> active, Multiply multiply) {
  if (active.empty()) return;
  std::vector<uint8_t> is_active(matrix.row_end);
  for (const uint32_t r : active) is_active[r] = 1;
  BlockRows rows{std::vector<uint32_t>(matrix.most_rows), std::vector<uint32_t>(matrix.most_rows)};
  for (const auto& b : matrix.blocks) {
    const uint32_t* of_block = matrix.rows.data() + b.first_row;
    if (of_block[0] > active.back() || of_block[b.row_count - 1] < active.front()) continue;
    size_t count = 0;
    for (uint32_t k = 0; k < b.row_count; ++k) {  // Without a branch that would be mispredicted.
      const uint32_t r = of_block[k];
      rows.local[count] = k;
      rows.global[count] = r;
      count += is_active[r];
    }
    rows.count = count;
    if (count > 0)
      multiply(matrix.weights.data() + b.weights, b.column_count, rows, matrix.columns.data() + b.first_column);
  }
}

template <int kLanes>
__attribute__((always_inline)) inline size_t find(const double* a, size_t count, double cap, uint32_t* active,
                                                  double* over) {
  using Vector = typename Lane<kLanes>::Vector;
  auto within = Vector{} <= cap;
  size_t found = 0;
  for (size_t i = 0; i < count; ++i) {
    const Vector v = *reinterpret_cast<const Vector*>(a + i * kLanes);
    uint64_t bits = 0;
    for (int l = 0; l < kLanes; ++l) bits |= std::bit_cast<uint64_t>(a[i * kLanes + static_cast<size_t>(l)]);
    const bool any = bits << 1 != 0;  // A negative zero is one.
    within &= (v < 0 ? -v : v) <= cap;
    active[found] = static_cast<uint32_t>(i);
    found += any;
  }
  for (int l = 0; l < kLanes; ++l) {
    if (within[l] == 0) over[l] = 1;
  }
  return found;
}

template <int kLanes>
__attribute__((always_inline)) inline void sums(const uint32_t* active, size_t count, const double* a, const double* b,
                                                const double* q, double* t1, double* t2, double* t3) {
  using Vector = typename Lane<kLanes>::Vector;
  Vector s1{}, s2{}, s3{};
  for (size_t k = 0; k < count; ++k) {
    const size_t r = active[k];
    const Vector v = *reinterpret_cast<const Vector*>(a + r * kLanes);
    const Vector m = v < 0 ? -v : v;
    s1 += v * b[r];
    s2 += m * q[r];
    s3 += m * __builtin_fabs(b[r]);
  }
  *reinterpret_cast<Vector*>(t1) = s1;
  *reinterpret_cast<Vector*>(t2) = s2;
  *reinterpret_cast<Vector*>(t3) = s3;
}

// The vectors are spelled out: the compiler does not know that `out` is apart from the rest.
template <int kLanes>
__attribute__((always_inline)) inline void lines(LinesView view, const uint32_t* active, size_t count, const double* a,
                                                 double* out, double* t1, double* t2, double* t3) {
  using Vector = typename Lane<kLanes>::Vector;
  Vector s1{}, s2{}, s3{};
  for (size_t k = 0; k < count; ++k) {
    const size_t r = active[k];
    const double* line = view.lines + 4 * r;
    const Vector v = *reinterpret_cast<const Vector*>(a + r * kLanes);
    const Vector m = v < 0 ? -v : v;
    const auto positive = v > 0;
    const Vector low = view.lane_slopes != nullptr ? *reinterpret_cast<const Vector*>(view.lane_slopes + r * kLanes)
                                                   : Vector{} + line[0];
    *reinterpret_cast<Vector*>(out + size_t{view.source[r]} * kLanes) += v * (positive ? low : Vector{} + line[2]);
    s1 += v * (positive ? Vector{} + line[1] : Vector{} + line[3]);
    s2 += m * (view.lane_slopes != nullptr ? *reinterpret_cast<const Vector*>(view.lane_charges + r * kLanes)
                                           : Vector{} + view.q[r]);
    s3 += m * (positive ? Vector{} + __builtin_fabs(line[1]) : Vector{} + __builtin_fabs(line[3]));
  }
  *reinterpret_cast<Vector*>(t1) = s1;
  *reinterpret_cast<Vector*>(t2) = s2;
  *reinterpret_cast<Vector*>(t3) = s3;
}

template <int kLanes>
__attribute__((always_inline)) inline void box(const double* a, size_t count, const double* lo, const double* hi,
                                               const double* magnitude, double* t1, double* t3, double* greatest) {
  double s1[kLanes] = {}, s3[kLanes] = {}, most[kLanes] = {};
  for (size_t j = 0; j < count; ++j) {
    const double l = lo[j], h = hi[j], x = magnitude[j];
    for (int k = 0; k < kLanes; ++k) {
      const double v = a[j * kLanes + k], m = __builtin_fabs(v);
      s1[k] += v * (v > 0 ? l : h);
      s3[k] += m * x;
      most[k] = m > most[k] ? m : most[k];
    }
  }
  for (int k = 0; k < kLanes; ++k) {
    t1[k] = s1[k];
    t3[k] = s3[k];
    greatest[k] = most[k];
  }
}

#define AXIOM_LANE_KERNELS(n)                                                                                      \
  AXIOM_VECTOR_CLONES size_t find_##n(const double* a, size_t count, double cap, uint32_t* active, double* over) { \
    return find<n>(a, count, cap, active, over);                                                                   \
  }                                                                                                                \
  AXIOM_VECTOR_CLONES void sums_##n(const uint32_t* active, size_t count, const double* a, const double* b,        \
                                    const double* q, double* t1, double* t2, double* t3) {                         \
    sums<n>(active, count, a, b, q, t1, t2, t3);                                                                   \
  }                                                                                                                \
  AXIOM_VECTOR_CLONES void lines_##n(LinesView view, const uint32_t* active, size_t count, const double* a,        \
                                     double* out, double* t1, double* t2, double* t3) {                            \
    lines<n>(view, active, count, a, out, t1, t2, t3);                                                             \
  }                                                                                                                \
  AXIOM_VECTOR_CLONES void box_##n(const double* a, size_t count, const double* lo, const double* hi,              \
                                   const double* magnitude, double* t1, double* t3, double* greatest) {            \
    box<n>(a, count, lo, hi, magnitude, t1, t3, greatest);                                                         \
  }
AXIOM_LANE_KERNELS(1)
AXIOM_LANE_KERNELS(4)
AXIOM_LANE_KERNELS(8)
#undef AXIOM_LANE_KERNELS

AXIOM_VECTOR_CLONES void dense_8(const double* w, size_t width, const uint32_t* active, size_t count, const double* a,
                                 double* out) {
  dense<8>(w, width, active, count, a, out);
}
AXIOM_VECTOR_CLONES void dense_4(const double* w, size_t width, const uint32_t* active, size_t count, const double* a,
                                 double* out) {
  dense<4>(w, width, active, count, a, out);
}
// One lane: the vector dimension is the column.
AXIOM_VECTOR_CLONES void dense_1(const double* w, size_t width, const uint32_t* active, size_t count, const double* a,
                                 double* out) {
  for (size_t k = 0; k < count; ++k) {
    const double ai = a[active[k]];
    const double* wr = w + active[k] * width;
    for (size_t j = 0; j < width; ++j) out[j] += ai * wr[j];
  }
}
AXIOM_VECTOR_CLONES void sparse_8(SparseMatrixView m, const uint32_t* active, size_t count, const double* a,
                                  double* out) {
  sparse<8>(m, active, count, a, out);
}
AXIOM_VECTOR_CLONES void sparse_4(SparseMatrixView m, const uint32_t* active, size_t count, const double* a,
                                  double* out) {
  sparse<4>(m, active, count, a, out);
}
void sparse_1(SparseMatrixView m, const uint32_t* active, size_t count, const double* a, double* out) {
  for (size_t k = 0; k < count; ++k) {
    const double ai = a[active[k]];
    for (uint64_t t = m.begin[active[k]]; t < m.begin[active[k] + 1]; ++t) out[m.column[t]] += ai * m.weight[t];
  }
}

struct FloatLane {
  typedef float Vector __attribute__((vector_size(4 * kFloatLanes), aligned(4)));
};
using FloatVector = FloatLane::Vector;

__attribute__((always_inline)) inline FloatVector& lanes_of(float* a, size_t row) {
  return *reinterpret_cast<FloatVector*>(a + row * kFloatLanes);
}
__attribute__((always_inline)) inline const FloatVector& lanes_of(const float* a, size_t row) {
  return *reinterpret_cast<const FloatVector*>(a + row * kFloatLanes);
}

template <int kTile>
__attribute__((always_inline)) inline void float_tile(const float* w, size_t width, const uint32_t* active,
                                                      size_t count, const float* a, float* out) {
  FloatVector acc[kTile];
  for (int t = 0; t < kTile; ++t) acc[t] = lanes_of(out, t);
  for (size_t k = 0; k < count; ++k) {
    const FloatVector va = lanes_of(a, active[k]);
    const float* wr = w + active[k] * width;
    for (int t = 0; t < kTile; ++t) acc[t] += va * wr[t];
  }
  for (int t = 0; t < kTile; ++t) lanes_of(out, t) = acc[t];
}

AXIOM_VECTOR_CLONES void float_dense(const float* w, size_t width, const uint32_t* active, size_t count, const float* a,
                                     float* out) {
  size_t j = 0;
  for (; j + 4 <= width; j += 4) float_tile<4>(w + j, width, active, count, a, out + j * kFloatLanes);
  for (; j < width; ++j) float_tile<1>(w + j, width, active, count, a, out + j * kFloatLanes);
}

AXIOM_VECTOR_CLONES void float_sparse(FloatSparseView m, const uint32_t* active, size_t count, const float* a,
                                      float* out) {
  for (size_t k = 0; k < count; ++k) {
    const size_t row = active[k];
    const FloatVector va = lanes_of(a, row);
    for (uint64_t t = m.begin[row]; t < m.begin[row + 1]; ++t) lanes_of(out, m.column[t]) += va * m.weight[t];
  }
}

AXIOM_VECTOR_CLONES void float_block(const float* w, size_t width, const BlockRows& rows, const float* a,
                                     const uint32_t* columns, float* out) {
  block<FloatLane>(w, width, rows, a, columns, out);
}

AXIOM_VECTOR_CLONES void float_gather(FloatSparseView m, size_t rows, const float* v, float* out) {
  for (size_t row = 0; row < rows; ++row) {
    FloatVector sum = lanes_of(out, row);
    for (uint64_t t = m.begin[row]; t < m.begin[row + 1]; ++t) sum += lanes_of(v, m.column[t]) * m.weight[t];
    lanes_of(out, row) = sum;
  }
}

AXIOM_VECTOR_CLONES void float_lines(FloatLinesView view, const uint32_t* active, size_t count, const float* a,
                                     float* out, float* constant) {
  FloatVector sum = lanes_of(constant, 0);
  for (size_t k = 0; k < count; ++k) {
    const size_t r = active[k];
    const FloatVector va = lanes_of(a, r);
    const auto positive = va > 0;
    lanes_of(out, view.source[r]) += va * (positive ? lanes_of(view.low_slope, r) : lanes_of(view.up_slope, r));
    sum += va * (positive ? lanes_of(view.low_offset, r) : lanes_of(view.up_offset, r));
  }
  lanes_of(constant, 0) = sum;
}

AXIOM_VECTOR_CLONES void float_follow(FloatLinesView view, size_t rows, const float* a, const float* v, float* out) {
  for (size_t r = 0; r < rows; ++r) {
    const auto positive = lanes_of(a, r) > 0;
    lanes_of(out, r) =
        (positive ? lanes_of(view.low_slope, r) : lanes_of(view.up_slope, r)) * lanes_of(v, view.source[r]) +
        (positive ? lanes_of(view.low_offset, r) : lanes_of(view.up_offset, r));
  }
}

AXIOM_VECTOR_CLONES size_t float_find(const float* a, size_t count, uint32_t* active) {
  size_t found = 0;
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits = 0;
    for (size_t l = 0; l < kFloatLanes; ++l) bits |= std::bit_cast<uint32_t>(a[i * kFloatLanes + l]);
    active[found] = static_cast<uint32_t>(i);
    found += bits << 1 != 0;  // A negative zero is one.
  }
  return found;
}

}  // namespace

void multiply_accumulate(FloatDenseView matrix, std::span<const uint32_t> active, const float* a, float* out) {
  float_dense(matrix.weights, matrix.width, active.data(), active.size(), a, out);
}

void multiply_accumulate(FloatSparseView matrix, std::span<const uint32_t> active, const float* a, float* out) {
  float_sparse(matrix, active.data(), active.size(), a, out);
}

void multiply_accumulate(const BlockMatrix<float>& matrix, std::span<const uint32_t> active, const float* a,
                         float* out) {
  each_block(matrix, active, [&](const float* w, size_t width, const BlockRows& rows, const uint32_t* columns) {
    float_block(w, width, rows, a, columns, out);
  });
}

void multiply_accumulate(const BlockMatrix<float>& matrix, const float* a, float* out) {
  BlockRows rows;
  for (const auto& b : matrix.blocks) {
    rows.local.resize(b.row_count);
    std::iota(rows.local.begin(), rows.local.end(), 0u);
    rows.global.assign(matrix.rows.begin() + static_cast<std::ptrdiff_t>(b.first_row),
                       matrix.rows.begin() + static_cast<std::ptrdiff_t>(b.first_row + b.row_count));
    rows.count = b.row_count;
    float_block(matrix.weights.data() + b.weights, b.column_count, rows, a, matrix.columns.data() + b.first_column,
                out);
  }
}

void apply_lines(FloatLinesView view, std::span<const uint32_t> active, const float* a, float* out, float* constant) {
  float_lines(view, active.data(), active.size(), a, out, constant);
}

void follow_lines(FloatLinesView view, size_t rows, const float* a, const float* v, float* out) {
  float_follow(view, rows, a, v, out);
}

void gather_accumulate(FloatSparseView matrix, size_t rows, const float* v, float* out) {
  float_gather(matrix, rows, v, out);
}

size_t find_active(const float* a, size_t count, uint32_t* active) { return float_find(a, count, active); }

void multiply_accumulate(DenseMatrixView matrix, std::span<const uint32_t> active, const double* a, int lanes,
                         double* out) {
  switch (lanes) {
    case 1:
      return dense_1(matrix.weights, matrix.width, active.data(), active.size(), a, out);
    case 4:
      return dense_4(matrix.weights, matrix.width, active.data(), active.size(), a, out);
    case 8:
      return dense_8(matrix.weights, matrix.width, active.data(), active.size(), a, out);
  }
  AXIOM_CHECK(!"lane count without kernel");
}

void multiply_accumulate(SparseMatrixView matrix, std::span<const uint32_t> active, const double* a, int lanes,
                         double* out) {
  switch (lanes) {
    case 1:
      return sparse_1(matrix, active.data(), active.size(), a, out);
    case 4:
      return sparse_4(matrix, active.data(), active.size(), a, out);
    case 8:
      return sparse_8(matrix, active.data(), active.size(), a, out);
  }
  AXIOM_CHECK(!"lane count without kernel");
}

void multiply_accumulate(const BlockMatrix<double>& matrix, std::span<const uint32_t> active, const double* a,
                         int lanes, double* out) {
  AXIOM_CHECK(lanes == 4 || lanes == 8);
  const auto kernel = lanes == 4 ? block_4 : block_8;
  each_block(matrix, active, [&](const double* w, size_t width, const BlockRows& rows, const uint32_t* columns) {
    kernel(w, width, rows, a, columns, out);
  });
}

void least_over_box(const double* a, size_t count, int lanes, const double* lo, const double* hi,
                    const double* magnitude, double* t1, double* t3, double* greatest) {
  switch (lanes) {
    case 1:
      return box_1(a, count, lo, hi, magnitude, t1, t3, greatest);
    case 4:
      return box_4(a, count, lo, hi, magnitude, t1, t3, greatest);
    case 8:
      return box_8(a, count, lo, hi, magnitude, t1, t3, greatest);
  }
  AXIOM_CHECK(!"lane count without kernel");
}

size_t find_active(const double* a, size_t count, int lanes, double cap, uint32_t* active, double* over) {
  switch (lanes) {
    case 1:
      return find_1(a, count, cap, active, over);
    case 4:
      return find_4(a, count, cap, active, over);
    case 8:
      return find_8(a, count, cap, active, over);
  }
  AXIOM_CHECK(!"lane count without kernel");
  return 0;
}

void weighted_sums(std::span<const uint32_t> active, const double* a, int lanes, const double* b, const double* q,
                   double* t1, double* t2, double* t3) {
  switch (lanes) {
    case 1:
      return sums_1(active.data(), active.size(), a, b, q, t1, t2, t3);
    case 4:
      return sums_4(active.data(), active.size(), a, b, q, t1, t2, t3);
    case 8:
      return sums_8(active.data(), active.size(), a, b, q, t1, t2, t3);
  }
  AXIOM_CHECK(!"lane count without kernel");
}

void apply_lines(LinesView view, std::span<const uint32_t> active, const double* a, int lanes, double* out, double* t1,
                 double* t2, double* t3) {
  switch (lanes) {
    case 1:
      return lines_1(view, active.data(), active.size(), a, out, t1, t2, t3);
    case 4:
      return lines_4(view, active.data(), active.size(), a, out, t1, t2, t3);
    case 8:
      return lines_8(view, active.data(), active.size(), a, out, t1, t2, t3);
  }
  AXIOM_CHECK(!"lane count without kernel");
}

AXIOM_VECTOR_CLONES void interval_accumulate(const double* transposed, size_t rows, size_t width, const double* lo,
                                             const double* hi, const double* magnitude, double* low, double* high,
                                             double* size) {
  for (size_t j = 0; j < width; ++j) {
    const double* w = transposed + j * rows;
    const double l = lo[j], h = hi[j], m = magnitude[j];
    for (size_t i = 0; i < rows; ++i) {
      const double at_low = w[i] * l, at_high = w[i] * h;
      const bool positive = w[i] > 0;
      low[i] += positive ? at_low : at_high;
      high[i] += positive ? at_high : at_low;
      size[i] += __builtin_fabs(w[i]) * m;
    }
  }
}

}  // namespace axiom
